import Platform
import QuipuModel

extension SourceCursor {
    /// A record whose end was not found in what was read of it.
    enum PartialRecord: Equatable {
        case none
        /// A line, or what is left of an object's last line.
        case line
        /// An object that began at `start`.
        case object(OpenRecord, start: UInt64)
    }

    /// Finds where the records of a chunk end.
    mutating func records(in chunk: Chunk) -> Shipment? {
        guard chunk.from == next else { return longRecord(in: chunk) }
        let shape = kind.recordShape ?? .lines
        let anchor = shape == .lines ? Self.recordStart(in: chunk.bytes) : 0
        let mark = chunk.from == 0 ? RecordSplitter.byteOrderMark(chunk.bytes) : 0
        var splitter = RecordSplitter(shape, position: max(anchor, mark))
        while splitter.next(
            in: chunk.bytes, isComplete: false, newline: SourceCursor.newline) != nil
        {}
        let boundary = max(splitter.boundary, anchor)
        let end = chunk.from + UInt64(chunk.bytes.count)
        partial = splitter.open.map { .object($0, start: end - UInt64($0.count)) } ?? .line
        guard boundary > 0 else {
            scanned = max(scanned, end)
            keepScannedTail(chunk)
            return nil
        }
        let partial = partial
        let shipment = taken(
            to: chunk.from + UInt64(boundary), scanned: end,
            head: kind == .file ? chunk.head : nil)
        self.partial = partial
        if kind == .file {
            let start = max(0, boundary - Limits.headBytes)
            keepTail(.of(UnsafeRawBufferPointer(rebasing: chunk.bytes[start..<boundary])))
            keepScannedTail(chunk)
        }
        return shipment
    }

    private mutating func keepScannedTail(_ chunk: Chunk) {
        guard kind == .file, scanned > next, scanned > chunk.from else { return }
        let end = min(Int(scanned - chunk.from), chunk.bytes.count)
        let start = max(0, end - Limits.headBytes)
        scannedTail = .of(UnsafeRawBufferPointer(rebasing: chunk.bytes[start..<end]))
    }

    private static func newline(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        return ByteSearch.first(0x0a, in: rest).map { start + $0 } ?? bytes.count
    }

    /// Where the last line that is known to begin a record begins, so that the lines before it need
    /// no look: `{"` at a line's beginning does, whatever is before it.
    private static func recordStart(in bytes: UnsafeRawBufferPointer) -> Int {
        guard var end = ByteSearch.last(0x0a, in: bytes) else { return 0 }
        let limit = max(0, end - AgentLimits.lineSearchBytesMax)
        while end > limit {
            let before = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            guard let newline = ByteSearch.last(0x0a, in: before) else { return 0 }
            let start = newline + 1
            if start + 1 < end, bytes[start] == UInt8(ascii: "{"),
                bytes[start + 1] == UInt8(ascii: "\"")
            {
                return start
            }
            end = newline
        }
        return 0
    }

    /// Looks for the end of a record whose beginning is no longer in the buffer.
    private mutating func longRecord(in chunk: Chunk) -> Shipment? {
        let end = endOfLongRecord(in: chunk)
        if kind == .document { document.scanned(chunk, to: end) }
        longRecordEnd = end
        scanned = end ?? chunk.from + UInt64(chunk.bytes.count)
        keepScannedTail(chunk)
        return nil
    }

    private mutating func endOfLongRecord(in chunk: Chunk) -> UInt64? {
        var searched = 0
        if case .object(var record, let start) = partial {
            switch record.feed(chunk.bytes, from: 0) {
            case .more, .line:
                partial = .object(record, start: start)
                return nil
            case .broken(let count), .whole(let count):
                let end = start + UInt64(count)
                guard kind == .file, end > chunk.from else { return end }
                searched = Int(end - chunk.from)
                // It was torn before this line; else the line that it ends in is its own.
                if chunk.bytes[searched - 1] == 0x0a { return end }
            }
        }
        partial = .line
        let newline = Self.newline(chunk.bytes, searched)
        return newline < chunk.bytes.count ? chunk.from + UInt64(newline) + 1 : nil
    }
}
