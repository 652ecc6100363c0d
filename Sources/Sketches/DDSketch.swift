/// Quantiles with a relative error of at most 1 %, mergeable without loss.
///
/// Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
/// Guarantees", VLDB 2019. Values fall into bins whose bounds grow by a factor of at most γ =
/// 1.01/0.99. The logarithm is approximated by a cubic in the significand (exact at powers of two,
/// never too flat), so that no bin is wider than γ and no call leaves the standard library.
public struct DDSketch: Sendable, Equatable {
    public static let relativeError = 0.01
    /// Bins kept for each sign; beyond, the bins nearest to zero are collapsed, as in the paper.
    public static let binsMax = 2_048

    /// Weight of the samples equal to zero.
    public private(set) var zeroCount: Double = 0
    private var positive = Bins()
    private var negative = Bins()

    public init() {}

    /// Weight of all samples.
    public var count: Double { zeroCount + positive.count + negative.count }
    public var isEmpty: Bool { count == 0 }

    /// Adds one finite value.
    public mutating func add(_ value: Double, weight: Double = 1) {
        if value > 0 {
            positive.add(index: LogMapping.index(value), weight: weight)
        } else if value < 0 {
            negative.add(index: LogMapping.index(-value), weight: weight)
        } else {
            zeroCount += weight
        }
    }

    /// Takes one value back that was added before, with weight 1. False when it is not there (its
    /// bin was collapsed): then nothing has changed.
    public mutating func remove(_ value: Double) -> Bool {
        if value > 0 { return positive.remove(index: LogMapping.index(value)) }
        if value < 0 { return negative.remove(index: LogMapping.index(-value)) }
        guard zeroCount >= 1 else { return false }
        zeroCount -= 1
        return true
    }

    public mutating func merge(_ other: DDSketch) {
        zeroCount += other.zeroCount
        positive.merge(other.positive)
        negative.merge(other.negative)
    }

    /// The value at quantile `q` (0…1) within `relativeError`; nil when empty.
    public func quantile(_ q: Double) -> Double? {
        guard !isEmpty else { return nil }
        let (positive, negative) = (positive.settled, negative.settled)
        let rank = Swift.max(0, Swift.min(1, q)) * Swift.max(0, count - 1)
        var below = 0.0
        for (index, weight) in negative.weights.indices.reversed().lazy.map({
            (negative.offset + $0, negative.weights[$0])
        }) where weight > 0 {
            below += weight
            if below > rank { return -LogMapping.value(index) }
        }
        below += zeroCount
        if zeroCount > 0, below > rank { return 0 }
        var highest: Int?
        for (position, weight) in positive.weights.enumerated() where weight > 0 {
            below += weight
            highest = positive.offset + position
            if below > rank { return LogMapping.value(positive.offset + position) }
        }
        // Rounding of weights can leave the last rank just above the sum.
        if let highest { return LogMapping.value(highest) }
        return zeroCount > 0
            ? 0 : negative.weights.isEmpty ? nil : -LogMapping.value(negative.offset)
    }

    /// Every sample moved by `offset`; each keeps the error of its bin, so use it once, not in a
    /// chain.
    public func shifted(by offset: Double) -> DDSketch {
        guard offset != 0 else { return self }
        var result = DDSketch()
        let (positive, negative) = (positive.settled, negative.settled)
        if zeroCount > 0 { result.add(offset, weight: zeroCount) }
        for (position, weight) in positive.weights.enumerated() where weight > 0 {
            result.add(LogMapping.value(positive.offset + position) + offset, weight: weight)
        }
        for (position, weight) in negative.weights.enumerated() where weight > 0 {
            result.add(offset - LogMapping.value(negative.offset + position), weight: weight)
        }
        return result
    }
}

// MARK: - Bins

extension DDSketch {
    /// A bin that holds something. The index says how far from zero the bin is.
    public struct Bin: Equatable, Sendable {
        public var index: Int
        public var weight: Double

        public init(index: Int, weight: Double) {
            self.index = index
            self.weight = weight
        }
    }

    /// The bin of values as far from zero as `magnitude`, which is above 0 and finite.
    public static func binIndex(_ magnitude: Double) -> Int { LogMapping.index(magnitude) }

    /// Nearest to zero first.
    public var positiveBins: [Bin] { positive.settled.list }
    public var negativeBins: [Bin] { negative.settled.list }

    /// Adds samples that are known by their bins only, nearest to zero first. False when there is
    /// no such bin or weight.
    public mutating func add(zeros: Double, positive: [Bin], negative: [Bin]) -> Bool {
        for bin in positive + negative {
            guard LogMapping.indices.contains(bin.index), bin.weight.isFinite, bin.weight >= 0
            else { return false }
        }
        guard zeros.isFinite, zeros >= 0 else { return false }
        zeroCount += zeros
        for bin in positive { self.positive.add(index: bin.index, weight: bin.weight) }
        for bin in negative { self.negative.add(index: bin.index, weight: bin.weight) }
        return true
    }
}

// MARK: - Bytes

extension DDSketch {
    /// Compact bytes: version, zero count, then for each sign the bins that hold something, as
    /// varint gap and weight (a varint when whole, marked and 8 bytes when not).
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(1)
        writer.append(weight: zeroCount)
        for bins in [positive.settled, negative.settled] {
            writer.append(varint: UInt64(bins.weights.lazy.filter { $0 > 0 }.count))
            var previous = 0
            for (position, weight) in bins.weights.enumerated() where weight > 0 {
                writer.append(signed: bins.offset + position - previous)
                writer.append(weight: weight)
                previous = bins.offset + position
            }
        }
        return writer.bytes
    }

    /// Merges a sketch without making it first. False when the bytes are not a sketch.
    @discardableResult
    public mutating func merge(encoded bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = ByteReader(bytes)
        guard reader.byte() == 1, let zero = reader.weight() else { return false }
        zeroCount += zero
        return positive.add(&reader) && negative.add(&reader) && reader.isAtEnd
    }

    /// Nil when the bytes are not a sketch.
    public init?(encoded bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard reader.byte() == 1, let zero = reader.weight() else { return nil }
        zeroCount = zero
        guard let positive = Bins(&reader), let negative = Bins(&reader), reader.isAtEnd else {
            return nil
        }
        self.positive = positive
        self.negative = negative
    }
}
