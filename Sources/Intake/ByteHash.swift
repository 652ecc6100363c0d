/// Hashes for tables that live no longer than a connection. Their seed keeps senders from choosing
/// keys that fall together.
enum ByteHash {
    /// Eight bytes at a time, multiplied to 128 bits and folded; the rest as one overlapping word.
    @inline(__always)
    static func mix(_ bytes: Bytes, into hash: inout UInt64) {
        let count = bytes.count
        guard count >= 8 else {
            var rest = UInt64(truncatingIfNeeded: count) << 56
            for byte in bytes { rest = rest << 8 ^ UInt64(byte) }
            return fold(rest, into: &hash)
        }
        var position = 0
        while position < count - 8 {
            fold(bytes.word(at: position), into: &hash)
            position += 8
        }
        hash ^= UInt64(truncatingIfNeeded: count)
        fold(bytes.word(at: count - 8), into: &hash)
    }

    @inline(__always)
    private static func fold(_ word: UInt64, into hash: inout UInt64) {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        hash = product.high ^ product.low
    }
}
