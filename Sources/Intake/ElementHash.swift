internal import QuipuModel

/// Tells the elements of a document apart by what they say. It is stored, so it must be the same in
/// every version.
enum ElementHash {
    /// FNV-1a, 64 bits, of the element without the white space between its parts, so that it does
    /// not matter who wrote it last; never 0.
    static func of(_ element: Bytes) -> UInt64 {
        var hash = FNV1a()
        var isInString = false
        var isEscaped = false
        for byte in element {
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
            hash.combine(byte)
        }
        return hash.value == 0 ? 1 : hash.value
    }
}
