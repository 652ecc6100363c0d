public import QuipuModel

/// What a user may change about `quipud`.
public struct DaemonSettings: Sendable, Equatable {
    private static let day: Int64 = 86_400

    /// `persistence`: false keeps everything in memory only.
    public var persistence = true
    /// `admin_group`: members may do what otherwise only root and the daemon's own user may.
    public var adminGroup: String?
    /// `metrics.origin_tags`: whether the fields by which DogStatsD clients tell their container
    /// become tags.
    public var originTags = false
    /// `prices_file`: what models cost, as JSON; overrides the built-in prices.
    public var pricesFile: String?
    /// `time_zone`: where times were written that name no zone; by default the system's.
    public var timeZone: String?
    /// `redaction.enabled`: whether secrets are taken out before anything is stored.
    public var redacts = true
    /// `redaction.keys`: parts of members' names whose values are secrets, besides the known ones.
    public var redactedKeys: [String] = []
    /// `payload_max_bytes`: a longer member of a tool's input or output is cut.
    public var payloadBytesMax = Limits.payloadBytesDefault
    /// `retention.*`: how long what is kept.
    public var retention = RetentionPolicy()

    public init() {}

    public init(_ layers: Layers) throws(SettingsError) {
        persistence = try layers.bool("persistence") ?? persistence
        adminGroup = try layers.string("admin_group")
        originTags = try layers.bool("metrics.origin_tags") ?? originTags
        pricesFile = try layers.string("prices_file")
        timeZone = try layers.string("time_zone")
        redacts = try layers.bool("redaction.enabled") ?? redacts
        redactedKeys = try layers.strings("redaction.keys") ?? redactedKeys
        payloadBytesMax =
            try layers.int("payload_max_bytes", in: 1_024...Limits.lineBytesMax) ?? payloadBytesMax
        func age(_ key: String, unit: Int64) throws(SettingsError) -> Int64? {
            // A century; nothing is older.
            let max = Int(36_525 * Self.day / unit)
            return try layers.int("retention.\(key)", in: 1...max).map { Int64($0) * unit }
        }
        retention.eventsSeconds =
            try age("events_days", unit: Self.day) ?? retention.eventsSeconds
        retention.payloadsSeconds =
            try age("payloads_days", unit: Self.day) ?? retention.payloadsSeconds
        retention.eventHoursSeconds =
            try age("event_rollups_1h_days", unit: Self.day) ?? retention.eventHoursSeconds
        retention.eventDaysSeconds =
            try age("event_rollups_1d_days", unit: Self.day) ?? retention.eventDaysSeconds
        retention.usageSeconds = try age("usage_days", unit: Self.day) ?? retention.usageSeconds
        retention.tasksSeconds =
            try age("tasks_days", unit: Self.day) ?? retention.tasksSeconds
        retention.documentsSeconds = try age("documents_days", unit: Self.day)
        let tiers: [(MetricTier, String, Int64)] = [
            (.tenSeconds, "metrics_10s_hours", 3_600), (.minute, "metrics_1m_days", Self.day),
            (.hour, "metrics_1h_days", Self.day), (.day, "metrics_1d_days", Self.day),
        ]
        for (tier, key, unit) in tiers {
            if let seconds = try age(key, unit: unit) { retention.metricSeconds[tier] = seconds }
        }
        retention.databaseBytesMax =
            try layers.int("retention.database_max_bytes", in: 1 << 20...1 << 50)
            .map { Int64($0) } ?? retention.databaseBytesMax
    }
}
