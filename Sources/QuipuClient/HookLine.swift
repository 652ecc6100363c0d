import QuipuModel
import QuipuProtocol

/// A hook's input as one line of native JSON.
///
/// Claude Code hands a hook its event as one JSON object without a time. All that is done to it:
/// line breaks, which in JSON only stand between tokens, become blanks, and the time is put in
/// front where the object has none. Beyond what the agent takes, long texts are cut and say how
/// long they were. What is no object goes as it came, for the ledger to show.
public enum HookLine {
    /// Members that a hook log's reader takes for the time.
    private static let timeNames: [[UInt8]] = [
        "timestamp", "time", "ts", "t", "logged_at", "recorded_at",
    ].map { Array($0.utf8) }

    /// Nil when there is nothing but white space.
    ///
    /// - Parameter time: RFC 3339.
    public static func make(_ input: [UInt8], time: @autoclosure () -> String) -> [UInt8]? {
        guard let first = input.firstIndex(where: { !isSpace($0) }),
            let last = input.lastIndex(where: { !isSpace($0) })
        else { return nil }
        var line: [UInt8] = []
        line.reserveCapacity(last - first + 48)
        for byte in input[first...last] {
            line.append(byte == 0x0a || byte == 0x0d ? 0x20 : byte)
        }
        if line.count > lineBytesMax { line = shortened(line) }
        guard line.first == UInt8(ascii: "{"), !hasTime(line) else { return line }
        let isEmpty = line.dropFirst().first { !isSpace($0) } == UInt8(ascii: "}")
        let member = "\"timestamp\":\"\(time())\"" + (isEmpty ? "" : ",")
        line.insert(contentsOf: member.utf8, at: 1)
        return line
    }

    /// Less than the agent takes, with room for the time.
    private static let lineBytesMax = Limits.streamLineBytesMax - 64

    /// With texts as long as will do; as it is where it can't be read.
    private static func shortened(_ line: [UInt8]) -> [UInt8] {
        guard let object = try? JSON.parse(line, nestingMax: Limits.lineNestingMax) else {
            return line
        }
        var textBytesMax = lineBytesMax / 4
        while textBytesMax >= 64 {
            let bytes = object.cutting(textsBeyond: textBytesMax).bytes
            if bytes.count <= lineBytesMax { return bytes }
            textBytesMax /= 4
        }
        return line
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0d).contains(byte)
    }

    /// Whether the object has a member for the time at its own level.
    private static func hasTime(_ line: [UInt8]) -> Bool {
        line.withUnsafeBytes { bytes in
            var depth = 0
            var index = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: "\""):
                    let end = endOfString(bytes, index + 1)
                    if depth == 1, isName(bytes, after: end),
                        timeNames.contains(where: { bytes[(index + 1)..<end].elementsEqual($0) })
                    {
                        return true
                    }
                    index = end
                default: break
                }
                index += 1
            }
            return false
        }
    }

    /// Where the quote stands that closes a string; the end of the bytes when none does.
    private static func endOfString(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, bytes.count)
    }

    private static func isName(_ bytes: UnsafeRawBufferPointer, after end: Int) -> Bool {
        var index = end + 1
        while index < bytes.count, isSpace(bytes[index]) { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }
}

extension JSON {
    /// The same with no text longer than so.
    fileprivate func cutting(textsBeyond bytesMax: Int) -> JSON {
        switch self {
        case .string(let text) where text.utf8.count > bytesMax:
            var head = text.utf8.prefix(bytesMax)
            while let last = head.last, last & 0xc0 == 0x80 { head.removeLast() }
            // What is left may end with the first byte of a character.
            if let last = head.last, last >= 0xc0 { head.removeLast() }
            return .string("\(Substring(head))… (\(text.utf8.count) bytes)")
        case .array(let items): return .array(items.map { $0.cutting(textsBeyond: bytesMax) })
        case .object(let members):
            return .object(
                members.map { JSON.Member($0.name, $0.value.cutting(textsBeyond: bytesMax)) })
        default: return self
        }
    }
}
