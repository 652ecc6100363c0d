/// One member of `group_by` of `costs.summary`.
public enum CostKey: Sendable, Equatable {
    case column(UsageColumn)
    case span(GroupKey.Span)

    public init?(word: String) {
        if let column = UsageColumn(rawValue: word) {
            self = .column(column)
        } else if let span = GroupKey.Span(rawValue: word) {
            self = .span(span)
        } else {
            return nil
        }
    }

    /// The member's name in a reply's `group`.
    public var word: String {
        switch self {
        case .column(let column): column.rawValue
        case .span(let span): span.rawValue
        }
    }

    public static let words =
        UsageColumn.allCases.map(\.rawValue) + GroupKey.Span.allCases.map(\.rawValue)
}

/// What is known of a model call besides figures.
public enum UsageColumn: String, Sendable, CaseIterable {
    case model, user, session, project, agent, branch, task
    case requestType = "request_type"
    /// Who makes the model, as far as its name tells.
    case provider
}

/// `costs.summary`.
public struct CostQuery: Sendable {
    public var range: TimeRange
    /// Paths are those of `UsageColumn`.
    public var filters: [Filter]
    public var groupBy: [CostKey]
    /// An IANA name; nil: UTC.
    public var timeZone: String?
    /// From the start of the day, week or month that holds this moment in the time zone, instead of
    /// the range's beginning.
    public var sinceStart: (span: GroupKey.Span, now: Timestamp)?
    /// The range's beginning or end was told as a date: it is that date's midnight in the time
    /// zone.
    public var sinceIsDate = false
    public var untilIsDate = false
    public var page: PageRequest

    public init(
        range: TimeRange, filters: [Filter] = [], groupBy: [CostKey] = [],
        timeZone: String? = nil, page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.filters = filters
        self.groupBy = groupBy
        self.timeZone = timeZone
        self.page = page
    }
}

/// Tokens and money of some calls.
public struct CostFigures: Sendable, Equatable {
    public var requests = 0
    /// Those whose model has no known price.
    public var unpricedRequests = 0
    public var tokens = TokenCounts()
    /// Of the priced calls.
    public var pricedUSD = 0.0
    /// What the records themselves said; nil where none did.
    public var statedUSD: Double?
    public var models: Set<String> = []
    public var first: Timestamp?
    public var last: Timestamp?

    public init() {}

    /// Nil where no call has a known price: that is not 0.
    public var costUSD: Double? {
        requests > 0 && requests == unpricedRequests ? nil : pricedUSD
    }

    /// Of all input, how much came out of a cache.
    public var cacheHitPercent: Double? {
        let input =
            tokens.input + tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead
        return input == 0 ? nil : 100 * Double(tokens.cacheRead) / Double(input)
    }

    public mutating func add(_ call: UsageEntry) {
        requests += 1
        tokens.add(call.tokens)
        if let cost = call.costUSD { pricedUSD += cost } else { unpricedRequests += 1 }
        if let stated = call.statedUSD { statedUSD = (statedUSD ?? 0) + stated }
        if let model = call.model { models.insert(model) }
        first = min(first ?? call.time, call.time)
        last = max(last ?? call.time, call.time)
    }
}

extension TokenCounts {
    public mutating func add(_ other: TokenCounts) {
        input = input.addingCount(other.input)
        cacheWrite5m = cacheWrite5m.addingCount(other.cacheWrite5m)
        cacheWrite1h = cacheWrite1h.addingCount(other.cacheWrite1h)
        cacheRead = cacheRead.addingCount(other.cacheRead)
        output = output.addingCount(other.output)
    }
}

/// One model call, for those who add up.
public struct UsageEntry: Sendable, Equatable {
    public var time: Timestamp
    public var model: String?
    public var tokens: TokenCounts
    public var costUSD: Double?
    public var statedUSD: Double?

    public init(
        time: Timestamp, model: String?, tokens: TokenCounts, costUSD: Double?,
        statedUSD: Double? = nil
    ) {
        self.time = time
        self.model = model
        self.tokens = tokens
        self.costUSD = costUSD
        self.statedUSD = statedUSD
    }
}

public struct CostGroup: Sendable, Equatable {
    /// In the order of `group_by`: the member's name and its value.
    public var group: [EventGroup.Member]
    /// The span's date in the question's time zone (`2026-11-20`, `2026-11`), where there is one.
    public var date: String?
    public var figures: CostFigures

    public init(group: [EventGroup.Member], date: String?, figures: CostFigures) {
        self.group = group
        self.date = date
        self.figures = figures
    }
}

public struct CostSummary: Sendable {
    public var groups: Page<CostGroup>
    public var total: CostFigures

    public init(groups: Page<CostGroup>, total: CostFigures) {
        self.groups = groups
        self.total = total
    }
}
