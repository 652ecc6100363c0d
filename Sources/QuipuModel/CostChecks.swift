/// `costs.reconcile`.
public struct ReconcileQuery: Sendable {
    public var range: TimeRange
    public var filters: [Filter]
    /// How many calls are shown with their rows.
    public var callsMax: Int

    public init(range: TimeRange, filters: [Filter] = [], callsMax: Int) {
        self.range = range
        self.filters = filters
        self.callsMax = callsMax
    }
}

/// How rows that tell of the same call may be made one figure.
public enum CountingRule: String, Sendable, CaseIterable {
    /// What Quipu does: the last row, but none before its call ended where one is after.
    case ours
    case naiveSum = "naive_sum"
    case firstRow = "first_row"
    case lastRow = "last_row"
    case largestRow = "largest_row"
    /// The costs that the records themselves say.
    case stated
}

/// The same calls under every rule, and why they differ.
public struct Reconciliation: Sendable, Equatable {
    public struct Total: Sendable, Equatable {
        public var rule: CountingRule
        public var requests = 0
        public var tokens = TokenCounts()
        public var costUSD = 0.0

        public init(rule: CountingRule) { self.rule = rule }
    }

    public struct Row: Sendable, Equatable {
        public var path: String
        public var offset: Int64
        public var time: Timestamp
        public var tokens: TokenCounts
        public var isFinal: Bool
        public var isSidechain: Bool
        /// The one that the call's figures are from.
        public var isCounted: Bool

        public init(
            path: String, offset: Int64, time: Timestamp, tokens: TokenCounts, isFinal: Bool,
            isSidechain: Bool, isCounted: Bool
        ) {
            self.path = path
            self.offset = offset
            self.time = time
            self.tokens = tokens
            self.isFinal = isFinal
            self.isSidechain = isSidechain
            self.isCounted = isCounted
        }
    }

    public struct Call: Sendable, Equatable {
        public var time: Timestamp
        public var session: String?
        public var model: String?
        public var messageID: String?
        public var requestID: String?
        public var tokens: TokenCounts
        public var costUSD: Double?
        /// How far the sum of its rows is from the truth, in USD where it has a price.
        public var excessUSD: Double?
        public var excessTokens: Int64
        public var rows: [Row]

        public init(
            time: Timestamp, session: String?, model: String?, messageID: String?,
            requestID: String?, tokens: TokenCounts, costUSD: Double?, rows: [Row]
        ) {
            self.time = time
            self.session = session
            self.model = model
            self.messageID = messageID
            self.requestID = requestID
            self.tokens = tokens
            self.costUSD = costUSD
            self.rows = rows
            excessTokens = 0
        }
    }

    public var totals: [Total] = CountingRule.allCases.map(Total.init)
    /// Calls of more than one row; rows beyond the first of a call.
    public var repeatedCalls = 0
    public var repeatedRows = 0
    /// Calls whose rows differ.
    public var changedCalls = 0
    /// Rows in another file than the one that counts: forks and resumed copies.
    public var copiedRows = 0
    public var sidechainRows = 0
    /// Rows of other sessions' history, whose call is not counted here.
    public var replayedRows = 0
    public var syntheticRows = 0
    public var unpricedRequests = 0
    /// Calls that are older than the rows which told of them.
    public var callsWithoutRows = 0
    public var statedRequests = 0
    public var calls: [Call] = []

    public init() {}

    public subscript(rule: CountingRule) -> Total {
        get { totals.first { $0.rule == rule } ?? Total(rule: rule) }
        set {
            guard let index = totals.firstIndex(where: { $0.rule == rule }) else { return }
            totals[index] = newValue
        }
    }
}

/// A model without a price.
public struct UnpricedModel: Sendable, Equatable {
    /// Nil: calls that name no model.
    public var model: String?
    public var requests: Int
    public var first: Timestamp
    public var last: Timestamp

    public init(model: String?, requests: Int, first: Timestamp, last: Timestamp) {
        self.model = model
        self.requests = requests
        self.first = first
        self.last = last
    }
}

public struct PriceList: Sendable {
    public var prices: Page<Price>
    public var unpriced: [UnpricedModel]

    public init(prices: Page<Price>, unpriced: [UnpricedModel]) {
        self.prices = prices
        self.unpriced = unpriced
    }
}

/// What came of `prices.set`.
public struct PriceChange: Sendable, Equatable {
    public var price: Price
    /// Calls that have a cost now and had none, and calls whose cost is another one now.
    public var priced: Int
    public var recomputed: Int

    public init(price: Price, priced: Int, recomputed: Int) {
        self.price = price
        self.priced = priced
        self.recomputed = recomputed
    }
}
