/// How long what is kept. Ages are in seconds; nothing younger goes for its age.
public struct RetentionPolicy: Sendable, Equatable {
    private static let day: Int64 = 86_400

    public var eventsSeconds = 90 * day
    /// Inputs and outputs of tools: the bulk of the bytes and the least of the value.
    public var payloadsSeconds = 30 * day
    /// Rollups of each tier. Every tier has all samples, so that what goes from one is still told
    /// by the wider ones. Blocks go whole: up to a block's length later.
    public var metricSeconds: [MetricTier: Int64] = [
        .tenSeconds: 6 * 3_600, .minute: 7 * day, .hour: 90 * day, .day: 5 * 365 * day,
    ]
    /// Rollups of events, which outlive the events: whole hours, and whole days.
    public var eventHoursSeconds = 400 * day
    public var eventDaysSeconds = 5 * 365 * day
    /// Model calls, which are few bytes and what people ask for after years. The rows that told of
    /// them go with the events.
    public var usageSeconds = 5 * 365 * day
    /// Tasks, by their last change; they outlive their events.
    public var tasksSeconds = 400 * day
    /// Documents, by their last change; nil: they are kept.
    public var documentsSeconds: Int64?
    /// How long events are kept in memory, while persistence is off.
    public static let memorySeconds: Int64 = 2 * 3_600
    private static let memoryBytesMax: Int64 = 32 << 20

    /// The same in memory, which is small.
    public var inMemory: RetentionPolicy {
        var policy = self
        policy.eventsSeconds = min(eventsSeconds, Self.memorySeconds)
        policy.payloadsSeconds = min(payloadsSeconds, Self.memorySeconds)
        policy.usageSeconds = min(usageSeconds, Self.day)
        policy.databaseBytesMax = min(databaseBytesMax, Self.memoryBytesMax)
        return policy
    }

    /// Beyond, payloads go before their time, then events, then documents, oldest first.
    public var databaseBytesMax: Int64 = 10 << 30

    public init() {}
}

/// How wide the spans are that a metric's rollups are kept in, finest first.
public enum MetricTier: Int64, Sendable, CaseIterable {
    case tenSeconds = 10
    case minute = 60
    case hour = 3_600
    case day = 86_400

    public var seconds: Int64 { rawValue }
    public var word: String {
        switch self {
        case .tenSeconds: "10s"
        case .minute: "1m"
        case .hour: "1h"
        case .day: "1d"
        }
    }
}

/// What a backup holds, as read from the copy itself.
public struct BackupReport: Sendable, Equatable {
    public var events: Int64
    public var schemaVersion: Int

    public init(events: Int64, schemaVersion: Int) {
        self.events = events
        self.schemaVersion = schemaVersion
    }
}

/// What time it is for retention.
public struct RetentionTime: Sendable, Equatable {
    /// What the clock says.
    public var clock: Timestamp
    /// What is believed of it; it is remembered.
    public var believed: Timestamp

    public init(clock: Timestamp, believed: Timestamp) {
        self.clock = clock
        self.believed = believed
    }

    /// A clock that nobody doubts.
    public init(_ clock: Timestamp) { self.init(clock: clock, believed: clock) }

    /// Against which ages are measured.
    public var aged: Timestamp { min(clock, believed) }
}

/// What retention took away.
public struct RetentionReport: Sendable, Equatable {
    public var payloadBlocks = 0
    public var events = 0
    public var sessions = 0
    public var eventRollups = 0
    /// Rollups that only wider tiers still tell of, and those that are gone for good.
    public var rollupsMerged = 0
    public var rollups = 0
    public var series = 0
    public var sources = 0
    public var usageCalls = 0
    public var usageRows = 0
    public var tasks = 0
    public var documents = 0
    /// Given back to the file system.
    public var bytesFreed: Int64 = 0
    /// Nothing more could be taken, and it was not enough for the size.
    public var isExhausted = false

    public init() {}

    public mutating func add(_ other: RetentionReport) {
        payloadBlocks += other.payloadBlocks
        events += other.events
        sessions += other.sessions
        eventRollups += other.eventRollups
        rollupsMerged += other.rollupsMerged
        rollups += other.rollups
        series += other.series
        sources += other.sources
        usageCalls += other.usageCalls
        usageRows += other.usageRows
        tasks += other.tasks
        documents += other.documents
        bytesFreed += other.bytesFreed
        isExhausted = isExhausted || other.isExhausted
    }
}
