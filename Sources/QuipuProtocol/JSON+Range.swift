extension JSON {
    /// Where the value of a member of an object stands in its text, so that it can be handed on
    /// untouched.
    ///
    /// - Parameter bytes: an object. What is no JSON gives some range of it or none: a hook's input
    ///   is known to nobody. The last of equal names wins.
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
                    valueStart = valueStartOfMember(in: bytes, behind: end)
                }
                isName = false
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                isName = depth == 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 1, let start = valueStart {
                    found = start..<index
                    valueStart = nil
                }
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

    /// Behind the colon of the name that ends at `end`; nil where none follows. A colon further on
    /// is of another member, whose value begins behind the end of this one.
    private static func valueStartOfMember(in bytes: [UInt8], behind end: Int) -> Int? {
        let spaces: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        let next = bytes[end...].firstIndex { !spaces.contains($0) }
        return next.flatMap { bytes[$0] == UInt8(ascii: ":") ? $0 + 1 : nil }
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
