internal import QuipuModel

/// Takes secrets out of text before anything is stored.
struct Redactor: Sendable {
    private let isEnabled: Bool
    private let names: SecretNames

    init(_ redaction: Redaction) {
        isEnabled = redaction.isEnabled
        names = SecretNames(extra: redaction.keys)
    }

    func finds(in text: Bytes, isJSON: Bool) -> Bool {
        guard isEnabled else { return false }
        var scan = SecretScan(text, isJSON: isJSON, names)
        return scan.next() != nil
    }

    /// Appends `text` with each secret replaced, and returns how many there were. JSON stays JSON.
    func append(_ text: Bytes, isJSON: Bool, to output: inout [UInt8]) -> UInt64 {
        guard isEnabled else {
            output.append(contentsOf: text)
            return 0
        }
        var scan = SecretScan(text, isJSON: isJSON, names)
        var copied = 0
        var found: UInt64 = 0
        while let secret = scan.next() {
            output.append(contentsOf: text.part(copied, secret.range.lowerBound))
            write(secret, to: &output)
            copied = secret.range.upperBound
            found += 1
        }
        output.append(contentsOf: text.part(copied, text.count))
        return found
    }

    private func write(_ secret: SecretScan.Finding, to output: inout [UInt8]) {
        if let depth = secret.quoteEscapes { write(quote: depth, to: &output) }
        output.append(contentsOf: Bytes(SecretScan.mark))
        if let depth = secret.quoteEscapes { write(quote: depth, to: &output) }
    }

    private func write(quote escapes: Int, to output: inout [UInt8]) {
        for _ in 0..<escapes { output.append(UInt8(ascii: "\\")) }
        output.append(UInt8(ascii: "\""))
    }
}

/// Names of members whose values are secrets.
struct SecretNames: Sendable {
    enum Verdict {
        case harmless
        /// Numbers are counts of tokens and stay.
        case token
        case secret
    }

    private static let words: [StaticString] = [
        "secret", "password", "passwd", "api_key", "apikey", "api-key", "authorization",
        "credential", "cookie", "private_key", "privatekey",
    ]

    private let extra: [[UInt8]]

    init(extra: [String]) {
        self.extra = extra.map { Array($0.lowercased().utf8) }.filter { !$0.isEmpty }
    }

    func verdict(on name: Bytes) -> Verdict {
        var verdict = Verdict.harmless
        for start in name.indices {
            switch name[start] | 0x20 {
            case UInt8(ascii: "t") where Self.holds(name, "token", at: start): verdict = .token
            case UInt8(ascii: "s"), UInt8(ascii: "p"), UInt8(ascii: "a"), UInt8(ascii: "c"):
                if Self.words.contains(where: { Self.holds(name, $0, at: start) }) {
                    return .secret
                }
            default: break
            }
        }
        return extra.contains(where: { holds(name, $0) }) ? .secret : verdict
    }

    private func holds(_ name: Bytes, _ word: [UInt8]) -> Bool {
        guard name.count >= word.count else { return false }
        return word.withUnsafeBytes { word in
            (0...(name.count - word.count)).contains { start in
                zip(name[start...], word).allSatisfy { $0.lowercased == $1 }
            }
        }
    }

    static func holds(_ name: Bytes, _ word: StaticString, at start: Int) -> Bool {
        let end = start + word.utf8CodeUnitCount
        return end <= name.count && name.part(start, end).equalsIgnoringCase(word)
    }
}
