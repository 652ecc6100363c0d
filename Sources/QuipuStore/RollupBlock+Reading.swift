import QuipuModel
import Sketches

/// A rollup's numbers.
struct RollupScalars {
    var count: Double
    var sum: Double
    var min = Double.infinity
    var max = -Double.infinity
    var last = 0.0
    var lastMicroseconds = Int64.min
}

extension Rollup {
    init(_ scalars: RollupScalars) {
        self.init()
        merge(scalars)
    }

    mutating func merge(_ scalars: RollupScalars) {
        count += scalars.count
        sum += scalars.sum
        if scalars.min < min { min = scalars.min }
        if scalars.max > max { max = scalars.max }
        if scalars.lastMicroseconds >= lastMicroseconds {
            last = scalars.last
            lastMicroseconds = scalars.lastMicroseconds
        }
    }
}

/// What is read of rollups besides counts, sums and members. The rest is as if there were nothing.
struct RollupParts: OptionSet {
    let rawValue: UInt8

    /// The smallest and the largest value.
    static let extremes = RollupParts(rawValue: 1)
    /// The last value and its time.
    static let last = RollupParts(rawValue: 2)
    static let numbers: RollupParts = [.extremes, .last]
    /// Sketches begin at the smallest value and end at the largest.
    static let sketch: RollupParts = [.extremes, RollupParts(rawValue: 4)]
    static let all: RollupParts = [.numbers, .sketch]
}

/// Walks the rollups of one block, in order of time.
struct RollupBlockReader {
    /// No block has more; each tier's blocks are far below.
    private static let pointsMax = 4_096

    let count: Int
    private let width: Int64
    private let buckets: [Int64]
    private let counts: [Double]
    private let parts: RollupParts
    private let scale: DecimalScale?
    /// Smallest, largest, last, sum, as encoded, and what they are off by; empty if not asked for.
    private let numbers: [[Int64]]
    private let slacks: [[Int64]]
    private let lastTimes: [Int64]
    private var sketches: SketchColumns?
    private var members: MemberColumns?
    private var next = 0

    /// Nil when the bytes are not a block.
    init?(
        _ bytes: UnsafeRawBufferPointer, start: Int64, width: Int64, _ packer: ColumnPacker,
        _ parts: RollupParts
    ) {
        var reader = ByteReader(bytes)
        guard reader.byte() == RollupBlock.version, let size = reader.varint(),
            size <= UInt64(Self.pointsMax)
        else { return nil }
        let count = Int(size)
        guard let places = packer.unpack(count, from: &reader),
            let counts = packer.unpackWeights(count, from: &reader), let digits = reader.byte(),
            digits == RollupBlock.noScale || digits <= UInt8(DecimalScale.digitsMax)
        else { return nil }
        // Readers find their way by the order of the points.
        guard places.allSatisfy({ (0..<Int64(Self.pointsMax)).contains($0) }),
            zip(places, places.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.count = count
        self.width = width
        self.parts = parts
        self.counts = counts
        buckets = places.map { start &+ $0 &* width }
        scale = digits == RollupBlock.noScale ? nil : DecimalScale(digits: Int(digits))
        func column(if isAsked: Bool) -> [Int64]? {
            if isAsked { return packer.unpack(count, from: &reader) }
            return packer.skip(count, from: &reader) ? [] : nil
        }
        let (hasExtremes, hasLast) = (parts.contains(.extremes), parts.contains(.last))
        // Sums are told from the extremes.
        let areAsked = [true, true, hasLast, true, hasExtremes, hasExtremes, hasLast, true]
        var columns: [[Int64]] = []
        for isAsked in areAsked.prefix(scale == nil ? 4 : 8) {
            guard let column = column(if: isAsked) else { return nil }
            columns.append(column)
        }
        numbers = Array(columns[..<4])
        slacks = Array(columns[4...])
        guard let lastTimes = column(if: hasLast),
            let sketchSize = reader.varint(), sketchSize <= UInt64(bytes.count),
            let sketchBytes = reader.take(Int(sketchSize)),
            let memberSize = reader.varint(), memberSize <= UInt64(bytes.count),
            let memberBytes = reader.take(Int(memberSize)), reader.isAtEnd
        else { return nil }
        self.lastTimes = lastTimes
        if parts.isSuperset(of: .sketch) {
            guard let columns = SketchColumns(sketchBytes, count, packer) else { return nil }
            sketches = columns
        }
        if !memberBytes.isEmpty {
            guard let columns = MemberColumns(memberBytes, count, packer) else { return nil }
            members = columns
        }
    }

    /// There is nothing to a point but its numbers.
    var hasScalarsAlone: Bool { sketches == nil && members == nil }

    func bucket(_ place: Int) -> Int64 { buckets[place] }

    /// The places of those whose bucket is in `seconds`.
    func places(in seconds: Range<Int64>) -> Range<Int> {
        let low = buckets.firstIndex { $0 >= seconds.lowerBound } ?? count
        let high = buckets.lastIndex { $0 < seconds.upperBound }.map { $0 + 1 } ?? 0
        return low..<max(low, high)
    }

    func scalars(_ index: Int) -> RollupScalars {
        let low = numbers[0][index]
        let high = numbers[1][index] &+ low
        let sum =
            numbers[3][index]
            &+ RollupBlock.expectedSum(low, high, count: counts[index], isScaled: scale != nil)
        var scalars = RollupScalars(count: counts[index], sum: value(3, sum, index))
        if parts.contains(.extremes) {
            scalars.min = value(0, low, index)
            scalars.max = value(1, high, index)
        }
        if parts.contains(.last) {
            scalars.last = value(2, numbers[2][index] &+ low, index)
            scalars.lastMicroseconds = lastTimes[index] &+ buckets[index] &* 1_000_000
        }
        return scalars
    }

    /// The next rollup; nil after the last. Throws where a sketch is damaged.
    mutating func point() throws -> RollupPoint? {
        guard next < count else { return nil }
        let index = next
        next += 1
        var pair = StoredRollup.Pair()
        pair.rollup = Rollup(scalars(index))
        pair.rollup.sketch = try sketches?.next(pair.rollup)
        pair.members = try members?.next()
        return RollupPoint(bucket: buckets[index], pair: pair)
    }

    private func value(_ column: Int, _ number: Int64, _ index: Int) -> Double {
        guard let scale else { return Double(bitPattern: UInt64(bitPattern: number)) }
        return scale.join(number, slacks[column][index])
    }

    static let damaged = SQLiteFailure(code: 11, message: "a block of rollups is damaged")
}

/// The sketches of a block, one after the other.
private struct SketchColumns {
    private let kinds: [Int64]
    private var zeros: [Double] = []
    private var lengths: [[Int64]] = [[], []]
    private var gaps: [Int64] = []
    private var weights: [Double] = []
    private var done = 0
    private var listed = 0
    private var bin = 0

    init?(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ packer: ColumnPacker) {
        var reader = ByteReader(bytes)
        guard let kinds = packer.unpack(count, from: &reader) else { return nil }
        self.kinds = kinds
        let listedCount = kinds.count { $0 == RollupBlock.SketchKind.bins.rawValue }
        guard listedCount > 0 else {
            guard reader.isAtEnd else { return nil }
            return
        }
        guard let zeros = packer.unpackWeights(listedCount, from: &reader),
            let positive = packer.unpack(listedCount, from: &reader),
            let negative = packer.unpack(listedCount, from: &reader)
        else { return nil }
        self.zeros = zeros
        lengths = [positive, negative]
        var total = 0
        for length in positive + negative {
            guard (0...Int64(DDSketch.binsMax)).contains(length) else { return nil }
            total += Int(length)
        }
        guard let gaps = packer.unpack(total, from: &reader),
            let weights = packer.unpackWeights(total, from: &reader), reader.isAtEnd
        else { return nil }
        self.gaps = gaps
        self.weights = weights
    }

    mutating func next(_ rollup: Rollup) throws -> DDSketch? {
        defer { done += 1 }
        switch RollupBlock.SketchKind(rawValue: kinds[done]) {
        case .some(.none): return nil
        case .single:
            guard let sketch = RollupBlock.singleBin(rollup) else {
                throw RollupBlockReader.damaged
            }
            return sketch
        case .bins:
            let edges = SketchEdges(rollup)
            let positive = bins(Int(lengths[0][listed]), edges.positive)
            let negative = bins(Int(lengths[1][listed]), edges.negative)
            var sketch = DDSketch()
            guard sketch.add(zeros: zeros[listed], positive: positive, negative: negative) else {
                throw RollupBlockReader.damaged
            }
            listed += 1
            return sketch
        case nil: throw RollupBlockReader.damaged
        }
    }

    private mutating func bins(_ count: Int, _ edges: SketchEdges.Edges) -> [DDSketch.Bin] {
        var walk = BinWalk(count: count, edges: edges)
        return (0..<count).map { _ in
            defer { bin += 1 }
            let index = walk.expected &+ Int(gaps[bin])
            walk.passed(index)
            return DDSketch.Bin(index: index, weight: weights[bin])
        }
    }
}

/// The members of a block's sets, one after the other.
private struct MemberColumns {
    private let lengths: [Int64]
    private let bytes: [UInt8]
    private var done = 0
    private var offset = 0

    init?(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ packer: ColumnPacker) {
        /// More than a counter ever takes.
        let lengthMax: Int64 = 16 << 10
        var reader = ByteReader(bytes)
        guard let lengths = packer.unpack(count, from: &reader),
            lengths.allSatisfy({ (-1...lengthMax).contains($0) }),
            let all = packer.unpackBytes(
                Int(lengths.reduce(0) { $0 + max(0, $1) }), from: &reader), reader.isAtEnd
        else { return nil }
        self.lengths = lengths
        self.bytes = all
    }

    mutating func next() throws -> DistinctCounter? {
        let length = Int(lengths[done])
        done += 1
        guard length >= 0 else { return nil }
        let range = offset..<offset + length
        offset += length
        guard
            let counter = bytes.withUnsafeBytes({
                DistinctCounter(encoded: UnsafeRawBufferPointer(rebasing: $0[range]))
            })
        else { throw RollupBlockReader.damaged }
        return counter
    }
}
