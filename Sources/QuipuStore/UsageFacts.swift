import QuipuModel

struct UsageFlags: OptionSet {
    var rawValue: Int64

    static let timeIsArrival = UsageFlags(rawValue: 1)
    static let isFinal = UsageFlags(rawValue: 2)
    static let isSidechain = UsageFlags(rawValue: 4)
    static let isSynthetic = UsageFlags(rawValue: 8)
    static let isFast = UsageFlags(rawValue: 16)
    static let isBatch = UsageFlags(rawValue: 32)
    /// Told as a change of a counter.
    static let isCumulative = UsageFlags(rawValue: 64)

    init(rawValue: Int64) { self.rawValue = rawValue }

    init(_ usage: UsageRecord) {
        self = []
        if usage.timeIsArrival { insert(.timeIsArrival) }
        if usage.isFinal { insert(.isFinal) }
        if usage.isSidechain { insert(.isSidechain) }
        if usage.isSynthetic { insert(.isSynthetic) }
        if usage.isFast { insert(.isFast) }
        if usage.isBatch { insert(.isBatch) }
        if usage.isCumulative { insert(.isCumulative) }
    }
}

/// What a row or a call says, with its texts as ids.
struct UsageFacts {
    var time: Int64
    var flags: UsageFlags
    var source: Int64
    var offset: Int64
    var session: Int64?
    var task: Int64?
    var context: Int64
    var model: Int64?
    var requestType: Int64?
    var tokens: TokenCounts
    var statedUSD: Double?

    /// Whether a row takes the place of what is known of its call. What the main conversation says
    /// stands over a side conversation's copy; in one file the later row stands, but not one
    /// before the call's end over one after it; a copy in another file stands only where it alone
    /// knows the end.
    func isReplaced(by row: UsageFacts) -> Bool {
        let isSide = row.flags.contains(.isSidechain)
        guard isSide == flags.contains(.isSidechain) else { return !isSide }
        let isFinal = flags.contains(.isFinal)
        guard row.source == source else { return row.flags.contains(.isFinal) && !isFinal }
        return row.flags.contains(.isFinal) || !isFinal
    }

    /// The call after a row has told of it. A copy never takes it into another session.
    func replaced(by row: UsageFacts) -> UsageFacts {
        guard isReplaced(by: row) else {
            var same = self
            same.statedUSD = statedUSD ?? row.statedUSD
            return same
        }
        var call = row
        if row.flags.contains(.timeIsArrival), !flags.contains(.timeIsArrival) {
            call.time = time
            call.flags.remove(.timeIsArrival)
        }
        if row.session != session {
            call.session = session
            call.task = task
            call.context = context
        }
        call.model = row.model ?? model
        call.task = call.task ?? task
        call.requestType = row.requestType ?? requestType
        call.statedUSD = row.statedUSD ?? statedUSD
        return call
    }
}

extension RawStatement {
    /// Five columns from `index` on.
    func bind(_ index: Int32, _ tokens: TokenCounts) {
        bind(index, tokens.input)
        bind(index + 1, tokens.cacheWrite5m)
        bind(index + 2, tokens.cacheWrite1h)
        bind(index + 3, tokens.cacheRead)
        bind(index + 4, tokens.output)
    }

    /// Five columns from `column` on.
    func tokens(_ column: Int32) -> TokenCounts {
        var tokens = TokenCounts()
        tokens.input = int(column)
        tokens.cacheWrite5m = int(column + 1)
        tokens.cacheWrite1h = int(column + 2)
        tokens.cacheRead = int(column + 3)
        tokens.output = int(column + 4)
        return tokens
    }

    func bind(_ index: Int32, _ value: Double?) {
        if let value { bind(index, value) } else { bind(index, nil as Int64?) }
    }

    func optionalDouble(_ column: Int32) -> Double? { isNull(column) ? nil : double(column) }
}

extension TokenCounts {
    /// What a line may claim of one call.
    var bounded: TokenCounts {
        func bound(_ count: Int64) -> Int64 { max(0, min(count, Limits.tokensPerCallMax)) }
        var tokens = TokenCounts()
        tokens.input = bound(input)
        tokens.cacheWrite5m = bound(cacheWrite5m)
        tokens.cacheWrite1h = bound(cacheWrite1h)
        tokens.cacheRead = bound(cacheRead)
        tokens.output = bound(output)
        return tokens
    }

    /// What was added since `earlier`; a bucket that fell has added nothing.
    func since(_ earlier: TokenCounts) -> TokenCounts {
        var tokens = TokenCounts()
        tokens.input = max(0, input - earlier.input)
        tokens.cacheWrite5m = max(0, cacheWrite5m - earlier.cacheWrite5m)
        tokens.cacheWrite1h = max(0, cacheWrite1h - earlier.cacheWrite1h)
        tokens.cacheRead = max(0, cacheRead - earlier.cacheRead)
        tokens.output = max(0, output - earlier.output)
        return tokens
    }

    var hash: Int64 {
        var hash = FNV1a()
        for count in [input, cacheWrite5m, cacheWrite1h, cacheRead, output] {
            withUnsafeBytes(of: count) { hash.combine($0) }
        }
        return Int64(bitPattern: hash.value)
    }
}
