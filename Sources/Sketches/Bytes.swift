/// Varints and weights into bytes.
package struct ByteWriter {
    package var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    package mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func append(signed value: Int) {
        append(varint: UInt64(bitPattern: Int64((value << 1) ^ (value >> 63))))
    }

    /// Whole weights as `2n`; others as a 1 and the bits of the number.
    package mutating func append(weight: Double) {
        if weight >= 0, weight < 0x1p53, weight == weight.rounded(.down) {
            append(varint: UInt64(weight) << 1)
        } else {
            append(varint: 1)
            append(fixed: weight.bitPattern)
        }
    }

    package mutating func append(fixed value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// The reverse; every method is nil at malformed or missing bytes.
package struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var isAtEnd: Bool { position == bytes.count }

    package mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let next = byte() else { return nil }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
        }
        return nil
    }

    package mutating func signed() -> Int? {
        guard let value = varint() else { return nil }
        return Int(Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1))))
    }

    package mutating func weight() -> Double? {
        guard let value = varint() else { return nil }
        guard value & 1 == 1 else { return Double(value >> 1) }
        guard let bits = fixed() else { return nil }
        let weight = Double(bitPattern: bits)
        return weight.isFinite && weight >= 0 ? weight : nil
    }

    package mutating func fixed() -> UInt64? {
        guard bytes.count - position >= 8 else { return nil }
        defer { position += 8 }
        return UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    package mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard bytes.count - position >= count else { return nil }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }
}
