internal import CSimdJSON
internal import QuipuModel

/// Finds secrets in one run of text, first to last.
///
/// It looks at the few bytes without which nothing could be a secret (the colon after a name, a
/// rare letter within the known beginnings of keys) and judges what stands around them.
///
/// Anybody may send text that is made of such places. So a judgement that looks at more than a few
/// bytes either ends in a finding, behind which the scan goes on, or looks at bytes that no other
/// one looks at, or remembers what it saw (`ByteRun`).
struct SecretScan {
    struct Finding {
        var range: Range<Int>
        /// Backslashes before the quotes that the replacement needs; nil when it needs none.
        var quoteEscapes: Int?
    }

    static let mark: StaticString = "<redacted>"
    static let nameBytesMax = 128

    let text: Bytes
    /// Quotes end strings.
    let isJSON: Bool
    let names: SecretNames
    var position = 0
    /// Where the last finding ended; nothing before it is looked at again.
    var floor = 0
    /// The end of a container whose strings are all secret.
    private var containerEnd = 0
    /// Bytes of keys, and those that words have too; the bytes between the points of a web token.
    var keyRun = ByteRun()
    var wordRun = ByteRun()
    var bodyRun = ByteRun()

    init(_ text: Bytes, isJSON: Bool, _ names: SecretNames) {
        self.text = text
        self.isJSON = isJSON
        self.names = names
    }

    mutating func next() -> Finding? {
        while true {
            if position < containerEnd, let found = nextInContainer() { return take(found) }
            guard let base = text.baseAddress else { return nil }
            position = quipu_find_marked(
                base.assumingMemoryBound(to: UInt8.self), position, text.count)
            guard position < text.count else { return nil }
            if let found = judge(text[position]), found.range.lowerBound >= floor {
                return take(found)
            }
            position += 1
        }
    }

    private mutating func take(_ found: Finding) -> Finding {
        floor = found.range.upperBound
        // The quote after a string of a container begins no other.
        position = floor < containerEnd ? floor + 1 : floor
        return found
    }

    private mutating func judge(_ byte: UInt8) -> Finding? {
        switch byte {
        case UInt8(ascii: ":"): return password() ?? member()
        case UInt8(ascii: "-"): return (dashedKey() ?? privateKey()).map { Finding(range: $0) }
        case UInt8(ascii: "B"), UInt8(ascii: "b"): return bearer().map { Finding(range: $0) }
        default: return prefixedKey(byte).map { Finding(range: $0) }
        }
    }

    // MARK: Members

    /// A value whose name says that it is secret; `position` is at the colon.
    private mutating func member() -> Finding? {
        var end = position
        while end > floor, text[end - 1].isSpace { end -= 1 }
        guard end > floor, let quote = Quote(text, endingAt: end) else { return nil }
        var start = quote.start
        let lowest = max(floor, start - Self.nameBytesMax)
        while start > lowest, text[start - 1] != quote.byte { start -= 1 }
        let name = text.part(start, quote.start)
        let verdict = names.verdict(on: name)
        if case .harmless = verdict { return nil }
        var value = position + 1
        while value < text.count, text[value].isSpace { value += 1 }
        guard value < text.count else { return nil }
        if let start = quote.open(text, at: value) {
            return string(start, quote, name: name)
        }
        return plainValue(value, quote, verdict)
    }

    private func string(_ start: Int, _ quote: Quote, name: Bytes) -> Finding? {
        let end = quote.end(text, from: start)
        let value = text.part(start, end)
        if value.isEmpty || value.equals(Self.mark) { return nil }
        let isCount = SecretNames.holds(name, "tokens", at: max(0, name.count - 6))
        if isCount, value.allSatisfy(\.isDigit) { return nil }
        return Finding(range: start..<end)
    }

    /// A number, an object or an array.
    private mutating func plainValue(
        _ start: Int, _ quote: Quote, _ verdict: SecretNames.Verdict
    ) -> Finding? {
        let byte = text[start]
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
            if case .secret = verdict {
                let end = quote.containerEnd(text, from: start)
                return Finding(range: start..<end, quoteEscapes: quote.escapes)
            }
            guard quote.escapes == 0 else { return nil }
            containerEnd = quote.containerEnd(text, from: start)
            position = start
            return nextInContainer()
        }
        guard case .secret = verdict, byte.isDigit || byte == UInt8(ascii: "-") else { return nil }
        var end = start + 1
        while end < text.count, text[end].isNumberByte { end += 1 }
        return Finding(range: start..<end, quoteEscapes: quote.escapes)
    }

    /// The next string of the container that is no name.
    private mutating func nextInContainer() -> Finding? {
        let quote = Quote.plain
        let container = text.part(0, containerEnd)
        while position < containerEnd {
            let start = container.find(quote.byte, from: position) + 1
            guard start < containerEnd else { break }
            let end = quote.end(text, from: start)
            var after = Swift.min(end + 1, text.count)
            position = after
            while after < text.count, text[after].isSpace { after += 1 }
            if after < text.count, text[after] == UInt8(ascii: ":") { continue }
            let value = text.part(start, end)
            if value.isEmpty || value.equals(Self.mark) { continue }
            return Finding(range: start..<end)
        }
        position = Swift.max(position, containerEnd)
        containerEnd = 0
        return nil
    }
}

/// How strings are quoted where a name was found: plainly, within a JSON string, within a string
/// of that, or as Python does.
struct Quote {
    let byte: UInt8
    /// Backslashes before each quote.
    let escapes: Int
    /// Where the quote that ends the name begins.
    var start = 0

    static let plain = Quote(byte: UInt8(ascii: "\""), escapes: 0)

    private init(byte: UInt8, escapes: Int) {
        self.byte = byte
        self.escapes = escapes
    }

    /// The quote whose last byte stands before `end`.
    init?(_ text: Bytes, endingAt end: Int) {
        byte = text[end - 1]
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") else { return nil }
        let escapes = Self.backslashes(text, before: end - 1)
        guard escapes == 0 || escapes == 1 || escapes == 3 || escapes == 7 else { return nil }
        self.escapes = escapes
        start = end - 1 - escapes
    }

    /// Where the text of a string begins that opens at `position`; nil when none does.
    func open(_ text: Bytes, at position: Int) -> Int? {
        let end = position + escapes
        guard end < text.count, text[end] == byte else { return nil }
        let isEscaped = text.part(position, end).allSatisfy { $0 == UInt8(ascii: "\\") }
        return isEscaped ? end + 1 : nil
    }

    /// Where the text of a string that begins at `start` ends: before its quote, or where the
    /// string around it ends.
    func end(_ text: Bytes, from start: Int) -> Int {
        var index = start
        while index < text.count {
            if text[index] == UInt8(ascii: "\\") {
                var run = index
                while run < text.count, text[run] == UInt8(ascii: "\\") { run += 1 }
                if run < text.count, ends(text[run], after: run - index) {
                    // Backslashes beyond those of the quote are the text's own; the quote of a
                    // string around has fewer, which stay with it.
                    return text[run] == byte && (run - index) % 2 == escapes % 2
                        ? Swift.max(index, run - escapes) : run
                }
                index = run + 1
            } else if ends(text[index], after: 0) {
                return index
            } else {
                index += 1
            }
        }
        return text.count
    }

    /// Whether a byte after so many backslashes ends the string, or one around it.
    private func ends(_ found: UInt8, after backslashes: Int) -> Bool {
        if found == UInt8(ascii: "'") { return byte == found && backslashes == 0 }
        guard found == UInt8(ascii: "\"") else { return false }
        var count = backslashes
        var level = byte == UInt8(ascii: "'") ? 0 : escapes
        while level > 0 {
            if count % 2 == 0 { return true }
            count = (count - 1) / 2
            level = (level - 1) / 2
        }
        return count % 2 == 0
    }

    /// Where an object or array that begins at `start` ends, or where the string around it does.
    func containerEnd(_ text: Bytes, from start: Int) -> Int {
        var depth = 0
        var index = start
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"):
                if let inner = open(text, at: index) {
                    let end = end(text, from: inner)
                    guard open(text, at: end) != nil else { return end }
                    index = end + escapes
                } else if text[index] == UInt8(ascii: "\"") {
                    return index
                }
            default: break
            }
            index += 1
        }
        return text.count
    }

    private static func backslashes(_ text: Bytes, before end: Int) -> Int {
        var start = end
        while start > 0, end - start < 8, text[start - 1] == UInt8(ascii: "\\") { start -= 1 }
        return end - start
    }
}

extension UInt8 {
    fileprivate var isNumberByte: Bool {
        isDigit || self == UInt8(ascii: ".") || self == UInt8(ascii: "-")
            || self == UInt8(ascii: "+") || self | 0x20 == UInt8(ascii: "e")
    }
}
