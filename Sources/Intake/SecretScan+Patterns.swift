/// Secrets that give themselves away by how they look.
extension SecretScan {
    /// `sk-…` (with `sk-ant-…`) and Slack's `xoxb-…`; `position` is at the first dash.
    mutating func dashedKey() -> Range<Int>? {
        if stands("sk", before: position), isBoundary(position - 2) {
            let start = position + 1
            let end = keyRun.end(text, from: start) { $0.isKeyByte }
            let words = wordRun.end(text, from: start) { $0.isKeyByte && !$0.isRandom }
            return end - start >= 16 && words < end ? position - 2..<end : nil
        }
        if position >= floor + 4, stands("xox", before: position - 1), isBoundary(position - 4) {
            let end = keyRun.end(text, from: position + 1) { $0.isKeyByte }
            return end - position > 10 ? position - 4..<end : nil
        }
        return nil
    }

    /// Keys of GitHub, AWS and Google, and JSON web tokens; `position` is at the byte of their
    /// beginnings that is rarest.
    mutating func prefixedKey(_ byte: UInt8) -> Range<Int>? {
        switch byte {
        case UInt8(ascii: "_"): return gitHubKey()
        case UInt8(ascii: "K"): return key("A", "IA", bytes: 16...) { $0.isDigit || $0.isUppercase }
        case UInt8(ascii: "z"): return key("AI", "a", bytes: 30...) { $0.isKeyByte }
        case UInt8(ascii: "J"): return webToken()
        default: return nil
        }
    }

    private func gitHubKey() -> Range<Int>? {
        let words: [StaticString] = ["ghp", "gho", "ghu", "ghs", "ghr", "github_pat"]
        for word in words where stands(word, before: position) {
            let start = position - word.utf8CodeUnitCount
            guard isBoundary(start) else { continue }
            let end = run(from: position + 1) { $0.isKeyByte }
            if end - position > 16 { return start..<end }
        }
        return nil
    }

    private func key(
        _ before: StaticString, _ after: StaticString, bytes: PartialRangeFrom<Int>,
        of isPart: (UInt8) -> Bool
    ) -> Range<Int>? {
        let start = position - before.utf8CodeUnitCount
        let rest = position + 1 + after.utf8CodeUnitCount
        guard stands(before, before: position), isBoundary(start),
            text.part(position + 1, text.count).hasPrefix(after)
        else { return nil }
        let end = run(from: rest, while: isPart)
        return bytes.contains(end - rest) ? start..<end : nil
    }

    /// `eyJ….….…`
    private mutating func webToken() -> Range<Int>? {
        let start = position - 2
        guard stands("ey", before: position), isBoundary(start) else { return nil }
        let head = keyRun.end(text, from: position + 1) { $0.isKeyByte }
        guard head - start >= 12, head < text.count, text[head] == UInt8(ascii: ".") else {
            return nil
        }
        let body = bodyRun.end(text, from: head + 1) { $0.isKeyByte }
        guard body - head >= 9, body < text.count, text[body] == UInt8(ascii: ".") else {
            return nil
        }
        let end = run(from: body + 1) { $0.isKeyByte }
        return start..<end
    }

    /// What follows `Bearer `.
    func bearer() -> Range<Int>? {
        let word: StaticString = "bearer"
        let end = position + word.utf8CodeUnitCount
        guard SecretNames.holds(text, word, at: position), isBoundary(position) else { return nil }
        let start = run(from: end) { $0 == 0x20 }
        guard start > end else { return nil }
        let last = run(from: start) {
            $0.isKeyByte || [0x2e, 0x7e, 0x2b, 0x2f, 0x3d].contains($0)
        }
        guard last - start >= 8 else { return nil }
        // A sentence about bearers has words after it.
        let isWord = text.part(start, last).allSatisfy(\.isLowercase)
        return isWord && last - start < 16 ? nil : start..<last
    }

    /// The password of `scheme://user:password@host`; `position` is at the first colon.
    func password() -> Finding? {
        var start = position + 1
        for _ in 0..<2 {
            if start < text.count, text[start] == UInt8(ascii: "\\") { start += 1 }
            guard start < text.count, text[start] == UInt8(ascii: "/") else { return nil }
            start += 1
        }
        let end = run(from: start) { byte in
            byte > 0x20 && ![0x2f, 0x3f, 0x23, 0x22, 0x27, 0x5c, 0x3c, 0x3e, 0x60].contains(byte)
        }
        guard let at = text[start..<end].lastIndex(of: UInt8(ascii: "@")),
            let colon = text[start..<at].firstIndex(of: UInt8(ascii: ":")), colon + 1 < at
        else { return nil }
        return Finding(range: colon + 1..<at)
    }

    /// The inside of `-----BEGIN … PRIVATE KEY-----`; `position` is at the first dash.
    func privateKey() -> Range<Int>? {
        let rest = text.part(position, text.count)
        guard rest.hasPrefix("-----BEGIN ") else { return nil }
        let label = run(from: position + 11) { $0.isUppercase || $0 == 0x20 || $0.isDigit }
        guard stands("PRIVATE KEY", before: label),
            text.part(label, text.count).hasPrefix("-----")
        else { return nil }
        let start = label + 5
        var end = start
        while end < text.count {
            if text[end] == UInt8(ascii: "-"), text.part(end, text.count).hasPrefix("-----END") {
                break
            }
            if isJSON, text[end] == UInt8(ascii: "\"") {
                let backslashes = end - run(backFrom: end)
                if backslashes % 2 == 0 { break }
            }
            end += 1
        }
        return start < end ? start..<end : nil
    }

    // MARK: Places

    private func stands(_ word: StaticString, before end: Int) -> Bool {
        let start = end - word.utf8CodeUnitCount
        return start >= floor && text.part(start, end).equals(word)
    }

    private func run(from start: Int, while isPart: (UInt8) -> Bool) -> Int {
        var end = start
        while end < text.count, isPart(text[end]) { end += 1 }
        return end
    }

    /// Where the backslashes before `end` begin.
    private func run(backFrom end: Int) -> Int {
        var start = end
        while start > 0, text[start - 1] == UInt8(ascii: "\\") { start -= 1 }
        return start
    }

    /// Whether a word may begin here: not within another one, but after an escape like `\n`.
    private func isBoundary(_ start: Int) -> Bool {
        guard start > 0 else { return start == 0 }
        let before = text[start - 1]
        guard before.isDigit || before.isUppercase || before.isLowercase else { return true }
        if start >= 2, text[start - 2] == UInt8(ascii: "\\") { return true }
        return start >= 6 && text[start - 6] == UInt8(ascii: "\\")
            && text[start - 5] == UInt8(ascii: "u")
    }
}

/// Where the last run of bytes of one kind ended that was looked for, so that text made of the
/// beginnings of keys is read once, and not to its end from each of them.
struct ByteRun {
    /// Every byte in it is of the kind; the one at its end is not.
    private var known: Range<Int>?

    mutating func end(_ text: Bytes, from start: Int, while isPart: (UInt8) -> Bool) -> Int {
        if let known, known.lowerBound <= start, start <= known.upperBound {
            return known.upperBound
        }
        var end = start
        while end < text.count, isPart(text[end]) { end += 1 }
        known = start..<end
        return end
    }
}

extension UInt8 {
    /// What keys of most services are made of.
    fileprivate var isKeyByte: Bool {
        isDigit || isUppercase || isLowercase || self == UInt8(ascii: "_")
            || self == UInt8(ascii: "-")
    }

    /// What keys have and words do not.
    fileprivate var isRandom: Bool { isDigit || isUppercase }
}
