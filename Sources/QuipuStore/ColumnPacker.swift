import CZstd
import Sketches

/// Columns of whole numbers in few bytes.
///
/// Each number, or its difference from the one before it, is folded so that small ones of either
/// sign are small (zigzag), and the column is cut into planes: the lowest bytes of all numbers, the
/// next bytes, and so on. A constant plane is one byte; others are compressed where that helps.
/// Not safe to share between threads.
final class ColumnPacker {
    private enum Plane: UInt8 {
        case constant = 0
        case raw = 1
        case compressed = 2
    }

    /// Of the first byte: the number of planes, and whether these are of differences.
    private static let planeMask: UInt8 = 0x0f
    private static let differences: UInt8 = 0x10
    private static let quickLevel: Int32 = 3
    private static let smallLevel: Int32 = 19

    private let compressor: OpaquePointer?
    private let decompressor: OpaquePointer?
    private var scratch: [UInt8] = []
    /// Takes ten times as long for a tenth less: for what will hardly be written anew.
    var isThorough = false

    init() {
        compressor = ZSTD_createCCtx()
        decompressor = ZSTD_createDCtx()
    }

    deinit {
        ZSTD_freeCCtx(compressor)
        ZSTD_freeDCtx(decompressor)
    }

    // MARK: Whole numbers

    func pack(_ values: [Int64], into writer: inout ByteWriter) {
        var plain: [UInt64] = []
        var steps: [UInt64] = []
        plain.reserveCapacity(values.count)
        steps.reserveCapacity(values.count)
        var previous: Int64 = 0
        var plainBits = 0
        var stepBits = 0
        for value in values {
            let folded = Self.fold(value)
            let step = Self.fold(value &- previous)
            plain.append(folded)
            steps.append(step)
            plainBits += 64 - folded.leadingZeroBitCount
            stepBits += 64 - step.leadingZeroBitCount
            previous = value
        }
        let chosen = stepBits < plainBits ? steps : plain
        let largest = chosen.reduce(0, |)
        let planeCount = (64 - largest.leadingZeroBitCount + 7) / 8
        writer.append(UInt8(planeCount) | (stepBits < plainBits ? Self.differences : 0))
        for plane in 0..<planeCount {
            let shift = UInt64(plane * 8)
            pack(bytes: chosen.map { UInt8(truncatingIfNeeded: $0 >> shift) }, into: &writer)
        }
    }

    /// Nil when the bytes are not such a column.
    func unpack(_ count: Int, from reader: inout ByteReader) -> [Int64]? {
        guard let head = reader.byte() else { return nil }
        let planeCount = Int(head & Self.planeMask)
        guard planeCount <= 8 else { return nil }
        var isWhole = true
        let values = [Int64](unsafeUninitializedCapacity: count) { numbers, filled in
            numbers.initialize(repeating: 0)
            filled = count
            for plane in 0..<planeCount where isWhole {
                isWhole = addPlane(Int64(plane * 8), to: numbers, from: &reader)
            }
            var sum: Int64 = 0
            if head & Self.differences != 0 {
                for index in 0..<count {
                    sum &+= Self.unfold(UInt64(bitPattern: numbers[index]))
                    numbers[index] = sum
                }
            } else {
                for index in 0..<count {
                    numbers[index] = Self.unfold(UInt64(bitPattern: numbers[index]))
                }
            }
        }
        return isWhole ? values : nil
    }

    /// Passes over a column. False when the bytes are none.
    func skip(_ count: Int, from reader: inout ByteReader) -> Bool {
        guard let head = reader.byte() else { return false }
        let planeCount = Int(head & Self.planeMask)
        guard planeCount <= 8 else { return false }
        for _ in 0..<planeCount {
            guard let kind = reader.byte().flatMap(Plane.init(rawValue:)) else { return false }
            var size = kind == .constant ? 1 : count
            if kind == .compressed {
                guard let written = reader.varint(), written <= UInt64(Int32.max) else {
                    return false
                }
                size = Int(written)
            }
            guard reader.take(size) != nil else { return false }
        }
        return true
    }

    /// False when the bytes are not a plane.
    private func addPlane(
        _ shift: Int64, to numbers: UnsafeMutableBufferPointer<Int64>, from reader: inout ByteReader
    ) -> Bool {
        unpackBytes(numbers.count, from: &reader) { bytes in
            for index in numbers.indices { numbers[index] |= Int64(bytes[index]) << shift }
        } constant: { byte in
            guard byte != 0 else { return }
            for index in numbers.indices { numbers[index] |= Int64(byte) << shift }
        }
    }

    private static func fold(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    private static func unfold(_ value: UInt64) -> Int64 {
        Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
    }

    // MARK: Bytes

    func pack(bytes: [UInt8], into writer: inout ByteWriter) {
        guard let first = bytes.first, bytes.contains(where: { $0 != first }) else {
            writer.append(Plane.constant.rawValue)
            writer.append(bytes.first ?? 0)
            return
        }
        let bound = ZSTD_compressBound(bytes.count)
        if scratch.count < bound { scratch = [UInt8](repeating: 0, count: bound) }
        let count = scratch.withUnsafeMutableBytes { into in
            bytes.withUnsafeBytes { from in
                ZSTD_compressCCtx(
                    compressor, into.baseAddress, into.count, from.baseAddress, from.count,
                    isThorough ? Self.smallLevel : Self.quickLevel)
            }
        }
        guard ZSTD_isError(count) == 0, count + 2 < bytes.count else {
            writer.append(Plane.raw.rawValue)
            writer.bytes += bytes
            return
        }
        writer.append(Plane.compressed.rawValue)
        writer.append(varint: UInt64(count))
        writer.bytes += scratch[..<count]
    }

    func unpackBytes(_ count: Int, from reader: inout ByteReader) -> [UInt8]? {
        var result: [UInt8] = []
        let isWhole = unpackBytes(count, from: &reader) {
            result = [UInt8]($0)
        } constant: {
            result = [UInt8](repeating: $0, count: count)
        }
        return isWhole ? result : nil
    }

    @inline(__always)
    private func unpackBytes(
        _ count: Int, from reader: inout ByteReader, bytes: (UnsafeRawBufferPointer) -> Void,
        constant: (UInt8) -> Void
    ) -> Bool {
        guard let kind = reader.byte().flatMap(Plane.init(rawValue:)) else { return false }
        switch kind {
        case .constant:
            guard let byte = reader.byte() else { return false }
            constant(byte)
        case .raw:
            guard let raw = reader.take(count) else { return false }
            bytes(raw)
        case .compressed:
            guard let size = reader.varint(), size <= UInt64(Int32.max),
                let data = reader.take(Int(size))
            else { return false }
            if scratch.count < count { scratch = [UInt8](repeating: 0, count: count) }
            let isWhole = scratch.withUnsafeMutableBytes { into in
                let made = ZSTD_decompressDCtx(
                    decompressor, into.baseAddress, count, data.baseAddress, data.count)
                guard ZSTD_isError(made) == 0, made == count else { return false }
                bytes(UnsafeRawBufferPointer(rebasing: into[..<count]))
                return true
            }
            guard isWhole else { return false }
        }
        return true
    }

    // MARK: Other numbers

    /// Weights, which are nearly always whole.
    func pack(weights: [Double], into writer: inout ByteWriter) {
        let whole = weights.map { Int64(exactly: $0) }
        // -0 would come back as 0.
        let isWhole = zip(weights, whole).allSatisfy {
            $1 != nil && !($0 == 0 && $0.sign == .minus)
        }
        writer.append(isWhole ? 1 : 0)
        pack(
            isWhole ? whole.compactMap { $0 } : weights.map { Int64(bitPattern: $0.bitPattern) },
            into: &writer)
    }

    func unpackWeights(_ count: Int, from reader: inout ByteReader) -> [Double]? {
        guard let isWhole = reader.byte(), let numbers = unpack(count, from: &reader) else {
            return nil
        }
        return isWhole == 1
            ? numbers.map(Double.init)
            : numbers.map { Double(bitPattern: UInt64(bitPattern: $0)) }
    }
}
