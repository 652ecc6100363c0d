internal import QuipuModel

/// Tells the elements of a document apart by what they say. It is stored, so it must be the same in
/// every version.
enum ElementHash {
    /// FNV-1a, 64 bits, of the element's compact text; never 0.
    static func of(_ element: Bytes) -> UInt64 {
        var hash = FNV1a()
        hash.combine(element)
        return hash.value == 0 ? 1 : hash.value
    }
}

enum CompactJSON {
    /// Replaces `output` by valid JSON text without the white space between its parts.
    static func write(_ json: Bytes, to output: inout [UInt8]) {
        output.removeAll(keepingCapacity: true)
        output.reserveCapacity(json.count)
        var isInString = false
        var isEscaped = false
        for byte in json {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte.isSpace {
                continue
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            }
            output.append(byte)
        }
    }
}
