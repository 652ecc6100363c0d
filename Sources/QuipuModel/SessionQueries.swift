/// `sessions.list`: sessions with activity in the range.
public struct SessionQuery: Sendable {
    public var range: TimeRange
    public var filters: [Filter]
    /// What the session itself is known by.
    public var contextFilters: [Filter]
    /// Nil: any.
    public var state: SessionState?
    /// The moment against which states are told.
    public var now: Timestamp
    public var page: PageRequest

    public init(
        range: TimeRange, filters: [Filter] = [], contextFilters: [Filter] = [],
        state: SessionState? = nil, now: Timestamp, page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.filters = filters
        self.contextFilters = contextFilters
        self.state = state
        self.now = now
        self.page = page
    }
}

public enum SessionState: String, Sendable, CaseIterable {
    case active, idle, ended

    public static func of(lastActivity: Timestamp, now: Timestamp) -> SessionState {
        let idleSeconds = (now.microseconds - lastActivity.microseconds) / 1_000_000
        if idleSeconds <= Limits.sessionActiveSeconds { return .active }
        return idleSeconds <= Limits.sessionIdleSeconds ? .idle : .ended
    }
}

public struct SessionSummary: Sendable, Equatable {
    public var session: String
    public var started: Timestamp
    public var lastActivity: Timestamp
    public var eventCount: Int
    /// Tool calls, whatever became of them.
    public var toolCount: Int
    public var errors: Int
    public var blocked: Int
    /// Calls by tool, most used first.
    public var tools: [ToolCount]
    public var title: String?
    /// The newest that is known.
    public var context: [ContextColumn: String] = [:]
    /// Files that its calls touched.
    public var fileCount = 0
    /// Subagents within it, and sessions that it started.
    public var subagentCount = 0
    /// Nil: no usage is known.
    public var usage: SessionUsage?

    public struct ToolCount: Sendable, Equatable {
        public var name: String
        public var count: Int

        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    public init(
        session: String, started: Timestamp, lastActivity: Timestamp, eventCount: Int,
        toolCount: Int, errors: Int, blocked: Int, tools: [ToolCount]
    ) {
        self.session = session
        self.started = started
        self.lastActivity = lastActivity
        self.eventCount = eventCount
        self.toolCount = toolCount
        self.errors = errors
        self.blocked = blocked
        self.tools = tools
    }
}

/// What a session's model calls used.
public struct SessionUsage: Sendable, Equatable {
    public var tokens: TokenCounts
    /// Nil: no call's cost is known.
    public var costUSD: Double?

    public init(tokens: TokenCounts, costUSD: Double?) {
        self.tokens = tokens
        self.costUSD = costUSD
    }
}

/// `sessions.get`, besides the timeline.
public struct SessionDetail: Sendable, Equatable {
    public var summary: SessionSummary
    public var subagents: [Subagent]
    /// The last touched first, at most `Limits.sessionFilesMax`.
    public var files: [FileTouches]

    /// A subagent within the session, or a session that it started.
    public struct Subagent: Sendable, Equatable {
        public var agentID: String?
        public var session: String?
        public var started: Timestamp
        public var lastActivity: Timestamp
        public var eventCount: Int
        public var toolCount: Int
        public var errors: Int

        public init(
            agentID: String?, session: String?, started: Timestamp, lastActivity: Timestamp,
            eventCount: Int, toolCount: Int, errors: Int
        ) {
            self.agentID = agentID
            self.session = session
            self.started = started
            self.lastActivity = lastActivity
            self.eventCount = eventCount
            self.toolCount = toolCount
            self.errors = errors
        }
    }

    public init(summary: SessionSummary, subagents: [Subagent], files: [FileTouches]) {
        self.summary = summary
        self.subagents = subagents
        self.files = files
    }
}
