/// What the keys of `quipu top` mean.
enum TopKey: Sendable, Equatable {
    /// Closes the help, else ends.
    case quit
    /// Ends, whatever is shown.
    case end
    case pause, sort, slower, faster, help, repaint, suspend
    /// Any other, which closes what lies above the figures.
    case other

    /// The keys behind the bytes of one read. A sequence, as arrows and function keys send it, is
    /// one key.
    static func parse(_ bytes: [UInt8]) -> [TopKey] {
        var keys: [TopKey] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            if byte == 0x1b {
                rest = afterSequence(rest)
                keys.append(.other)
            } else {
                keys.append(key(byte))
            }
        }
        return keys
    }

    private static func key(_ byte: UInt8) -> TopKey {
        switch byte {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"): .quit
        // Ctrl-C, Ctrl-D and Ctrl-\ arrive as bytes.
        case 0x03, 0x04, 0x1c: .end
        case UInt8(ascii: "p"), UInt8(ascii: " "): .pause
        case UInt8(ascii: "s"): .sort
        case UInt8(ascii: "+"), UInt8(ascii: "="): .slower
        case UInt8(ascii: "-"): .faster
        case UInt8(ascii: "?"), UInt8(ascii: "h"): .help
        case 0x0c: .repaint
        case 0x1a: .suspend
        default: .other
        }
    }

    private static func afterSequence(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        switch rest.first {
        case UInt8(ascii: "["):
            guard let end = rest.dropFirst().firstIndex(where: { (0x40...0x7e).contains($0) })
            else { return [] }
            return rest[(end + 1)...]
        case UInt8(ascii: "O"): return rest.dropFirst(2)
        default: return rest
        }
    }
}
