/// Rows of transcripts that hold nothing a person would ask for. `docs/database.md` lists them.
enum TranscriptPrefilter {
    private static let silentTypes: [StaticString] = [
        "progress", "file-history-snapshot", "queue-operation", "mode", "permission-mode",
        "last-prompt",
    ]

    /// Whether rows of this type are counted as blank.
    static func isSilent(type: Bytes, attachment: Bytes?) -> Bool {
        if type.equals("attachment") { return attachment.map(isHookRun) == false }
        return silentTypes.contains { type.equals($0) }
    }

    /// Attachments that tell how a hook ended.
    private static func isHookRun(_ type: Bytes) -> Bool {
        type.hasPrefix("hook_")
            && (type.equals("hook_success") || type.equals("hook_cancelled")
                || type.hasSuffix("_error"))
    }

    /// The same, judged by the row's first members, so that most such rows are never parsed. False
    /// wherever that needs more than a look at strings, numbers and words.
    static func saysNothing(_ line: Bytes) -> Bool {
        guard line.first == UInt8(ascii: "{") else { return false }
        var position = 1
        while let name = string(line, from: &position) {
            guard skip(UInt8(ascii: ":"), line, &position), position < line.count else {
                return false
            }
            switch line[position] {
            case UInt8(ascii: "\""):
                guard let value = string(line, from: &position) else { return false }
                // An attachment's own type, before or after this one, has the word on it.
                if name.equals("type"), !value.equals("attachment") {
                    // What is torn off would have to be told.
                    return isSilent(type: value, attachment: nil) && endsWhole(line)
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                return name.equals("attachment") && isSilentAttachment(line, position)
                    && endsWhole(line)
            default:
                position = Swift.min(
                    line.find(UInt8(ascii: ","), from: position), line.count)
            }
            guard skip(UInt8(ascii: ","), line, &position) else { return false }
        }
        return false
    }

    private static func isSilentAttachment(_ line: Bytes, _ start: Int) -> Bool {
        var position = start + 1
        guard string(line, from: &position)?.equals("type") == true,
            skip(UInt8(ascii: ":"), line, &position), let type = string(line, from: &position)
        else { return false }
        return !isHookRun(type)
    }

    /// The string that begins at `position`, which then stands behind it; nil for one with escapes.
    private static func string(_ line: Bytes, from position: inout Int) -> Bytes? {
        guard position < line.count, line[position] == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        let end = line.find(UInt8(ascii: "\""), from: start)
        guard end < line.count, line[end - 1] != UInt8(ascii: "\\") else { return nil }
        position = end + 1
        return line.part(start, end)
    }

    private static func skip(_ byte: UInt8, _ line: Bytes, _ position: inout Int) -> Bool {
        guard position < line.count, line[position] == byte else { return false }
        position += 1
        return true
    }

    /// Torn and welded rows, and those with NULs, are for the parser: within one row, no object
    /// begins but where a value may.
    private static func endsWhole(_ line: Bytes) -> Bool {
        guard line.last == UInt8(ascii: "}"), line.find(0, from: 0) == line.count else {
            return false
        }
        var position = line.find(UInt8(ascii: "{"), from: 1)
        while position + 1 < line.count {
            if line[position + 1] == UInt8(ascii: "\""),
                ![0x3a, 0x2c, 0x5b, 0x20].contains(line[position - 1])
            {
                return false
            }
            position = line.find(UInt8(ascii: "{"), from: position + 1)
        }
        return true
    }
}
