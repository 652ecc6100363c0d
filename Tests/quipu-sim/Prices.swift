/// What a model costs, in nano-dollars a token: whole numbers, so that sums are exact.
struct Price {
    var input, output, write5m, write1h, read: Int64
    var fastFactor: Int64 = 1
}

/// The figures of the providers' price lists as of August 2026, written down a second time: the
/// truth must not come from the project's own table.
enum Prices {
    static let table: [String: Price] = [
        "claude-opus-5": Price(
            input: 5_000, output: 25_000, write5m: 6_250, write1h: 10_000, read: 500,
            fastFactor: 2),
        "claude-sonnet-5": Price(
            input: 2_000, output: 10_000, write5m: 2_500, write1h: 4_000, read: 200),
        "claude-sonnet-4-6": Price(
            input: 3_000, output: 15_000, write5m: 3_750, write1h: 6_000, read: 300),
        "claude-haiku-4-5-20251001": Price(
            input: 1_000, output: 5_000, write5m: 1_250, write1h: 2_000, read: 100),
        "gpt-5-codex": Price(
            input: 1_250, output: 10_000, write5m: 0, write1h: 0, read: 125),
        "gpt-5.2-codex": Price(
            input: 1_750, output: 14_000, write5m: 0, write1h: 0, read: 175),
    ]

    /// A model that no list knows.
    static let unknownModel = "orchid-large-9"
}

/// Tokens in five buckets.
struct Tokens: Equatable {
    var input: Int64 = 0
    var write5m: Int64 = 0
    var write1h: Int64 = 0
    var read: Int64 = 0
    var output: Int64 = 0

    static func + (left: Tokens, right: Tokens) -> Tokens {
        Tokens(
            input: left.input + right.input, write5m: left.write5m + right.write5m,
            write1h: left.write1h + right.write1h, read: left.read + right.read,
            output: left.output + right.output)
    }

    func costNanoUSD(model: String, isFast: Bool) -> Int64? {
        guard let price = Prices.table[model] else { return nil }
        let sum =
            input * price.input + output * price.output + write5m * price.write5m
            + write1h * price.write1h + read * price.read
        return isFast ? sum * price.fastFactor : sum
    }
}
