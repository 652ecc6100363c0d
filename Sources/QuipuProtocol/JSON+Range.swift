extension JSON {
    /// Where the value of a member of an object stands in its text, so that it can be handed on
    /// untouched.
    ///
    /// - Parameter bytes: an object that is known to be JSON. The last of equal names wins.
    public static func rangeOfMember(_ name: String, in bytes: [UInt8]) -> Range<Int>? {
        let quoted = Array("\"\(name)\"".utf8)
        var depth = 0
        var isName = false
        var valueStart: Int?
        var found: Range<Int>?
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let end = endOfString(in: bytes, from: index)
                if depth == 1, isName, bytes[index..<end].elementsEqual(quoted) {
                    valueStart = bytes[end...].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 }
                }
                isName = false
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                isName = depth == 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 1, let start = valueStart { found = start..<index }
                depth -= 1
            case UInt8(ascii: ",") where depth == 1:
                if let start = valueStart { found = start..<index }
                valueStart = nil
                isName = true
            default: break
            }
            index += 1
        }
        return found
    }

    /// Behind the closing quote of the string that opens at `start`.
    private static func endOfString(in bytes: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index + 1
            default: index += 1
            }
        }
        return bytes.count
    }
}
