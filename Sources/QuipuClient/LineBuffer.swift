/// Bytes of a stream, taken out line by line.
struct LineBuffer {
    private var bytes: [UInt8] = []
    /// Where the next line begins.
    private var start = 0
    /// Up to where no newline was found.
    private var scanned = 0

    /// Bytes of lines that are not complete, or not taken out yet.
    var pendingCount: Int { bytes.count - start }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        if start > bytes.count / 2 {
            bytes.removeFirst(start)
            scanned -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next complete line, without its newline.
    mutating func next() -> [UInt8]? {
        guard let end = bytes[scanned...].firstIndex(of: 0x0a) else {
            scanned = bytes.count
            return nil
        }
        let line = Array(bytes[start..<end])
        start = end + 1
        scanned = start
        return line
    }

    /// What stands after the last newline; nil when nothing does.
    mutating func rest() -> [UInt8]? {
        guard pendingCount > 0 else { return nil }
        let line = Array(bytes[start...])
        start = bytes.count
        scanned = start
        return line
    }
}
