/// The prices that Quipu knows by itself. `prices.set` and `prices_file` override them.
public enum BuiltInPrices {
    /// The date and the source of all figures here. Where that source contradicts the rule that
    /// holds for all its other models (write 5 min 1.25, write 1 h 2, read 0.1 of the input), which
    /// it does for claude-3-haiku's writes of 1 h, the rule is taken.
    public static let note = "litellm model_prices_and_context_window.json (MIT), 2026-08-06"

    public static let all: [Price] = anthropic + openAI + google

    /// Since when a price holds that the copy of 2026-07-24 had otherwise.
    private static let august = Timestamp.seconds(1_785_974_400)

    private static let anthropic: [Price] = [
        claude("claude-fable-5", 10, 50),
        claude("claude-opus-5", 5, 25, fast: 2),
        claude("claude-opus-4-8", 5, 25, fast: 2),
        claude("claude-opus-4-7", 5, 25, fast: 6),
        claude("claude-opus-4-6", 5, 25, fast: 6),
        claude("claude-opus-4-5", 5, 25),
        claude("claude-opus-4-1", 15, 75),
        claude("claude-opus-4", 15, 75),
        claude("claude-sonnet-5", 2, 10),
        claude("claude-sonnet-4-6", 3, 15),
        claude("claude-sonnet-4-5", 3, 15, above200k: (6, 22.5)),
        claude("claude-sonnet-4", 3, 15, above200k: (6, 22.5)),
        claude("claude-haiku-4-5", 1, 5),
        claude("claude-3-7-sonnet", 3, 15),
        price(
            "claude-3-haiku",
            Price.Rates(input: 0.25, output: 1.25, cacheWrite5m: 0.3, cacheRead: 0.03)),
    ]

    private static let openAI: [Price] = [
        gpt("gpt-5.6", 5, 0.5, 30, isTiered: true),
        gpt("gpt-5.6-sol", 5, 0.5, 30, isTiered: true),
        gpt("gpt-5.6-terra", 2.5, 0.25, 15, isTiered: true),
        gpt("gpt-5.6-terra", 2, 0.2, 12, isTiered: true, from: august),
        gpt("gpt-5.6-luna", 1, 0.1, 6, isTiered: true),
        gpt("gpt-5.6-luna", 0.2, 0.02, 1.2, isTiered: true, from: august),
        gpt("gpt-5.5", 5, 0.5, 30, isTiered: true, fast: 2.5),
        gpt("gpt-5.5-pro", 30, 3, 180),
        gpt("gpt-5.4", 2.5, 0.25, 15, isTiered: true, fast: 2),
        gpt("gpt-5.4-mini", 0.75, 0.075, 4.5),
        gpt("gpt-5.4-nano", 0.2, 0.02, 1.25),
        gpt("gpt-5.3-codex", 1.75, 0.175, 14, fast: 2),
        gpt("gpt-5.2", 1.75, 0.175, 14),
        gpt("gpt-5.2-codex", 1.75, 0.175, 14),
        gpt("gpt-5.1", 1.25, 0.125, 10),
        gpt("gpt-5.1-codex", 1.25, 0.125, 10),
        gpt("gpt-5.1-codex-max", 1.25, 0.125, 10),
        gpt("gpt-5.1-codex-mini", 0.25, 0.025, 2),
        gpt("gpt-5", 1.25, 0.125, 10),
        gpt("gpt-5-codex", 1.25, 0.125, 10),
        gpt("gpt-5-mini", 0.25, 0.025, 2),
        gpt("gpt-5-nano", 0.05, 0.005, 0.4),
        gpt("o3", 2, 0.5, 8),
        gpt("o4-mini", 1.1, 0.275, 4.4),
        gpt("gpt-4.1", 2, 0.5, 8),
        gpt("codex-mini-latest", 1.5, 0.375, 6),
    ]

    private static let google: [Price] = [
        gemini("gemini-3.1-pro-preview", 2, 0.2, 12, above200k: (4, 0.4, 18)),
        gemini("gemini-3-pro-preview", 2, 0.2, 12, above200k: (4, 0.4, 18)),
        gemini("gemini-3.6-flash", 1.5, 0.15, 7.5),
        gemini("gemini-2.5-pro", 1.25, 0.125, 10, above200k: (2.5, 0.25, 15)),
    ]

    private static func price(
        _ model: String, _ rates: Price.Rates, tier: Price.Tier? = nil, fast: Double = 1,
        from: Timestamp? = nil
    ) -> Price {
        var price = Price(
            model: model, validFrom: from, rates: rates, tier: tier, source: .builtIn)
        price.fastMultiplier = fast
        price.note = note
        return price
    }

    private static func claude(
        _ model: String, _ input: Double, _ output: Double, fast: Double = 1,
        above200k: (input: Double, output: Double)? = nil
    ) -> Price {
        let tier = above200k.map {
            Price.Tier(tokens: 200_000, rates: Price.Rates(input: $0.input, output: $0.output))
        }
        return price(
            model, Price.Rates(input: input, output: output), tier: tier, fast: fast)
    }

    /// Writing into the cache costs as fresh input does. Tiers: beyond 272k twice the input and one
    /// and a half times the output.
    private static func gpt(
        _ model: String, _ input: Double, _ cached: Double, _ output: Double,
        isTiered: Bool = false, fast: Double = 1, from: Timestamp? = nil
    ) -> Price {
        let tier = Price.Tier(
            tokens: 272_000, rates: flat(2 * input, 2 * cached, 1.5 * output))
        return price(
            model, flat(input, cached, output), tier: isTiered ? tier : nil, fast: fast, from: from)
    }

    private static func gemini(
        _ model: String, _ input: Double, _ cached: Double, _ output: Double,
        above200k: (input: Double, cached: Double, output: Double)? = nil
    ) -> Price {
        let tier = above200k.map {
            Price.Tier(tokens: 200_000, rates: flat($0.input, $0.cached, $0.output))
        }
        return price(model, flat(input, cached, output), tier: tier)
    }

    private static func flat(_ input: Double, _ cached: Double, _ output: Double) -> Price.Rates {
        Price.Rates(
            input: input, output: output, cacheWrite5m: input, cacheWrite1h: input,
            cacheRead: cached)
    }
}
