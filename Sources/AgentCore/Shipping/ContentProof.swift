import QuipuModel

/// What a file's content has where something was read of it before. A file that was written anew
/// has something else at one of the two places.
struct ContentProof {
    var head: SourceHead?
    /// Of the bytes before `end`.
    var tail: SourceHead?
    var end: UInt64

    func holds(of source: any ShippableSource) throws(ReadFailure) -> Bool {
        if let head, try !matches(head, source, at: 0) { return false }
        if let tail, try !matches(tail, source, at: end - UInt64(tail.bytes)) { return false }
        return true
    }

    private func matches(
        _ known: SourceHead, _ source: any ShippableSource, at offset: UInt64
    ) throws(ReadFailure) -> Bool {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: known.bytes, alignment: 1)
        defer { room.deallocate() }
        let count = try source.read(at: offset, into: room)
        return count == known.bytes && SourceHead.of(UnsafeRawBufferPointer(room)) == known
    }
}
