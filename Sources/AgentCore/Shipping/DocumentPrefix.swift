import QuipuModel

/// What a document holds before a position, as a hash: whether a writer that wrote all of it again
/// left that part as it was. Only its first `AgentLimits.documentVerifiedBytesMax` bytes are looked
/// at.
struct DocumentPrefix: Sendable, Equatable {
    /// How many bytes it stands for.
    private(set) var count: UInt64 = 0
    private var hash = FNV1a().value

    init() {}

    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        let limit = AgentLimits.documentVerifiedBytesMax
        let room = limit > count ? Int(clamping: limit - count) : 0
        var hash = FNV1a(continuing: self.hash)
        hash.combine(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
        self.hash = hash.value
        count += UInt64(bytes.count)
    }

    /// Counts the bytes up to `end`, which are beyond those that are looked at.
    mutating func pass(to end: UInt64) { count = max(count, end) }

    /// What the daemon keeps of it with the position.
    var head: SourceHead {
        SourceHead(bytes: Int(min(count, UInt64(Limits.headBytes))), hash: hash)
    }
}
