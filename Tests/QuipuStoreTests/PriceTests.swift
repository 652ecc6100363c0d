import GRDB
import QuipuModel
import Testing

@testable import QuipuStore

/// Figures worked out by hand from the price lists.
@Suite struct PriceTests {
    private let table = PriceTable(BuiltInPrices.all)
    private let now = Timestamp.seconds(1_795_188_000)

    private func cost(
        _ model: String, _ tokens: [Int64], isFast: Bool = false, isBatch: Bool = false,
        at time: Timestamp? = nil
    ) -> Double? {
        table.price(of: model, at: time ?? now)?.cost(
            of: TokenCounts(tokens), isFast: isFast, isBatch: isBatch)
    }

    /// Each usage line may name another model.
    @Test func pricesOfFewModelsAreKept() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            await store.close()
            #expect(try Self.modelsKept(ofAsked: PriceBook.modelsMax, path) == PriceBook.modelsMax)
            #expect(try Self.modelsKept(ofAsked: PriceBook.modelsMax + 10, path) == 10)
        }
    }

    private static func modelsKept(ofAsked count: Int, _ path: String) throws -> Int {
        try DatabaseQueue(path: path).writeWithoutTransaction { db in
            let book = try PriceBook(try #require(db.sqliteConnection))
            for model in 1...Int64(count) { _ = try book.price(ofModel: model, at: 0) }
            return book.candidates.count
        }
    }

    @Test(arguments: [
        // 1,000 × 5 + 2,000 × 6.25 + 3,000 × 10 + 40,000 × 0.5 + 500 × 25, in millionths
        ("claude-opus-4-5", [1_000, 2_000, 3_000, 40_000, 500], 0.08),
        ("claude-opus-4-1", [1_000_000, 0, 0, 0, 0], 15),
        ("claude-haiku-4-5", [1, 1, 1, 1, 1], 9.35e-6),
        ("claude-fable-5", [100, 100, 100, 100, 100], 0.00935),
        ("claude-3-haiku", [1_000, 1_000, 1_000, 1_000, 1_000], 0.00233),
        // Up to 200,000 at 3, the rest at 6; output 22.5 beyond; each bucket for itself.
        ("claude-sonnet-4-5", [200_000, 0, 0, 0, 0], 0.6),
        ("claude-sonnet-4-5", [300_000, 0, 0, 0, 0], 1.2),
        ("claude-sonnet-4-5", [0, 0, 0, 250_000, 0], 0.09),
        ("claude-sonnet-4-5", [0, 250_000, 0, 0, 0], 1.125),
        ("claude-sonnet-4-5", [0, 0, 250_000, 0, 0], 1.8),
        ("claude-sonnet-4-5", [0, 0, 0, 0, 201_000], 3.0225),
        ("claude-sonnet-4-6", [300_000, 0, 0, 0, 0], 0.9),
        ("gpt-5.4", [272_000, 0, 0, 0, 0], 0.68), ("gpt-5.4", [372_000, 0, 0, 0, 0], 1.18),
        ("gpt-5", [1_000, 0, 0, 9_000, 100], 0.003375),
        ("gemini-2.5-pro", [300_000, 0, 0, 0, 0], 0.5),
    ])
    func toTheMicroDollar(_ model: String, _ tokens: [Int64], _ usd: Double) {
        let computed = cost(model, tokens) ?? .infinity
        #expect(abs(computed - usd) < 1e-9, "\(model): \(computed)")
    }

    @Test func fastAndBatch() {
        let tokens: [Int64] = [1_000_000, 0, 0, 0, 0]
        #expect(cost("claude-opus-4-6", tokens, isFast: true) == 30)
        #expect(cost("claude-opus-5", tokens, isFast: true) == 10)
        #expect(cost("claude-opus-5", tokens, isBatch: true) == 2.5)
        #expect(cost("claude-haiku-4-5", tokens, isFast: true) == 1)
        #expect(cost("gpt-5.5", [100_000, 0, 0, 0, 0], isFast: true) == 1.25)
    }

    @Test func pricesOfTheirTime() {
        let tokens: [Int64] = [100_000, 0, 0, 0, 0]
        #expect(cost("gpt-5.6-luna", tokens, at: .seconds(1_785_000_000)) == 0.1)
        #expect(cost("gpt-5.6-luna", tokens) == 0.02)
        #expect(cost("gpt-5.6-terra", tokens, at: .seconds(1_785_000_000)) == 0.25)
        #expect(cost("gpt-5.6-terra", tokens) == 0.2)
    }

    @Test(arguments: [
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("openrouter/anthropic/claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4-5"), ("haiku", "claude-haiku-4-5"),
        ("Sonnet", "claude-sonnet-4-5"), ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max"), ("gpt-5-codex-high-thinking", "gpt-5-codex"),
        ("claude-opus-4-5-thinking", "claude-opus-4-5"), ("openai/gpt-5.6-sol", "gpt-5.6-sol"),
        // How hard it thinks is no size.
        ("gpt-5-codex-low", "gpt-5-codex"), ("gpt-5-codex-medium", "gpt-5-codex"),
        ("gpt-5-codex-high", "gpt-5-codex"), ("gpt-5-high", "gpt-5"), ("o3-high", "o3"),
        ("gpt-5-minimal", "gpt-5"), ("gpt-5.1-codex-max-xhigh", "gpt-5.1-codex-max"),
        // Another version or another size is another price.
        ("claude-opus-4-9", nil), ("gpt-5.7", nil), ("gpt-4.1-mini", nil), ("gpt-5.2-pro", nil),
        ("MiniMax-M2.7", nil), ("unknown", nil), ("", nil), ("-", nil), ("claude", nil),
    ])
    func namesAsTheyAreWritten(_ model: String, _ expected: String?) {
        #expect(table.price(of: model, at: now)?.model == expected)
    }

    @Test func everyBuiltInIsSound() {
        for price in BuiltInPrices.all {
            #expect(price.rates.input > 0 && price.rates.output > price.rates.input)
            #expect(price.rates.cacheRead < price.rates.input)
            #expect(table.price(of: price.model, at: now) != nil)
        }
    }

    /// What a person sets is believed before a file, and a file before us; whatever the dates say.
    @Test func whoIsBelieved() {
        let early = Timestamp.seconds(1_000)
        func price(_ usd: Double, _ from: Timestamp?, _ source: Price.Source) -> Price {
            Price(
                model: "m", validFrom: from, rates: Price.Rates(input: usd, output: usd),
                source: source)
        }
        let table = PriceTable([
            price(1, nil, .builtIn), price(2, .seconds(3_000), .builtIn), price(3, early, .set),
            price(4, nil, .file),
        ])
        #expect(table.price(of: "m", at: .seconds(4_000))?.rates.input == 3)
        #expect(table.price(of: "m", at: .seconds(500))?.rates.input == 4)
        let later = PriceTable([price(1, early, .builtIn)])
        #expect(later.price(of: "m", at: .seconds(500)) == nil)
    }
}
