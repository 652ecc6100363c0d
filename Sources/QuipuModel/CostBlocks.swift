/// `costs.blocks`.
public struct BlockQuery: Sendable {
    public var range: TimeRange
    public var filters: [Filter]
    public var lengthSeconds: Int64
    /// Against which the projection is held; nil: none.
    public var tokenLimit: Int64?
    public var now: Timestamp

    public init(
        range: TimeRange, filters: [Filter] = [],
        lengthSeconds: Int64 = Limits.costBlockSecondsDefault, tokenLimit: Int64? = nil,
        now: Timestamp
    ) {
        self.range = range
        self.filters = filters
        self.lengthSeconds = lengthSeconds
        self.tokenLimit = tokenLimit
        self.now = now
    }
}

/// Calls of one window of a subscription, or the idle time between two windows.
public struct CostBlock: Sendable, Equatable {
    public var start: Timestamp
    public var end: Timestamp
    public var isGap = false
    public var isActive = false
    public var figures = CostFigures()

    public init(start: Timestamp, end: Timestamp, isGap: Bool = false) {
        self.start = start
        self.end = end
        self.isGap = isGap
    }

    public struct BurnRate: Sendable, Equatable {
        public var tokensPerMinute: Double
        /// Fresh input and output alone: caches hide how hard somebody works.
        public var freshTokensPerMinute: Double
        public var costUSDPerHour: Double
    }

    public struct Projection: Sendable, Equatable {
        public var totalTokens: Int64
        public var costUSD: Double
        public var remainingMinutes: Int64
    }

    /// Nil for gaps, and where there is only one moment.
    public var burnRate: BurnRate? {
        guard !isGap, let first = figures.first, let last = figures.last, last > first else {
            return nil
        }
        let minutes = Double(last.microseconds - first.microseconds) / 60_000_000
        return BurnRate(
            tokensPerMinute: Double(figures.tokens.total) / minutes,
            freshTokensPerMinute: Double(figures.tokens.input + figures.tokens.output) / minutes,
            costUSDPerHour: figures.pricedUSD / minutes * 60)
    }

    /// What the block comes to if it goes on so; only of an active one.
    public func projection(now: Timestamp) -> Projection? {
        guard isActive, let rate = burnRate else { return nil }
        let minutes = max(0, Double(end.microseconds - now.microseconds) / 60_000_000)
        let tokens = Double(figures.tokens.total) + rate.tokensPerMinute * minutes
        return Projection(
            totalTokens: Int64(exactly: tokens.rounded()) ?? .max,
            costUSD: figures.pricedUSD + rate.costUSDPerHour / 60 * minutes,
            remainingMinutes: Int64(minutes.rounded()))
    }
}

/// Calls, in the order of time, to blocks. A block begins with the UTC hour of its first call and
/// ends after its length; a new one begins with the first call that is more than a length after
/// the block's start or after the call before it. Idle time of more than a length is a gap.
public struct BlockBuilder {
    private let length: Int64
    private let now: Timestamp
    public private(set) var blocks: [CostBlock] = []
    private var current: CostBlock?

    public init(lengthSeconds: Int64, now: Timestamp) {
        length = lengthSeconds * 1_000_000
        self.now = now
    }

    public mutating func add(_ call: UsageEntry) {
        if let block = current, let last = block.figures.last {
            let idle = call.time.microseconds - last.microseconds
            if call.time.microseconds - block.start.microseconds > length || idle > length {
                close()
                if idle > length {
                    let start = Timestamp(microseconds: last.microseconds + length)
                    blocks.append(CostBlock(start: start, end: call.time, isGap: true))
                }
            }
        }
        if current == nil {
            let start = Timestamp.seconds(call.time.bucket(seconds: 3_600))
            current = CostBlock(
                start: start, end: Timestamp(microseconds: start.microseconds + length))
        }
        current?.figures.add(call)
    }

    /// All blocks, the last one with them.
    public mutating func finish() -> [CostBlock] {
        close()
        return blocks
    }

    private mutating func close() {
        guard var block = current, let last = block.figures.last else { return }
        block.isActive = now.microseconds - last.microseconds < length && now < block.end
        blocks.append(block)
        current = nil
    }
}
