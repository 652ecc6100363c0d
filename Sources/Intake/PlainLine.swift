internal import CSimdJSON

/// A line `name:number|rest` with one unsigned number, cut at its places and not judged any
/// further.
struct PlainLine {
    let name: Bytes
    let value: Double
    /// From the first `|` on: type, rate, tags and all other fields.
    let rest: Bytes
    /// Of the line, without its newline.
    let byteCount: Int

    /// Nil for any other line; the grammar has the word on these.
    init?(_ line: Bytes) {
        guard let base = line.baseAddress else { return nil }
        let colon = line.find(0x3a, from: 0)
        var position = colon + 1
        guard position < line.count, let number = NumberText.short(line, &position),
            position < line.count, line[position] == 0x7c
        else { return nil }
        name = Bytes(start: base, count: colon)
        value = number
        rest = Bytes(start: base + position, count: line.count - position)
        byteCount = line.count
    }

    // MARK: In one go

    /// Bytes that are read from the line's first on to find its end and its places together.
    static let window = Int(QUIPU_MARKS_BYTES)

    /// The line at `start`, of at most `count` bytes. Nil for a longer one than `window`, and for
    /// any that is not written as nearly all lines are.
    ///
    /// `window` bytes can be read from `start` on, and 8 before it.
    @inline(__always)
    init?(at start: UnsafeRawPointer, count: Int) {
        let marks = quipu_find_marks(start.assumingMemoryBound(to: UInt8.self))
        let end = Swift.min(marks.newlines.trailingZeroBitCount, count)
        let colon = marks.colons.trailingZeroBitCount
        let bar = marks.bars.trailingZeroBitCount
        // At the end of a line may be blanks, which are not part of it.
        guard end < Self.window, bar < end, colon < bar,
            start.load(fromByteOffset: end - 1, as: UInt8.self) > 0x20,
            let number = Self.number(endingAt: start + bar, byteCount: bar - colon - 1)
        else { return nil }
        name = Bytes(start: start, count: colon)
        value = number
        rest = Bytes(start: start + bar, count: end - bar)
        byteCount = end
    }

    /// Up to eight bytes of digits, with at most one point among them, as one word: of a loop over
    /// them the processor guesses the end wrong as often as their number changes.
    @inline(__always)
    private static func number(endingAt end: UnsafeRawPointer, byteCount: Int) -> Double? {
        guard byteCount >= 1, byteCount <= 8 else { return nil }
        let zeros: UInt64 = 0x3030_3030_3030_3030
        // The first byte is the lowest one. What stands before the number becomes zeros.
        let before = (UInt64.max &>> UInt64(byteCount &* 8 &- 1)) &>> 1
        let bytes = UInt64(littleEndian: end.loadUnaligned(fromByteOffset: -8, as: UInt64.self))
        var word = (bytes & ~before) | (zeros & before)
        var decimals = 0
        let differences = word ^ 0x2e2e_2e2e_2e2e_2e2e
        let points = (differences &- 0x0101_0101_0101_0101) & ~differences & highBits
        if points != 0 {
            guard byteCount > 1 else { return nil }
            // The bits below the byte of the first point, and those above it.
            let point = points & (0 &- points)
            let below = (point &- 1) &>> 7
            let above = ~((point &<< 1) &- 1)
            decimals = 7 - point.trailingZeroBitCount / 8
            word = (word & above) | ((word & below) &<< 8) | 0x30
        }
        var digits = word ^ zeros
        guard (digits | (digits &+ 0x7676_7676_7676_7676)) & highBits == 0 else { return nil }
        // Neighbours are joined: eight digits, four numbers, two, one.
        digits = (digits &* (10 << 8 + 1)) &>> 8 & 0x00ff_00ff_00ff_00ff
        digits = (digits &* (100 << 16 + 1)) &>> 16 & 0x0000_ffff_0000_ffff
        digits = (digits &* (10_000 << 32 + 1)) &>> 32
        // Both are exact, so the one rounding is the right one.
        return Double(Int64(truncatingIfNeeded: digits)) / powers[decimals]
    }

    private static let highBits: UInt64 = 0x8080_8080_8080_8080
    private static let powers: [Double] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7]
}
