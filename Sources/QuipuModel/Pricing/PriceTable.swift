/// Which price holds for a model's name at a moment.
public struct PriceTable: Sendable {
    /// Short names, as cost logs of 2025 write them: the models that they meant then.
    static let aliases = [
        "haiku": "claude-haiku-4-5", "sonnet": "claude-sonnet-4-5", "opus": "claude-opus-4-1",
    ]

    private var byName: [String: [Price]] = [:]
    private var byKey: [String: [Price]] = [:]

    public init(_ prices: [Price]) {
        // The one to believe comes first.
        let ranked = prices.sorted { left, right in
            let leftRank = (left.source.rawValue, left.validFrom ?? .beginning)
            return leftRank > (right.source.rawValue, right.validFrom ?? .beginning)
        }
        for price in ranked {
            byName[price.model, default: []].append(price)
            byKey[ModelName.key(price.model), default: []].append(price)
        }
    }

    /// Nil where nobody knows: that is no price of 0.
    public func price(of model: String, at time: Timestamp) -> Price? {
        PriceTable.valid(candidates(for: model), at: time)
    }

    /// All prices that may hold for a name, the one to believe first: of the name as it is, of what
    /// it stands for, of the name without provider and date, of the longest name that it begins
    /// with.
    public func candidates(for model: String) -> [Price] {
        if let exact = byName[model] { return exact }
        let name = PriceTable.aliases[model.lowercased()] ?? model
        if let meant = byName[name] { return meant }
        let key = ModelName.key(name)
        if let normal = byKey[key] { return normal }
        var end = key.endIndex
        while let dash = key[..<end].lastIndex(of: "-") {
            let rest = key[key.index(after: dash)...]
            if let found = byKey[String(key[..<dash])], ModelName.isVariant(rest) { return found }
            end = dash
        }
        return []
    }

    public static func valid(_ candidates: [Price], at time: Timestamp) -> Price? {
        candidates.first { ($0.validFrom ?? .beginning) <= time }
    }
}

extension Timestamp {
    fileprivate static let beginning = Timestamp(microseconds: .min)
}

/// Models' names, as providers and gateways write them.
public enum ModelName {
    private static let providers: Set<String> = [
        "anthropic", "apac", "au", "bedrock", "ca", "eu", "global", "google", "jp", "openai", "us",
        "vertex_ai",
    ]
    /// What a name may not go on with and still cost the same: another size. How hard a model
    /// thinks (low, medium, high) is none: it uses more tokens of the same price.
    private static let sizes: Set<Substring> = [
        "flash", "large", "lite", "max", "micro", "mini", "nano", "pro", "small", "turbo",
        "ultra",
    ]

    /// Without provider, region, date and version of the interface; `.`, `@` and `:` as dashes.
    public static func key(_ model: String) -> String {
        var name = model.lowercased()[...]
        if let bracket = name.firstIndex(of: "[") { name = name[..<bracket] }
        if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
        while let dot = name.firstIndex(of: "."), providers.contains(String(name[..<dot])) {
            name = name[name.index(after: dot)...]
        }
        var parts = name.split(omittingEmptySubsequences: true) { ".@:-".contains($0) }
        // Bedrock's `-v1:0`.
        if parts.count > 2, parts[parts.count - 2].first == "v", isDigits(parts[parts.count - 1]),
            isDigits(parts[parts.count - 2].dropFirst())
        {
            parts.removeLast(2)
        }
        if parts.last == "latest" { parts.removeLast() }
        if let last = parts.last, last.count == 8, isDigits(last) { parts.removeLast() }
        let tail = parts.suffix(3)
        if parts.count > 3, tail.map(\.count) == [4, 2, 2], tail.allSatisfy(isDigits) {
            parts.removeLast(3)
        }
        return parts.joined(separator: "-")
    }

    /// Whether a name that goes on like this may cost the same: no other version, no other size.
    static func isVariant(_ rest: Substring) -> Bool {
        let words = rest.split(separator: "-")
        guard words.first?.first?.isNumber == false else { return false }
        return !words.contains { sizes.contains($0) }
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// Who makes a model, as far as its name tells.
    public static func provider(of model: String) -> String? {
        let key = key(model)
        if key.hasPrefix("claude") || PriceTable.aliases[key] != nil { return "anthropic" }
        if key.hasPrefix("gemini") { return "google" }
        let openAI = ["gpt", "chatgpt", "codex", "o1", "o3", "o4"]
        return openAI.contains { key.hasPrefix($0) } ? "openai" : nil
    }
}
