/// Tokens of a model call, or of several, in five buckets that have nothing in common. None is
/// above `Limits.countMax`.
public struct TokenCounts: Sendable, Equatable {
    /// Fresh input: neither written to nor read from a cache.
    public var input: Int64 = 0
    public var cacheWrite5m: Int64 = 0
    public var cacheWrite1h: Int64 = 0
    public var cacheRead: Int64 = 0
    public var output: Int64 = 0

    public init() {}

    public var total: Int64 { input + cacheWrite5m + cacheWrite1h + cacheRead + output }
}

/// What one line says of a model call's usage. Several lines may say it of the same call. Slices
/// point into the batch's `bytes`.
public struct UsageRecord: Sendable {
    public var lineOffset: UInt64 = 0
    public var time = Timestamp(microseconds: 0)
    /// True when the line had no time of its own and `time` is when it arrived.
    public var timeIsArrival = false
    /// The call's id; `none` when every line is a call of its own.
    public var messageID = Slice.none
    /// Tells apart calls of the same message id, where the line has one.
    public var requestID = Slice.none
    public var session = Slice.none
    public var task = Slice.none
    public var context = RecordContext()
    /// `chat`, `code_task`, … as the line says.
    public var requestType = Slice.none
    public var tokens = TokenCounts()
    /// `tokens` are sums over the session so far, not of one call.
    public var isCumulative = false
    /// The call has ended: the line names why.
    public var isFinal = false
    /// A side conversation; a copy of a row outside of it.
    public var isSidechain = false
    /// Written by the client itself, without a model (`<synthetic>`).
    public var isSynthetic = false
    public var isFast = false
    public var isBatch = false
    /// What the line says that it cost.
    public var statedCostUSD: Double?
    /// Not the first record of its line, so that the ledger counts the line once.
    public var isFurther = false
    /// Hash of the array element that this record came from; 0 where lines are what is counted.
    public var element: UInt64 = 0

    public init() {}
}
