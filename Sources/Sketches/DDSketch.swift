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

/// A run of bins: `weights[i]` is the weight of bin `offset + i`.
private struct Bins: Sendable, Equatable {
    var offset = 0
    var weights: [Double] = []
    var count: Double = 0

    static func == (left: Bins, right: Bins) -> Bool {
        left.trimmed.offset == right.trimmed.offset && left.trimmed.weights == right.trimmed.weights
    }

    private var trimmed: (offset: Int, weights: ArraySlice<Double>) {
        guard let first = weights.firstIndex(where: { $0 > 0 }),
            let last = weights.lastIndex(where: { $0 > 0 })
        else { return (0, []) }
        return (offset + first, weights[first...last])
    }

    mutating func add(index: Int, weight: Double) {
        guard weight > 0 else { return }
        count += weight
        weights[position(of: index)] += weight
    }

    mutating func remove(index: Int) -> Bool {
        guard weights.indices.contains(index - offset), weights[index - offset] >= 1 else {
            return false
        }
        weights[index - offset] -= 1
        count -= 1
        return true
    }

    mutating func merge(_ other: Bins) {
        guard !other.weights.isEmpty else { return }
        count += other.count
        // The highest first, so that what has to be collapsed is collapsed at once.
        _ = position(of: other.offset + other.weights.count - 1)
        for (i, weight) in other.weights.enumerated() where weight > 0 {
            weights[position(of: other.offset + i)] += weight
        }
    }

    /// Where bin `index` is, growing or collapsing the run as needed.
    private mutating func position(of index: Int) -> Int {
        if weights.isEmpty {
            offset = index
            weights = [0]
            return 0
        }
        if index < offset {
            let highest = offset + weights.count - 1
            let lowest = Swift.max(index, highest - DDSketch.binsMax + 1)
            if lowest < offset {
                weights.insert(contentsOf: repeatElement(0, count: offset - lowest), at: 0)
                offset = lowest
            }
            return Swift.max(index, offset) - offset
        }
        if index >= offset + weights.count {
            let lowest = index - DDSketch.binsMax + 1
            if lowest > offset { collapse(below: lowest) }
            weights.append(
                contentsOf: repeatElement(0, count: index - (offset + weights.count) + 1))
        }
        return index - offset
    }

    private mutating func collapse(below lowest: Int) {
        let dropped = Swift.min(lowest - offset, weights.count)
        let moved = weights[..<dropped].reduce(0, +)
        weights.removeFirst(dropped)
        offset = lowest
        if weights.isEmpty { weights = [0] }
        weights[0] += moved
    }
}

/// Values to bin numbers and back.
enum LogMapping {
    private static let a = 6.0 / 35, b = -3.0 / 5, c = 10.0 / 7
    /// Bins per power of two: 7 / (10 · ln γ). 10/7 is the least slope of the cubic against ln.
    private static let binsPerOctave = 7 / (10 * 0.020_000_666_706_669_435)

    /// The bins that a finite double can fall into.
    static let indices =
        index(.leastNonzeroMagnitude)...index(.greatestFiniteMagnitude)

    /// `value` > 0 and finite.
    @inline(__always)
    static func index(_ value: Double) -> Int {
        var exponent = Int((value.bitPattern >> 52) & 0x7ff) - 1_023
        var fraction =
            Double(bitPattern: (value.bitPattern & 0xf_ffff_ffff_ffff) | 0x3ff0 << 48) - 1
        if exponent == -1_023 {  // subnormal
            exponent = value.exponent
            fraction = value.significand - 1
        }
        let log = Double(exponent) + ((a * fraction + b) * fraction + c) * fraction
        let position = log * binsPerOctave
        // Rounding down by conversion: `rounded(.down)` is a call where the processor is not known
        // to have it.
        let truncated = Int(position)
        return position < Double(truncated) ? truncated - 1 : truncated
    }

    /// The value whose relative distance to both bounds of the bin is the same.
    static func value(_ index: Int) -> Double {
        let lower = bound(Double(index) / binsPerOctave)
        let upper = bound(Double(index + 1) / binsPerOctave)
        guard upper.isFinite else { return lower }
        return lower + (upper - lower) * (lower / (lower + upper))
    }

    /// The inverse of the mapping: Newton's method on a monotone cubic.
    private static func bound(_ log: Double) -> Double {
        let exponent = log.rounded(.down)
        let target = log - exponent
        var x = target
        for _ in 0..<6 {
            let error = ((a * x + b) * x + c) * x - target
            x -= error / ((3 * a * x + 2 * b) * x + c)
        }
        return Double(sign: .plus, exponent: Int(exponent), significand: 1 + x)
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
    public var positiveBins: [Bin] { positive.list }
    public var negativeBins: [Bin] { negative.list }

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

extension Bins {
    fileprivate var list: [DDSketch.Bin] {
        weights.enumerated().compactMap { position, weight in
            weight > 0 ? DDSketch.Bin(index: offset + position, weight: weight) : nil
        }
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
        for bins in [positive, negative] {
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

extension Bins {
    fileprivate init?(_ reader: inout ByteReader) {
        self.init()
        guard add(&reader) else { return nil }
    }

    /// Adds bins as they are encoded. False when the bytes are not bins.
    fileprivate mutating func add(_ reader: inout ByteReader) -> Bool {
        guard let count = reader.varint(), count <= DDSketch.binsMax else { return false }
        var index = 0
        for _ in 0..<count {
            guard let gap = reader.signed(), let weight = reader.weight() else { return false }
            let (next, overflow) = index.addingReportingOverflow(gap)
            guard !overflow, LogMapping.indices.contains(next) else { return false }
            index = next
            add(index: index, weight: weight)
        }
        return true
    }
}
