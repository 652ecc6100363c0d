/// How records lie in a file.
public enum RecordShape: Sendable {
    /// One to a line; objects may go on over several. A record ends with its line.
    case lines
    /// Elements of an array, or objects one after the other. A record ends with its brace, since
    /// what follows it now is overwritten when the next one comes.
    case document
}

/// Finds the records of a file: JSON values separated by white space, `[`, `]`, `,`, NUL and RS.
///
/// The agent asks it where a batch may end, the daemon where the records of a batch are. After a
/// `boundary` it knows nothing of what was before, so both find the same records, however the file
/// is cut into batches.
public struct RecordSplitter: Sendable {
    /// Where the first newline at or after an index is; the bytes' count when nowhere.
    public typealias NewlineSearch = (UnsafeRawBufferPointer, Int) -> Int

    private let shape: RecordShape
    /// The first byte that belongs to no record yet.
    public private(set) var position: Int
    /// Behind the last place where a batch may end; 0 when there was none.
    public private(set) var boundary = 0
    /// The object that goes on where the bytes end.
    public private(set) var open: OpenRecord?
    /// Whether the last record may hold newlines.
    public private(set) var spansLines: Bool
    /// Among lines: an object of several lines ended, its last line did not.
    private var isInLastLine = false
    /// In a document: how far the line is indented.
    private var column = 0
    private var isIndentation = true
    /// In a document: behind the byte that told that an object is broken. A batch that ends before
    /// it, and behind the object, would be read as one damaged piece.
    private var lookedTo = 0

    /// - Parameter position: Where a record, or what separates records, begins.
    public init(_ shape: RecordShape, position: Int = 0) {
        self.shape = shape
        self.position = position
        spansLines = shape == .document
    }

    /// The next record: an object, a line, or what is left of a damaged one. Nil when there is none
    /// or its end is not there yet.
    ///
    /// - Parameter isComplete: Nothing will follow, so that a last line may lack its newline.
    public mutating func next(
        in bytes: UnsafeRawBufferPointer, isComplete: Bool, newline: NewlineSearch
    ) -> Range<Int>? {
        open = nil
        return shape == .lines
            ? nextLine(in: bytes, isComplete, newline) : nextElement(in: bytes, isComplete, newline)
    }

    /// How many bytes a byte order mark at the beginning of a file takes.
    public static func byteOrderMark(_ bytes: UnsafeRawBufferPointer) -> Int {
        bytes.count >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf ? 3 : 0
    }

    /// White space, and what else stands between records.
    public static func separates(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09...0x0d, 0x00, 0x1e, UInt8(ascii: ","), UInt8(ascii: "["),
            UInt8(ascii: "]"):
            true
        default: false
        }
    }
}

// MARK: - Lines

extension RecordSplitter {
    private mutating func nextLine(
        in bytes: UnsafeRawBufferPointer, _ isComplete: Bool, _ newline: NewlineSearch
    ) -> Range<Int>? {
        if isInLastLine, !endLastLine(in: bytes) { return nil }
        guard position < bytes.count else { return nil }
        let end = newline(bytes, position)
        if end == bytes.count, !isComplete { return nil }
        if let (start, column) = opening(of: position..<end, in: bytes) {
            var record = OpenRecord(.lines, column: column)
            switch record.feed(bytes, from: start) {
            case .line: break
            case .more:
                open = record
                return nil
            case .whole(let count), .broken(let count):
                position = start + count
                isInLastLine = bytes[position - 1] != 0x0a
                if !isInLastLine { boundary = position }
                spansLines = true
                return start..<position
            }
        }
        let line = position..<end
        position = min(end + 1, bytes.count)
        boundary = position
        spansLines = false
        return line
    }

    /// Goes on to what follows an object in its last line; false when nothing is there.
    private mutating func endLastLine(in bytes: UnsafeRawBufferPointer) -> Bool {
        while position < bytes.count {
            let byte = bytes[position]
            guard Self.separates(byte) else { break }
            position += 1
            if byte == 0x0a {
                isInLastLine = false
                boundary = position
                return true
            }
        }
        guard position < bytes.count else { return false }
        isInLastLine = false
        return true
    }

    /// Where an object begins in a line that may be the first of several, and how far the line is
    /// indented.
    @inline(__always)
    private func opening(
        of line: Range<Int>, in bytes: UnsafeRawBufferPointer
    ) -> (start: Int, column: Int)? {
        guard !line.isEmpty else { return nil }
        let first = bytes[line.lowerBound]
        let isReturn = bytes[line.upperBound - 1] == 0x0d && line.count > 1
        let last = bytes[line.upperBound - (isReturn ? 2 : 1)]
        if first == UInt8(ascii: "{"), last == UInt8(ascii: "}") { return nil }
        guard first == UInt8(ascii: "{") || Self.separates(first),
            line.count <= Limits.openingLineBytesMax
        else { return nil }
        return indentedOpening(of: line, in: bytes)
    }

    private func indentedOpening(
        of line: Range<Int>, in bytes: UnsafeRawBufferPointer
    ) -> (start: Int, column: Int)? {
        var start = line.lowerBound
        while start < line.upperBound, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        let column = start - line.lowerBound
        while start < line.upperBound, Self.separates(bytes[start]) { start += 1 }
        guard start < line.upperBound, bytes[start] == UInt8(ascii: "{") else { return nil }
        return (start, column)
    }
}

// MARK: - Elements

extension RecordSplitter {
    private mutating func nextElement(
        in bytes: UnsafeRawBufferPointer, _ isComplete: Bool, _ newline: NewlineSearch
    ) -> Range<Int>? {
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "{") { return object(in: bytes) }
            guard Self.separates(byte) else { return other(in: bytes, isComplete, newline) }
            if byte == 0x0a {
                column = 0
                isIndentation = true
            } else if byte == 0x20 || byte == 0x09 {
                column += isIndentation ? 1 : 0
            } else {
                isIndentation = false
            }
            position += 1
        }
        return nil
    }

    private mutating func object(in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var record = OpenRecord(.document, column: column)
        switch record.feed(bytes, from: position) {
        case .more, .line:
            open = record
            return nil
        case .whole(let count): return element(to: position + count)
        case .broken(let count):
            let seen = position + record.count
            let element = element(to: position + count)
            lookedTo = max(lookedTo, seen)
            return element
        }
    }

    private mutating func element(to end: Int) -> Range<Int> {
        let element = position..<end
        position = end
        if end >= lookedTo { boundary = end }
        column = 0
        isIndentation = true
        return element
    }

    /// What is no object: a text, number or word by itself, or damage up to the line's end.
    private mutating func other(
        in bytes: UnsafeRawBufferPointer, _ isComplete: Bool, _ newline: NewlineSearch
    ) -> Range<Int>? {
        let end = endOfWord(in: bytes)
        var after = end
        while after < bytes.count, bytes[after] == 0x20 || bytes[after] == 0x09 { after += 1 }
        if after == bytes.count, !isComplete { return nil }
        let isAlone =
            after == bytes.count || Self.separates(bytes[after])
            || bytes[after] == UInt8(ascii: "{")
        if isAlone, end > position { return element(to: end) }
        let lineEnd = newline(bytes, position)
        return lineEnd == bytes.count && !isComplete ? nil : element(to: lineEnd)
    }

    private func endOfWord(in bytes: UnsafeRawBufferPointer) -> Int {
        var end = position
        guard bytes[end] == UInt8(ascii: "\"") else {
            let ends = Array("\"{}:".utf8)
            while end < bytes.count, !Self.separates(bytes[end]), !ends.contains(bytes[end]) {
                end += 1
            }
            return end
        }
        end += 1
        while end < bytes.count, bytes[end] >= 0x20 {
            if bytes[end] == UInt8(ascii: "\"") { return end + 1 }
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        // Not closed: what stands here is damage.
        return min(end, bytes.count) == bytes.count ? bytes.count : position
    }
}
