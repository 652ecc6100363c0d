internal import CSimdJSON

/// A run of bytes of a batch, valid while the batch is decoded.
typealias Bytes = UnsafeRawBufferPointer

extension UnsafeRawBufferPointer {
    /// The bytes from `lower` up to `upper`, which must lie inside.
    @inline(__always)
    func part(_ lower: Int, _ upper: Int) -> Bytes {
        UnsafeRawBufferPointer(rebasing: self[lower..<upper])
    }

    /// The first `byte` at or after `start`; `count` when there is none.
    @inline(__always)
    func find(_ byte: UInt8, from start: Int) -> Int {
        guard start < count, let base = baseAddress else { return count }
        let first = base.assumingMemoryBound(to: UInt8.self) + start
        return start + quipu_find(first, count - start, byte)
    }

    func equals(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        guard let left = baseAddress, let right = other.baseAddress else { return true }
        return quipu_equal(left, right, count)
    }

    /// As `equals`, by words and without a call: for short texts of the same length.
    @inline(__always)
    func equalsShort(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            for position in 0..<count where self[position] != other[position] { return false }
            return true
        }
        var position = 0
        while position < count - 8 {
            if word(at: position) != other.word(at: position) { return false }
            position += 8
        }
        return word(at: count - 8) == other.word(at: count - 8)
    }

    /// The eight bytes from `position` on, which must lie inside.
    @inline(__always)
    func word(at position: Int) -> UInt64 {
        loadUnaligned(fromByteOffset: position, as: UInt64.self)
    }

    func equals(_ word: StaticString) -> Bool { equals(Bytes(word)) }

    func hasSuffix(_ word: StaticString) -> Bool {
        count >= word.utf8CodeUnitCount
            && part(count - word.utf8CodeUnitCount, count).equals(word)
    }

    func hasPrefix(_ word: StaticString) -> Bool {
        count >= word.utf8CodeUnitCount && part(0, word.utf8CodeUnitCount).equals(word)
    }

    /// Equal but for the case of ASCII letters; `word` is in lower case.
    func equalsIgnoringCase(_ word: StaticString) -> Bool {
        count == word.utf8CodeUnitCount
            && zip(self, Bytes(word)).allSatisfy { $0.lowercased == $1 }
    }

    var isValidUTF8: Bool {
        guard let base = baseAddress else { return true }
        return quipu_valid_utf8(base.assumingMemoryBound(to: UInt8.self), count)
    }

    /// At most `limit` bytes, cut between characters.
    func prefixOfWholeCharacters(_ limit: Int) -> Bytes {
        guard count > limit else { return self }
        var end = limit
        while end > 0, self[end] & 0xc0 == 0x80 { end -= 1 }
        return part(0, end)
    }

    /// Without ASCII white space at both ends.
    var trimmed: Bytes {
        var lower = 0
        var upper = count
        while lower < upper, self[lower].isSpace { lower += 1 }
        while upper > lower, self[upper - 1].isSpace { upper -= 1 }
        return part(lower, upper)
    }

    init(_ word: StaticString) {
        self.init(start: word.utf8Start, count: word.utf8CodeUnitCount)
    }
}

extension UInt8 {
    @inline(__always)
    var isDigit: Bool { self &- 0x30 < 10 }
    var isSpace: Bool { self == 0x20 || (self >= 0x09 && self <= 0x0d) }
    var isUppercase: Bool { self &- 0x41 < 26 }
    var isLowercase: Bool { self &- 0x61 < 26 }
    var lowercased: UInt8 { isUppercase ? self | 0x20 : self }
}
