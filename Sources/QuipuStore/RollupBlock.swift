import QuipuModel
import Sketches

/// One series' rollup in one span of a tier.
struct RollupPoint {
    /// Start of the span, seconds since 1970.
    var bucket: Int64
    var pair: StoredRollup.Pair
}

/// Rollups of one series over some hours or days, as columns: each is mostly like its neighbours,
/// and a compressor sees that once the numbers of one kind stand together.
///
/// What reads back is bit for bit what was written. `docs/database.md` has the layout.
enum RollupBlock {
    static let version: UInt8 = 1
    /// In place of a number of digits: bits.
    static let noScale: UInt8 = 0xff

    /// What a point's sketch is.
    enum SketchKind: Int64 {
        case none = 0
        /// All of the weight is in the smallest value's bin.
        case single = 1
        case bins = 2
    }

    /// - Parameter points: in order of time, all in the block that begins at `start`.
    static func encode(
        _ points: [RollupPoint], start: Int64, width: Int64, _ packer: ColumnPacker
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(varint: UInt64(points.count))
        packer.pack(points.map { ($0.bucket &- start) / width }, into: &writer)
        packer.pack(weights: points.map(\.pair.rollup.count), into: &writer)
        encodeValues(points, packer, &writer)
        packer.pack(
            points.map { $0.pair.rollup.lastMicroseconds &- $0.bucket &* 1_000_000 }, into: &writer)
        append(section: encodeSketches(points, packer), to: &writer)
        append(section: encodeMembers(points, packer), to: &writer)
        return writer.bytes
    }

    private static func append(section: ByteWriter, to writer: inout ByteWriter) {
        writer.append(varint: UInt64(section.bytes.count))
        writer.bytes += section.bytes
    }

    // MARK: Values

    /// Smallest, largest, last and sum, each as what the ones before it leave open.
    private static func encodeValues(
        _ points: [RollupPoint], _ packer: ColumnPacker, _ writer: inout ByteWriter
    ) {
        let rollups = points.map(\.pair.rollup)
        let columns = [
            rollups.map(\.min), rollups.map(\.max), rollups.map(\.last), rollups.map(\.sum),
        ]
        var numbers: [[Int64]] = []
        var slacks: [[Int64]] = []
        let scale = DecimalScale.fitting(columns)
        for column in columns {
            if let scale {
                let parts = column.map { scale.split($0) ?? (multiple: 0, slack: 0) }
                numbers.append(parts.map(\.multiple))
                slacks.append(parts.map(\.slack))
            } else {
                numbers.append(column.map { Int64(bitPattern: $0.bitPattern) })
            }
        }
        writer.append(scale.map { UInt8($0.digits) } ?? noScale)
        for (index, rollup) in rollups.enumerated() {
            let (low, high) = (numbers[0][index], numbers[1][index])
            numbers[3][index] &-= expectedSum(
                low, high, count: rollup.count, isScaled: scale != nil)
            numbers[2][index] &-= low
            numbers[1][index] &-= low
        }
        for column in numbers + slacks { packer.pack(column, into: &writer) }
    }

    /// What a sum most likely is; exact where there is one sample.
    static func expectedSum(
        _ low: Int64, _ high: Int64, count: Double, isScaled: Bool
    ) -> Int64 {
        guard isScaled, let count = Int64(exactly: count) else { return low }
        return (count &* (low &+ high)) >> 1
    }

    // MARK: Sketches

    /// The bins' places as gaps between neighbours, the outermost as distances from those of the
    /// smallest and largest value, which are nearly always 0.
    private static func encodeSketches(
        _ points: [RollupPoint], _ packer: ColumnPacker
    ) -> ByteWriter {
        var kinds: [Int64] = []
        var zeros: [Double] = []
        var lengths: [[Int64]] = [[], []]
        var gaps: [Int64] = []
        var weights: [Double] = []
        for point in points {
            guard let sketch = point.pair.rollup.sketch else {
                kinds.append(SketchKind.none.rawValue)
                continue
            }
            if let single = singleBin(point.pair.rollup), single == sketch {
                kinds.append(SketchKind.single.rawValue)
                continue
            }
            kinds.append(SketchKind.bins.rawValue)
            zeros.append(sketch.zeroCount)
            let edges = SketchEdges(point.pair.rollup)
            let sides = [
                (sketch.positiveBins, edges.positive), (sketch.negativeBins, edges.negative),
            ]
            for (side, (bins, edge)) in sides.enumerated() {
                lengths[side].append(Int64(bins.count))
                var walk = BinWalk(count: bins.count, edges: edge)
                for bin in bins {
                    gaps.append(Int64(bin.index &- walk.expected))
                    walk.passed(bin.index)
                    weights.append(bin.weight)
                }
            }
        }
        var writer = ByteWriter()
        packer.pack(kinds, into: &writer)
        guard !zeros.isEmpty else { return writer }
        packer.pack(weights: zeros, into: &writer)
        for column in lengths { packer.pack(column, into: &writer) }
        packer.pack(gaps, into: &writer)
        packer.pack(weights: weights, into: &writer)
        return writer
    }

    /// The sketch of a rollup whose samples were all alike.
    static func singleBin(_ rollup: Rollup) -> DDSketch? {
        guard rollup.min.isFinite, rollup.min == rollup.max else { return nil }
        var sketch = DDSketch()
        sketch.add(rollup.min, weight: rollup.count)
        return sketch
    }

    // MARK: Members of sets

    private static func encodeMembers(
        _ points: [RollupPoint], _ packer: ColumnPacker
    ) -> ByteWriter {
        var writer = ByteWriter()
        let encoded = points.map { $0.pair.members?.encoded }
        guard encoded.contains(where: { $0 != nil }) else { return writer }
        packer.pack(encoded.map { Int64($0?.count ?? -1) }, into: &writer)
        packer.pack(bytes: encoded.flatMap { $0 ?? [] }, into: &writer)
        return writer
    }
}

/// The bins in which a rollup's smallest and largest value lie, nearest to zero first, where their
/// signs say that these are the outermost.
struct SketchEdges {
    typealias Edges = (near: Int?, far: Int?)

    let positive: Edges
    let negative: Edges

    init(_ rollup: Rollup) {
        func bin(_ magnitude: Double) -> Int? {
            magnitude > 0 && magnitude.isFinite ? DDSketch.binIndex(magnitude) : nil
        }
        positive = (bin(rollup.min), bin(rollup.max))
        negative = (bin(-rollup.max), bin(-rollup.min))
    }
}

/// Where the next of a sketch's bins is expected.
struct BinWalk {
    private let count: Int
    private let edges: SketchEdges.Edges
    private var done = 0
    private var last = 0

    init(count: Int, edges: SketchEdges.Edges) {
        self.count = count
        self.edges = edges
    }

    var expected: Int {
        if done == 0 { return edges.near ?? 0 }
        return done == count - 1 ? edges.far ?? (last &+ 1) : last &+ 1
    }

    mutating func passed(_ index: Int) {
        done += 1
        last = index
    }
}
