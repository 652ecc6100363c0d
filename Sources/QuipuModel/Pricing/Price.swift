/// What a model's tokens cost from a moment on, in USD per million tokens.
public struct Price: Sendable, Equatable {
    public struct Rates: Sendable, Equatable {
        public var input: Double
        public var output: Double
        public var cacheWrite5m: Double
        public var cacheWrite1h: Double
        public var cacheRead: Double

        /// What is left out follows from the input, as it does for most models.
        public init(
            input: Double, output: Double, cacheWrite5m: Double? = nil,
            cacheWrite1h: Double? = nil, cacheRead: Double? = nil
        ) {
            self.input = input
            self.output = output
            self.cacheWrite5m = cacheWrite5m ?? 1.25 * input
            self.cacheWrite1h = cacheWrite1h ?? 2 * input
            self.cacheRead = cacheRead ?? input / 10
        }
    }

    /// Rates for those tokens of a bucket that are beyond a threshold.
    public struct Tier: Sendable, Equatable {
        public var tokens: Int64
        public var rates: Rates

        public init(tokens: Int64, rates: Rates) {
            self.tokens = tokens
            self.rates = rates
        }
    }

    /// Who says so; the higher one is believed.
    public enum Source: Int64, Sendable, CaseIterable {
        case builtIn = 0
        case file = 1
        case set = 2

        public var word: String {
            switch self {
            case .builtIn: "built_in"
            case .file: "file"
            case .set: "set"
            }
        }
    }

    /// By which a call remembers what it was computed with; 0 before it is stored.
    public var version: Int64 = 0
    public var model: String
    /// Nil: since ever.
    public var validFrom: Timestamp?
    public var rates: Rates
    public var tier: Tier?
    public var fastMultiplier = 1.0
    public var batchMultiplier = 0.5
    public var source: Source
    /// Where the figures are from, and of when.
    public var note = ""

    public init(
        model: String, validFrom: Timestamp? = nil, rates: Rates, tier: Tier? = nil,
        source: Source
    ) {
        self.model = model
        self.validFrom = validFrom
        self.rates = rates
        self.tier = tier
        self.source = source
    }

    /// In USD. Each bucket's tokens beyond the tier's threshold cost the tier's rate.
    public func cost(of tokens: TokenCounts, isFast: Bool = false, isBatch: Bool = false) -> Double
    {
        let above = tier?.rates ?? rates
        func part(_ count: Int64, _ rate: Double, _ rateAbove: Double) -> Double {
            let beyond = tier.map { max(0, count - $0.tokens) } ?? 0
            return Double(count - beyond) * rate + Double(beyond) * rateAbove
        }
        var sum = part(tokens.input, rates.input, above.input)
        sum += part(tokens.output, rates.output, above.output)
        sum += part(tokens.cacheWrite5m, rates.cacheWrite5m, above.cacheWrite5m)
        sum += part(tokens.cacheWrite1h, rates.cacheWrite1h, above.cacheWrite1h)
        sum += part(tokens.cacheRead, rates.cacheRead, above.cacheRead)
        if isFast { sum *= fastMultiplier }
        if isBatch { sum *= batchMultiplier }
        return sum / 1_000_000
    }

    /// All but the version.
    public func isSame(as other: Price) -> Bool {
        var other = other
        other.version = version
        return self == other
    }
}
