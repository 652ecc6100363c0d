import QuipuModel

/// The place in a list where a page ended: the last row's key. Numbers, then texts, in a form that
/// needs no escaping anywhere.
struct PageCursor: Equatable {
    /// Which list, so that one list's cursor is not taken for another's.
    var list: Character
    var numbers: [Int64]
    var texts: [String] = []

    /// `e.1732190400000000.4711`; texts as `x` and the hexadecimal digits of their UTF-8.
    var text: String {
        var parts = [String(list)]
        parts += numbers.map { String($0) }
        parts += texts.map { "x" + $0.utf8.map(Self.hexadecimal).joined() }
        return parts.joined(separator: ".")
    }

    /// - Throws: `StoreError.invalid` when `text` is no cursor of this list.
    init(_ text: String, list: Character, numbers: Int, texts: Int = 0) throws(StoreError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let keys = parts.dropFirst().prefix(numbers).compactMap { Int64($0) }
        let names = parts.dropFirst(1 + numbers).compactMap { Self.decode($0) }
        guard parts.first == Substring(String(list)), parts.count == 1 + numbers + texts,
            keys.count == numbers, names.count == texts
        else {
            throw .invalid(
                path: "cursor", hint: "pass next_cursor of the page before, unchanged")
        }
        self.init(list: list, numbers: keys, texts: names)
    }

    init(list: Character, numbers: [Int64], texts: [String] = []) {
        self.list = list
        self.numbers = numbers
        self.texts = texts
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func decode(_ part: Substring) -> String? {
        let digits = Array(part.utf8.dropFirst())
        guard part.first == "x", digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension PageRequest {
    /// At least one row, and no more than a reply may hold.
    var rowsMax: Int { max(1, min(limit, Limits.rowsPerReplyMax)) }
}
