/// How many different members a set had: exact up to `exactMax`, beyond that HyperLogLog with 4,096
/// registers (standard error 1.6 %), mergeable without loss.
///
/// Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog", 2007; the estimate is Ertl's ("New cardinality
/// estimation algorithms for HyperLogLog sketches", 2017), which needs no bias tables.
public struct DistinctCounter: Sendable, Equatable {
    public static let exactMax = 512
    private static let precision = 12
    private static let registerCount = 1 << precision

    private enum State: Equatable {
        /// Hashes, sorted.
        case exact([UInt64])
        case registers([UInt8])
    }

    private var state = State.exact([])

    public init() {}

    /// Adds a member by its bytes.
    public mutating func add(_ member: UnsafeRawBufferPointer) { add(hash: Self.hash(member)) }

    public mutating func merge(_ other: DistinctCounter) {
        switch other.state {
        case .exact(let hashes):
            for hash in hashes { add(hash: hash) }
        case .registers(let theirs):
            var mine = takeRegisters()
            for i in mine.indices { mine[i] = Swift.max(mine[i], theirs[i]) }
            state = .registers(mine)
        }
    }

    public var estimate: Double {
        switch state {
        case .exact(let hashes): Double(hashes.count)
        case .registers(let registers): Self.estimate(registers).rounded()
        }
    }

    private mutating func add(hash: UInt64) {
        switch state {
        case .exact(var hashes):
            var low = 0
            var high = hashes.count
            while low < high {
                let middle = (low + high) / 2
                if hashes[middle] < hash { low = middle + 1 } else { high = middle }
            }
            if low < hashes.count, hashes[low] == hash { return }
            state = .exact([])  // so that the array is changed in place
            hashes.insert(hash, at: low)
            state = .exact(hashes)
            if hashes.count > Self.exactMax { state = .registers(takeRegisters()) }
        case .registers(var registers):
            state = .exact([])
            Self.add(hash, to: &registers)
            state = .registers(registers)
        }
    }

    /// The registers, made from the exact hashes where need be; leaves the state empty.
    private mutating func takeRegisters() -> [UInt8] {
        defer { state = .exact([]) }
        switch state {
        case .registers(let registers): return registers
        case .exact(let hashes):
            var registers = [UInt8](repeating: 0, count: Self.registerCount)
            for hash in hashes { Self.add(hash, to: &registers) }
            return registers
        }
    }

    private static func add(_ hash: UInt64, to registers: inout [UInt8]) {
        let index = Int(hash >> UInt64(64 - precision))
        let rank = UInt8(
            (hash << UInt64(precision) | 1 << UInt64(precision - 1))
                .leadingZeroBitCount + 1)
        if registers[index] < rank { registers[index] = rank }
    }

    /// FNV-1a with murmur3's finaliser, whose high bits are good enough to pick registers by.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ (hash >> 33)
    }

    private static func estimate(_ registers: [UInt8]) -> Double {
        let q = 64 - precision
        var histogram = [Int](repeating: 0, count: q + 2)
        for register in registers { histogram[Int(register)] += 1 }
        let m = Double(registerCount)
        var z = m * tau(1 - Double(histogram[q + 1]) / m)
        for k in stride(from: q, to: 0, by: -1) { z = 0.5 * (z + Double(histogram[k])) }
        z += m * sigma(Double(histogram[0]) / m)
        return m * m / (2 * 0.693_147_180_559_945_3 * z)
    }

    private static func sigma(_ start: Double) -> Double {
        if start == 1 { return .infinity }
        var x = start
        var y = 1.0
        var z = start
        var previous: Double
        repeat {
            x *= x
            previous = z
            z += x * y
            y += y
        } while z != previous
        return z
    }

    private static func tau(_ start: Double) -> Double {
        if start == 0 || start == 1 { return 0 }
        var x = start
        var y = 1.0
        var z = 1 - start
        var previous: Double
        repeat {
            x = x.squareRoot()
            previous = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
        } while z != previous
        return z / 3
    }
}

extension DistinctCounter {
    /// Version and kind, then the hashes or the registers.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        switch state {
        case .exact(let hashes):
            writer.append(1)
            writer.append(varint: UInt64(hashes.count))
            for hash in hashes { writer.append(fixed: hash) }
        case .registers(let registers):
            writer.append(2)
            writer.bytes += registers
        }
        return writer.bytes
    }

    /// Nil when the bytes are not a counter.
    public init?(encoded bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        switch reader.byte() {
        case 1:
            guard let count = reader.varint(), count <= Self.exactMax else { return nil }
            for _ in 0..<count {
                guard let hash = reader.fixed() else { return nil }
                add(hash: hash)
            }
        case 2:
            guard let registers = reader.take(Self.registerCount),
                registers.allSatisfy({ $0 <= 64 - Self.precision + 1 })
            else { return nil }
            state = .registers([UInt8](registers))
        default: return nil
        }
        guard reader.isAtEnd else { return nil }
    }
}
