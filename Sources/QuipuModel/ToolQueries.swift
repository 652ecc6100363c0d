/// `tools.stats`.
public struct ToolQuery: Sendable {
    public var range: TimeRange
    public var filters: [Filter]
    public var order: Order
    public var page: PageRequest

    /// The raw value is the word on the wire.
    public enum Order: String, Sendable, CaseIterable {
        /// Most used first.
        case calls
        /// Most errors first.
        case errors
        /// The highest 90th percentile of durations first.
        case slowest
    }

    public init(
        range: TimeRange, filters: [Filter] = [], order: Order = .calls,
        page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.filters = filters
        self.order = order
        self.page = page
    }
}

public struct ToolStatistics: Sendable, Equatable {
    public var name: String
    public var counts: OutcomeCounts
    public var duration: DurationSummary?
    public var lastUsed: Timestamp
    /// Of the errors whose events are still there.
    public var errorsByCategory: [ErrorCategory: Int]

    public init(
        name: String, counts: OutcomeCounts, duration: DurationSummary?, lastUsed: Timestamp,
        errorsByCategory: [ErrorCategory: Int] = [:]
    ) {
        self.name = name
        self.counts = counts
        self.duration = duration
        self.lastUsed = lastUsed
        self.errorsByCategory = errorsByCategory
    }
}

/// `files.list`: files that were touched in the range.
public struct FileQuery: Sendable {
    public var range: TimeRange
    /// Paths: `path`, `session`, `project`, `reads`, `writes`, `edits`.
    public var filters: [Filter]
    public var page: PageRequest

    public init(range: TimeRange, filters: [Filter] = [], page: PageRequest = PageRequest()) {
        self.range = range
        self.filters = filters
        self.page = page
    }
}

/// What tool calls did to one file. Each call counts once.
public struct FileTouches: Sendable, Equatable {
    public var path: String
    public var reads: Int
    public var writes: Int
    public var edits: Int
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp
    /// How many sessions touched it.
    public var sessions: Int

    public init(
        path: String, reads: Int, writes: Int, edits: Int, firstSeen: Timestamp,
        lastSeen: Timestamp, sessions: Int
    ) {
        self.path = path
        self.reads = reads
        self.writes = writes
        self.edits = edits
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.sessions = sessions
    }
}
