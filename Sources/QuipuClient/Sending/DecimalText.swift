/// Numbers as StatsD text, without a `String`.
enum DecimalText {
    /// The most that one number takes: a double of 17 digits with its exponent, or an `Int64`.
    static let bytesMax = 40

    /// Writes `value` and returns how many bytes it took.
    @inline(__always)
    static func write(_ value: Int64, to place: UnsafeMutableRawPointer) -> Int {
        guard value < 0 else { return write(value.magnitude, to: place) }
        place.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        return 1 + write(value.magnitude, to: place + 1)
    }

    /// Writes the shortest text that reads as `value`, which must be finite.
    @inline(__always)
    static func write(_ value: Double, to place: UnsafeMutableRawPointer) -> Int {
        let magnitude = abs(value)
        // Below that, six decimals as one whole number are exact, and so is the division that a
        // reader does: what comes back is `value`, or it is not taken.
        if magnitude < 1e9 {
            let scaled = (magnitude * 1e6).rounded()
            if scaled / 1e6 == magnitude {
                var start = 0
                if value < 0 {
                    place.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
                    start = 1
                }
                return start + write(millionths: UInt64(scaled), to: place + start)
            }
        } else if magnitude < 1e15, magnitude == magnitude.rounded() {
            return write(Int64(value), to: place)
        }
        var text = value.description
        return text.withUTF8 { utf8 in
            place.copyMemory(from: UnsafeRawBufferPointer(utf8))
            return utf8.count
        }
    }

    /// Nanoseconds as milliseconds.
    @inline(__always)
    static func write(nanoseconds: Int64, to place: UnsafeMutableRawPointer) -> Int {
        guard nanoseconds < 0 else { return write(millionths: UInt64(nanoseconds), to: place) }
        place.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        return 1 + write(millionths: nanoseconds.magnitude, to: place + 1)
    }

    /// A whole number of millionths as a decimal fraction.
    @inline(__always)
    private static func write(millionths: UInt64, to place: UnsafeMutableRawPointer) -> Int {
        let (whole, fraction) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        var count = write(whole, to: place)
        guard fraction > 0 else { return count }
        place.storeBytes(of: UInt8(ascii: "."), toByteOffset: count, as: UInt8.self)
        var rest = fraction
        var digits = 6
        while rest % 10 == 0 {
            rest /= 10
            digits -= 1
        }
        count += 1
        var index = count + digits
        while index > count {
            index -= 1
            place.storeBytes(
                of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, toByteOffset: index,
                as: UInt8.self)
            rest /= 10
        }
        return count + digits
    }

    @inline(__always)
    private static func write(_ value: UInt64, to place: UnsafeMutableRawPointer) -> Int {
        var count = 1
        var power: UInt64 = 10
        while count < 20, value >= power {
            count += 1
            if count < 20 { power *= 10 }
        }
        var rest = value
        var index = count
        while index > 0 {
            index -= 1
            place.storeBytes(
                of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, toByteOffset: index,
                as: UInt8.self)
            rest /= 10
        }
        return count
    }
}
