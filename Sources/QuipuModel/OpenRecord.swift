/// Follows one JSON object from its first byte to its end, over any number of lines and pieces of
/// bytes. Says where it ends, or where it turns out to be broken; whether it is valid in every
/// detail is the parser's business.
///
/// A newline inside a string ends a record that was torn. So does, while the object is open, a line
/// that begins with `{"` at its very start, or with `{` left of the object's own members.
public struct OpenRecord: Sendable, Equatable {
    public enum Outcome: Equatable, Sendable {
        /// All bytes belong to it, and it goes on.
        case more
        /// It ends before this offset.
        case whole(Int)
        /// It is torn or damaged; what is before this offset belongs to it.
        case broken(Int)
        /// Among lines: its first line is not the beginning of an object that goes on.
        case line
    }

    private enum Phase {
        /// All is valid so far.
        case strict
        /// Damaged in its first line, in a document: ends where its braces balance, at the latest
        /// with the line.
        case braces
        /// Damaged in a later line: the lines that are indented as its members belong to it.
        case indented
    }

    private enum Expected {
        case value, firstValue, name, firstName, colon, comma, token
    }

    private let shape: RecordShape
    /// Where its line's first character stands.
    private let column: Int
    /// How many bytes it was given so far, the one that ended it too: a broken record may end
    /// before that one.
    public private(set) var count = 0
    private var phase = Phase.strict
    private var expected = Expected.value
    private var isInString = false
    private var isEscaped = false
    private var isName = false
    private var depth = 0
    /// A bit for each level, the innermost lowest: an object or an array.
    private var levels: UInt128 = 0
    private var isFirstLine = true
    private var isAtLineStart = false
    private var lineStart = 0
    private var lineColumn = 0
    /// How far its members are indented, where they are.
    private var indent: Int?
    private var isSecondLine = false
    /// The line begins with a brace at its very start: a quote after it begins a record.
    private var followsFirstBrace = false

    /// - Parameter column: Where the first character of the line in which it begins stands.
    init(_ shape: RecordShape, column: Int) {
        self.shape = shape
        self.column = column
    }

    /// Takes the bytes from `start` on. Offsets that it gives count from the record's beginning.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Outcome {
        var index = start
        let base = count - start
        while index < bytes.count {
            if isInString, !isEscaped {
                index = Self.endOfPlainText(bytes, index)
                guard index < bytes.count else { break }
            }
            let outcome = take(bytes[index], at: base + index)
            index += 1
            guard outcome == .more else {
                count = base + index
                return outcome
            }
        }
        count = base + bytes.count
        return isFirstLine && shape == .lines && count > Limits.openingLineBytesMax
            ? .line : .more
    }

    /// Where a string's next byte is that means something.
    private static func endOfPlainText(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            index += 1
        }
        return index
    }

    private mutating func take(_ byte: UInt8, at place: Int) -> Outcome {
        if isAtLineStart {
            switch byte {
            case 0x0a: beginLine(after: place)
            case 0x20, 0x09, 0x0d: lineColumn += 1
            default:
                isAtLineStart = false
                if let end = endsBefore(byte, at: place) { return end }
                return takeInside(byte, at: place)
            }
            return .more
        }
        if followsFirstBrace {
            followsFirstBrace = false
            if byte == UInt8(ascii: "\"") { return .broken(lineStart) }
        }
        return takeInside(byte, at: place)
    }

    private mutating func takeInside(_ byte: UInt8, at place: Int) -> Outcome {
        switch phase {
        case .strict:
            guard isValid(byte) else { return damaged(at: byte, place) }
            if depth == 0 {
                return isFirstLine && shape == .lines ? .line : .whole(place + 1)
            }
            if byte == 0x0a { endLine(at: place) }
        case .braces:
            if byte == 0x0a { return .broken(place) }
            if closes(byte) { return .broken(place + 1) }
        case .indented:
            if byte == 0x0a { beginLine(after: place) }
        }
        return .more
    }
}

// MARK: - Lines

extension OpenRecord {
    private mutating func endLine(at place: Int) {
        if isSecondLine, lineColumn > column { indent = lineColumn }
        isSecondLine = isFirstLine
        isFirstLine = false
        beginLine(after: place)
    }

    private mutating func beginLine(after place: Int) {
        isAtLineStart = true
        lineStart = place + 1
        lineColumn = 0
        followsFirstBrace = false
    }

    /// What a line's first character says about the record that is open.
    private mutating func endsBefore(_ byte: UInt8, at place: Int) -> Outcome? {
        let isOutside = indent.map { lineColumn < $0 } ?? false
        if byte == UInt8(ascii: "{") {
            if isOutside { return .broken(lineStart) }
            followsFirstBrace = lineColumn == 0
        }
        if isSecondLine, byte == UInt8(ascii: "\""), lineColumn > column, isNameExpected {
            indent = lineColumn
        }
        guard phase == .indented, isOutside else { return nil }
        return .broken(byte == UInt8(ascii: "}") ? place + 1 : lineStart)
    }

    private mutating func damaged(at byte: UInt8, _ place: Int) -> Outcome {
        if isFirstLine {
            guard shape == .document else { return .line }
            phase = .braces
            depth = levels.nonzeroBitCount
        } else if let indent, lineColumn >= indent {
            phase = .indented
            isInString = false
        } else {
            return .broken(lineStart)
        }
        return takeInside(byte, at: place)
    }
}

// MARK: - Grammar

extension OpenRecord {
    /// Takes a byte by JSON's grammar; numbers and words are only looked at for their letters.
    private mutating func isValid(_ byte: UInt8) -> Bool {
        if isInString { return isValidInString(byte) }
        if expected == .token {
            if Self.isTokenByte(byte) { return true }
            expected = .comma
        }
        switch byte {
        case 0x20, 0x09, 0x0a, 0x0d: return true
        case UInt8(ascii: "\""): return beginString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return open(byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"): return close(true)
        case UInt8(ascii: "]"): return close(false)
        case UInt8(ascii: ":"):
            guard expected == .colon else { return false }
            expected = .value
        case UInt8(ascii: ","):
            guard expected == .comma else { return false }
            expected = levels & 1 == 1 ? .name : .value
        default:
            guard expectsValue, Self.isTokenByte(byte) else { return false }
            expected = .token
        }
        return true
    }

    private var expectsValue: Bool { expected == .value || expected == .firstValue }

    private mutating func isValidInString(_ byte: UInt8) -> Bool {
        guard byte >= 0x20 else { return false }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            expected = isName ? .colon : .comma
        }
        return true
    }

    private var isNameExpected: Bool { expected == .name || expected == .firstName }

    private mutating func beginString() -> Bool {
        isName = isNameExpected
        guard isName || expectsValue else { return false }
        isInString = true
        return true
    }

    private mutating func open(_ isObject: Bool) -> Bool {
        guard expectsValue, depth < Limits.lineNestingMax else { return false }
        depth += 1
        levels = levels << 1 | (isObject ? 1 : 0)
        expected = isObject ? .firstName : .firstValue
        return true
    }

    private mutating func close(_ isObject: Bool) -> Bool {
        let isEmpty = expected == (isObject ? .firstName : .firstValue)
        guard isEmpty || expected == .comma, levels & 1 == (isObject ? 1 : 0) else { return false }
        depth -= 1
        levels >>= 1
        expected = .comma
        return true
    }

    /// Numbers, and the letters of true, false and null.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "E"):
            true
        case 0x61...0x7a: "aeflnrstu".utf8.contains(byte)
        default: false
        }
    }

    /// Counts braces outside of strings only; true where the object's own closes.
    private mutating func closes(_ byte: UInt8) -> Bool {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "}"):
            depth -= 1
            return depth <= 0
        default: break
        }
        return false
    }
}
