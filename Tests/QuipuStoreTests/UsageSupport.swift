import QuipuModel
import Testing

@testable import QuipuStore

/// What a test says about one row of usage.
struct UsageLine: Equatable {
    var time = 0.0
    var message: String?
    var request: String?
    var session: String? = "s"
    var model: String? = "claude-opus-4-5"
    var project: String?
    var user: String?
    var agent: String?
    var parent: String?
    var branch: String?
    var task: String?
    var requestType: String?
    /// input, cache write 5 min, cache write 1 h, cache read, output
    var tokens: [Int64] = [0, 0, 0, 0, 0]
    var isCumulative = false
    var isFinal = false
    var isSidechain = false
    var isSynthetic = false
    var isFast = false
    var isBatch = false
    var timeIsArrival = false
    var stated: Double?
    var isFurther = false

    var counts: TokenCounts { TokenCounts(tokens) }
}

extension TokenCounts {
    init(_ list: [Int64]) {
        self.init()
        (input, cacheWrite5m, cacheWrite1h) = (list[0], list[1], list[2])
        (cacheRead, output) = (list[3], list[4])
    }

    var list: [Int64] { [input, cacheWrite5m, cacheWrite1h, cacheRead, output] }
}

extension BatchBuilder {
    mutating func add(_ line: UsageLine) {
        var usage = UsageRecord()
        usage.lineOffset = UInt64(decoded.tally.received)
        usage.time = at(line.time)
        usage.timeIsArrival = line.timeIsArrival
        usage.messageID = slice(line.message)
        usage.requestID = slice(line.request)
        usage.session = slice(line.session)
        usage.task = slice(line.task)
        usage.requestType = slice(line.requestType)
        usage.context.model = slice(line.model)
        usage.context.project = slice(line.project)
        usage.context.user = slice(line.user)
        usage.context.agentID = slice(line.agent)
        usage.context.parent = slice(line.parent)
        usage.context.branch = slice(line.branch)
        usage.tokens = line.counts
        usage.isCumulative = line.isCumulative
        usage.isFinal = line.isFinal
        usage.isSidechain = line.isSidechain
        usage.isSynthetic = line.isSynthetic
        usage.isFast = line.isFast
        usage.isBatch = line.isBatch
        usage.statedCostUSD = line.stated
        usage.isFurther = line.isFurther
        append(usage)
        if !line.isFurther { receive() }
    }
}

extension SQLiteStore {
    /// Commits rows of a source of their own, or the next ones of one that is there.
    @discardableResult
    func commit(usage lines: [UsageLine], from key: String = "a") async throws -> CommitReceipt {
        var source = try await TestSource(self, key: key)
        var builder = BatchBuilder()
        for line in lines { builder.add(line) }
        return try await commit(source.batch(builder))
    }

    func costs(
        _ groupBy: [CostKey] = [], _ filters: [Filter] = [], in range: TimeRange = everything,
        zone: String? = nil, page: PageRequest = PageRequest(limit: Limits.rowsPerReplyMax)
    ) async throws -> CostSummary {
        try await costs(
            CostQuery(
                range: range, filters: filters, groupBy: groupBy, timeZone: zone, page: page))
    }

    func figures() async throws -> CostFigures { try await costs().total }

    func tally() async throws -> Tally { try await ledger(PageRequest(limit: 100)).total }
}

func same(_ column: UsageColumn, _ value: String) -> Filter {
    Filter(path: column.rawValue, test: .oneOf([.string(value)]))
}
