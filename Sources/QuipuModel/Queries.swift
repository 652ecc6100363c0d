/// A JSON scalar, as filters compare them.
public enum Scalar: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
}

/// One member of `where`.
public struct Filter: Sendable, Equatable {
    /// A column (`kind`, `name`, `status`, `session`, `task`, `agent`, `error`, `error_category`,
    /// `duration_ms`, `source`, `host`, or one of `ContextColumn`) or a path into the attributes,
    /// its parts joined by dots (`provider`, `tool_input.file_path`); a leading `attributes.` is
    /// the same path.
    public var path: String
    public var test: Test

    public indirect enum Test: Sendable, Equatable {
        /// Any of these values; null matches what is absent.
        case oneOf([Scalar])
        case atLeast(Scalar)
        case above(Scalar)
        case atMost(Scalar)
        case below(Scalar)
        /// SQL LIKE: `%` and `_`, ASCII case folded.
        case like(String)
        case not(Test)
        case all([Test])
    }

    public init(path: String, test: Test) {
        self.path = path
        self.test = test
    }
}

/// From `since` (inclusive) until `until` (exclusive).
public struct TimeRange: Sendable, Equatable {
    public var since: Timestamp
    public var until: Timestamp

    public init(since: Timestamp, until: Timestamp) {
        self.since = since
        self.until = until
    }
}

/// Which page of a list: at most `limit` rows after `cursor` (opaque, from the page before).
public struct PageRequest: Sendable, Equatable {
    public var limit: Int
    public var cursor: String?

    public init(limit: Int = Limits.rowsPerReplyDefault, cursor: String? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}

/// A page of rows, and the cursor of the next one where there is more.
public struct Page<Row: Sendable>: Sendable {
    public var rows: [Row]
    public var nextCursor: String?

    public init(rows: [Row], nextCursor: String? = nil) {
        self.rows = rows
        self.nextCursor = nextCursor
    }
}

/// `events.query` and `errors.list`.
public struct EventQuery: Sendable {
    public enum Order: Sendable {
        case newestFirst, oldestFirst
        /// By duration, the longest first; events without one are left out.
        case slowestFirst
    }

    public var range: TimeRange
    public var filters: [Filter]
    public var order: Order
    public var page: PageRequest

    public init(
        range: TimeRange, filters: [Filter] = [], order: Order = .newestFirst,
        page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.filters = filters
        self.order = order
        self.page = page
    }

    public init(
        range: TimeRange, filters: [Filter] = [], newestFirst: Bool,
        page: PageRequest = PageRequest()
    ) {
        self.init(
            range: range, filters: filters, order: newestFirst ? .newestFirst : .oldestFirst,
            page: page)
    }
}

/// Where an event belongs besides its session. The raw value is the word on the wire.
public enum ContextColumn: String, Sendable, CaseIterable {
    case project, model, branch, parent, user
    case agentID = "agent_id"
}

/// An event as stored.
public struct Event: Sendable, Equatable {
    public var seq: Int64
    public var time: Timestamp
    public var timeIsArrival: Bool
    public var kind: String
    public var name: String?
    public var status: EventStatus
    public var durationMs: Double?
    public var session: String?
    public var task: String?
    public var agent: String?
    public var error: String?
    /// Of status error alone.
    public var errorCategory: ErrorCategory?
    /// What is known.
    public var context: [ContextColumn: String] = [:]
    public var sourcePath: String
    public var sourceOffset: Int64
    /// A JSON object, small and large members together, as text.
    public var attributesJSON: String

    public init(
        seq: Int64, time: Timestamp, timeIsArrival: Bool, kind: String, name: String?,
        status: EventStatus, durationMs: Double?, session: String?, task: String?, agent: String?,
        error: String?, sourcePath: String, sourceOffset: Int64, attributesJSON: String
    ) {
        self.seq = seq
        self.time = time
        self.timeIsArrival = timeIsArrival
        self.kind = kind
        self.name = name
        self.status = status
        self.durationMs = durationMs
        self.session = session
        self.task = task
        self.agent = agent
        self.error = error
        self.sourcePath = sourcePath
        self.sourceOffset = sourceOffset
        self.attributesJSON = attributesJSON
    }
}

/// One member of `group_by`.
public enum GroupKey: Sendable, Equatable {
    case column(Column)
    case span(Span)
    /// A path into the attributes.
    case attribute(String)

    public enum Column: String, Sendable, CaseIterable {
        case kind, name, status, session, task, agent, source, host
        case project, model, branch, parent, user
        case agentID = "agent_id"
        case errorCategory = "error_category"
    }

    /// Spans of time; a week begins on Monday.
    public enum Span: String, Sendable, CaseIterable {
        case hour, day, week, month
    }

    public init(word: String) {
        if let column = Column(rawValue: word) {
            self = .column(column)
        } else if let span = Span(rawValue: word) {
            self = .span(span)
        } else {
            self = .attribute(word.hasPrefix("attributes.") ? String(word.dropFirst(11)) : word)
        }
    }

    /// The member's name in a reply's `group`.
    public var word: String {
        switch self {
        case .column(let column): column.rawValue
        case .span(let span): span.rawValue
        case .attribute(let path): path
        }
    }
}

/// `events.summary`.
public struct SummaryQuery: Sendable {
    public var range: TimeRange
    public var filters: [Filter]
    public var groupBy: [GroupKey]
    /// An IANA name: whose days, weeks and months. Nil: UTC.
    public var timeZone: String?
    /// Attribute paths whose numbers are added up.
    public var sum: [String]
    /// Attribute paths whose numbers' distribution is told.
    public var quantiles: [String]
    public var page: PageRequest

    public init(
        range: TimeRange, filters: [Filter] = [], groupBy: [GroupKey] = [],
        timeZone: String? = nil, sum: [String] = [], quantiles: [String] = [],
        page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.filters = filters
        self.groupBy = groupBy
        self.timeZone = timeZone
        self.sum = sum
        self.quantiles = quantiles
        self.page = page
    }
}

/// A distribution, of durations in milliseconds or of any numbers; quantiles within the sketch's
/// 1 %.
public struct DurationSummary: Sendable, Equatable {
    public var min, avg, p50, p90, p99, max: Double

    public init(min: Double, avg: Double, p50: Double, p90: Double, p99: Double, max: Double) {
        self.min = min
        self.avg = avg
        self.p50 = p50
        self.p90 = p90
        self.p99 = p99
        self.max = max
    }
}

/// Counts of events by outcome.
public struct OutcomeCounts: Sendable, Equatable {
    public var count = 0
    public var ok = 0
    public var errors = 0
    public var blocked = 0
    public var running = 0

    public init() {}

    /// 100 · ok / (ok + errors); nil when nothing ended.
    public var successRatePercent: Double? {
        ok + errors == 0 ? nil : 100 * Double(ok) / Double(ok + errors)
    }

    public mutating func add(_ status: EventStatus, count: Int = 1) {
        self.count += count
        switch status {
        case .none: break
        case .ok: ok += count
        case .error: errors += count
        case .running: running += count
        case .blocked: blocked += count
        }
    }
}

public struct EventGroup: Sendable, Equatable {
    /// In the order of `group_by`: the member's name and its value.
    public var group: [Member]
    public var counts: OutcomeCounts
    public var duration: DurationSummary?
    /// The time of the newest.
    public var last: Timestamp
    public var sums: [Sum]
    public var quantiles: [Quantiles]

    public struct Member: Sendable, Equatable {
        public var name: String
        public var value: Scalar

        public init(name: String, value: Scalar) {
            self.name = name
            self.value = value
        }
    }

    public struct Sum: Sendable, Equatable {
        public var path: String
        public var value: Double

        public init(path: String, value: Double) {
            self.path = path
            self.value = value
        }
    }

    public struct Quantiles: Sendable, Equatable {
        public var path: String
        /// Nil when no event had a number there.
        public var summary: DurationSummary?

        public init(path: String, summary: DurationSummary?) {
            self.path = path
            self.summary = summary
        }
    }

    public init(
        group: [Member], counts: OutcomeCounts, duration: DurationSummary?, last: Timestamp,
        sums: [Sum], quantiles: [Quantiles] = []
    ) {
        self.group = group
        self.counts = counts
        self.duration = duration
        self.last = last
        self.sums = sums
        self.quantiles = quantiles
    }
}

/// `metrics.list`.
public struct SeriesQuery: Sendable {
    public var range: TimeRange
    /// Nil: all. A pattern of SQL LIKE in which `\` escapes.
    public var metricLike: String?
    public var type: MetricType?
    /// Filters over tags: path is the tag's key.
    public var filters: [Filter]
    public var page: PageRequest

    public init(
        range: TimeRange, metricLike: String? = nil, type: MetricType? = nil,
        filters: [Filter] = [], page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.metricLike = metricLike
        self.type = type
        self.filters = filters
        self.page = page
    }
}

public struct Series: Sendable, Equatable {
    public var name: String
    public var type: MetricType
    public var tags: [Tag]
    public var first: Timestamp
    public var last: Timestamp
    /// Samples received, weighted by their sample rates.
    public var samples: Double

    public init(
        name: String, type: MetricType, tags: [Tag], first: Timestamp, last: Timestamp,
        samples: Double
    ) {
        self.name = name
        self.type = type
        self.tags = tags
        self.first = first
        self.last = last
        self.samples = samples
    }
}

/// One source's account.
public struct SourceAccount: Sendable, Equatable {
    public var id: Int64
    public var identity: SourceIdentity
    /// Counts up when a file is rewritten in place.
    public var incarnation: Int
    public var position: UInt64
    /// How much the agent has seen of it.
    public var size: UInt64
    public var finished: Bool
    public var opened: Timestamp
    public var tally: Tally
    /// Bytes that were destroyed before they could be read, where their lines cannot be counted.
    public var lostBytes: UInt64

    public var lagBytes: UInt64 { size > position ? size - position : 0 }

    public init(
        id: Int64, identity: SourceIdentity, incarnation: Int, position: UInt64, size: UInt64,
        finished: Bool, opened: Timestamp, tally: Tally, lostBytes: UInt64
    ) {
        self.id = id
        self.identity = identity
        self.incarnation = incarnation
        self.position = position
        self.size = size
        self.finished = finished
        self.opened = opened
        self.tally = tally
        self.lostBytes = lostBytes
    }
}

/// A rejected line as kept.
public struct KeptReject: Sendable, Equatable {
    public var path: String
    public var offset: UInt64
    public var reason: RejectReason
    public var time: Timestamp
    public var head: [UInt8]

    public init(path: String, offset: UInt64, reason: RejectReason, time: Timestamp, head: [UInt8])
    {
        self.path = path
        self.offset = offset
        self.reason = reason
        self.time = time
        self.head = head
    }
}

public struct Ledger: Sendable {
    public var total: Tally
    public var totalLostBytes: UInt64
    public var sources: Page<SourceAccount>
    public var rejects: [KeptReject]
    /// True when every source's account closes, not only the sum.
    public var balanced: Bool

    public init(
        total: Tally, totalLostBytes: UInt64, sources: Page<SourceAccount>,
        rejects: [KeptReject], balanced: Bool
    ) {
        self.total = total
        self.totalLostBytes = totalLostBytes
        self.sources = sources
        self.rejects = rejects
        self.balanced = balanced
    }
}
