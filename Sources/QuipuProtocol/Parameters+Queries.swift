public import QuipuModel

// Each method's params as the question that the store understands. Every function reads all of its
// members and refuses the others.

/// In which order events come.
enum EventOrder: String, CaseIterable {
    /// Oldest first.
    case asc
    /// Newest first.
    case desc
    /// The longest duration first.
    case slowest

    var order: EventQuery.Order {
        switch self {
        case .asc: .oldestFirst
        case .desc: .newestFirst
        case .slowest: .slowestFirst
        }
    }
}

/// In which order a session's events come.
public enum Order: String, Sendable, CaseIterable {
    /// Oldest first.
    case asc
    /// Newest first.
    case desc
}

/// `sessions.get`.
public struct SessionDetailQuery: Sendable {
    public var session: String
    /// The session's events, oldest first unless asked otherwise, whatever their age.
    public var timeline: EventQuery

    public init(session: String, timeline: EventQuery) {
        self.session = session
        self.timeline = timeline
    }
}

/// `subscribe`.
public struct SubscribeRequest: Sendable {
    public var topics: Set<Topic>
    /// Which events; the other topics are not filtered.
    public var filters: [Filter]

    public init(topics: Set<Topic>, filters: [Filter]) {
        self.topics = topics
        self.filters = filters
    }
}

extension Parameters {
    private static let eventColumns = [
        "kind", "name", "status", "session", "task", "project", "model", "user",
    ]

    /// `health`, `stats`, `rpc.discover`.
    public func none() throws(RPCError) { try finish() }

    /// `ledger`.
    public mutating func ledgerPage() throws(RPCError) -> PageRequest {
        let page = try page()
        try finish()
        return page
    }

    /// `events.query`.
    public mutating func eventQuery() throws(RPCError) -> EventQuery {
        try events(columns: Parameters.eventColumns)
    }

    /// `errors.list`.
    public mutating func errorQuery() throws(RPCError) -> EventQuery {
        var query = try events(columns: Parameters.eventColumns.filter { $0 != "status" })
        query.filters.append(Filter(path: "status", test: .oneOf([.string("error")])))
        return query
    }

    private mutating func events(columns: [String]) throws(RPCError) -> EventQuery {
        let filters = try columnFilters(columns)
        let range = try timeRange()
        let conditions = try self.filters()
        let order: EventOrder = try word("order") ?? .desc
        let page = try page()
        try finish()
        return EventQuery(
            range: range, filters: filters + conditions, order: order.order, page: page)
    }

    /// `events.summary`.
    public mutating func summaryQuery() throws(RPCError) -> SummaryQuery {
        let filters = try columnFilters(Parameters.eventColumns)
        let range = try timeRange()
        let conditions = try self.filters()
        let groupBy = try strings("group_by", countMax: Limits.groupKeysMax) ?? []
        let timeZone = try string("time_zone")
        let sum = try strings("sum", countMax: Limits.aggregatesMax) ?? []
        let quantiles = try strings("quantiles", countMax: Limits.aggregatesMax) ?? []
        let page = try page()
        try finish()
        return SummaryQuery(
            range: range, filters: filters + conditions, groupBy: groupBy.map(GroupKey.init(word:)),
            timeZone: timeZone, sum: sum.map(Parameters.attributePath),
            quantiles: quantiles.map(Parameters.attributePath), page: page)
    }

    private static func attributePath(_ word: String) -> String {
        word.hasPrefix("attributes.") ? String(word.dropFirst("attributes.".count)) : word
    }

    /// `sessions.list`.
    public mutating func sessionQuery() throws(RPCError) -> SessionQuery {
        let filters = try columnFilters(["session"])
        let known = try columnFilters(["project", "model", "branch", "parent", "user"])
        let range = try timeRange()
        let conditions = try self.filters()
        let state: SessionState? = try word("state")
        let page = try page()
        try finish()
        return SessionQuery(
            range: range, filters: filters + conditions, contextFilters: known, state: state,
            now: now, page: page)
    }

    /// `sessions.get`.
    public mutating func sessionDetailQuery() throws(RPCError) -> SessionDetailQuery {
        let session = try requiredString("session")
        let order: Order = try word("order") ?? .asc
        let page = try page()
        try finish()
        let own = Filter(path: "session", test: .oneOf([.string(session)]))
        return SessionDetailQuery(
            session: session,
            timeline: EventQuery(
                range: TimeRange(since: .earliest, until: .latest), filters: [own],
                newestFirst: order == .desc, page: page))
    }

    /// `tools.stats`.
    public mutating func toolQuery() throws(RPCError) -> ToolQuery {
        let filters = try columnFilters(["name", "session", "task", "project", "model", "user"])
        let range = try timeRange()
        let conditions = try self.filters()
        let order: ToolQuery.Order = try word("order") ?? .calls
        let page = try page()
        try finish()
        return ToolQuery(range: range, filters: filters + conditions, order: order, page: page)
    }

    /// `files.list`.
    public mutating func fileQuery() throws(RPCError) -> FileQuery {
        let filters = try columnFilters(["path", "session", "project"])
        let range = try timeRange()
        let conditions = try self.filters()
        let page = try page()
        try finish()
        return FileQuery(range: range, filters: filters + conditions, page: page)
    }

    /// `sql`.
    public mutating func sqlQuery() throws(RPCError) -> SQLQuery {
        let text = try requiredString("query", bytesMax: Limits.sqlTextBytesMax)
        let limit = try int("limit", in: 1...Int64(Limits.rowsPerReplyMax))
        try finish()
        return SQLQuery(
            text: text, rowsMax: limit.map { Int($0) } ?? Limits.sqlRowsPerReplyDefault)
    }

    /// `metrics.list`. `*` in a metric's name stands for anything, as `%` does.
    public mutating func seriesQuery() throws(RPCError) -> SeriesQuery {
        let metric = try string("metric")
        let typeWord = try string("type")
        let range = try timeRange()
        let filters = try self.filters()
        let page = try page()
        try finish()
        return SeriesQuery(
            range: range, metricLike: metric.map(Parameters.pattern),
            type: try typeWord.map(Parameters.metricType), filters: filters, page: page)
    }

    /// `*` stands for anything; what else SQL LIKE gives a meaning stands for itself.
    private static func pattern(_ metric: String) -> String {
        metric.reduce(into: "") { pattern, character in
            switch character {
            case "*": pattern.append("%")
            case "_", "%", "\\": pattern += "\\\(character)"
            default: pattern.append(character)
            }
        }
    }

    static func metricType(_ word: String) throws(RPCError) -> MetricType {
        try metricType(word, path: "type")
    }

    static func metricType(_ word: String, path: String) throws(RPCError) -> MetricType {
        guard let type = MetricType(word: word) else {
            throw .invalid(path, oneOf(MetricType.allCases.map(\.word)))
        }
        return type
    }

    /// `subscribe`. Without `topics`: events.
    public mutating func subscribeRequest() throws(RPCError) -> SubscribeRequest {
        let words = try strings("topics", countMax: Topic.allCases.count) ?? ["events"]
        guard !words.isEmpty else { throw .invalid("topics", "at least one") }
        let filters = try columnFilters(Parameters.eventColumns)
        let conditions = try self.filters()
        try finish()
        var topics: Set<Topic> = []
        for word in words { topics.insert(try Parameters.word(word, path: "topics")) }
        return SubscribeRequest(topics: topics, filters: filters + conditions)
    }

    /// `unsubscribe`: which subscription.
    public mutating func subscriptionNumber() throws(RPCError) -> Int64 {
        let number = try requiredInt("subscription", in: 1...Int64.max)
        try finish()
        return number
    }
}
