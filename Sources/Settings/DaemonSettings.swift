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
    /// `retention.*`: how long what is kept.
    public var retention = RetentionPolicy()

    public init() {}

    public init(_ layers: Layers) throws(SettingsError) {
        persistence = try layers.bool("persistence") ?? persistence
        adminGroup = try layers.string("admin_group")
        originTags = try layers.bool("metrics.origin_tags") ?? originTags
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
