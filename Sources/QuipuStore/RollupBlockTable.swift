import GRDBSQLite
import QuipuModel
import Sketches

extension MetricTier {
    /// How long a block of this tier is, a multiple of the next tier's spans.
    var blockSeconds: Int64 {
        switch self {
        case .tenSeconds: 3_600
        case .minute: 86_400
        case .hour: 10 * 86_400
        case .day: 100 * 86_400
        }
    }

    /// The start of the block that `bucket` lies in.
    func blockStart(_ bucket: Int64) -> Int64 { bucket.aligned(to: blockSeconds) }
}

/// Blocks of rollups; the writer's side. Every tier has all that came to rest, for as long as the
/// tier is kept.
final class RollupBlockTable {
    private let packer = ColumnPacker()
    private let load: RawStatement
    private let replace: RawStatement

    init(_ connection: OpaquePointer) throws {
        load = try RawStatement(
            connection,
            "SELECT data FROM rollup_blocks WHERE series = ?1 AND tier = ?2 AND start = ?3")
        replace = try RawStatement(
            connection,
            """
            INSERT INTO rollup_blocks (series, tier, start, points, data)
            VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET points = excluded.points, data = excluded.data
            """)
    }

    private func points(series: Int64, _ tier: MetricTier, start: Int64) throws -> [RollupPoint] {
        bind(load, series, tier, start)
        defer { load.reset() }
        guard try load.step() else { return [] }
        guard let data = load.bytes(0),
            var block = RollupBlockReader(
                data, start: start, width: tier.seconds, packer, .all)
        else { throw RollupBlockReader.damaged }
        var points: [RollupPoint] = []
        points.reserveCapacity(block.count)
        while let point = try block.point() { points.append(point) }
        return points
    }

    /// Merges rollups, in order of time, into their blocks.
    func add(_ points: [RollupPoint], series: Int64, _ tier: MetricTier) throws {
        var block: [RollupPoint] = []
        for point in points {
            if let first = block.first,
                tier.blockStart(first.bucket) != tier.blockStart(point.bucket)
            {
                try merge(block, series: series, tier)
                block.removeAll(keepingCapacity: true)
            }
            block.append(point)
        }
        try merge(block, series: series, tier)
    }

    /// Of two with the same last moment, the added one came later.
    private func merge(_ added: [RollupPoint], series: Int64, _ tier: MetricTier) throws {
        guard let first = added.first else { return }
        let start = tier.blockStart(first.bucket)
        let stored = try points(series: series, tier, start: start)
        let merged = stored.isEmpty ? added : RollupPoint.merging(stored, added)
        let isFull = (merged.last?.bucket ?? start) + tier.seconds >= start + tier.blockSeconds
        packer.isThorough = isFull
        bind(replace, series, tier, start)
        replace.bind(4, Int64(merged.count))
        replace.bind(
            5,
            copying: RollupBlock.encode(merged, start: start, width: tier.seconds, packer))
        try replace.run()
    }

    private func bind(
        _ statement: RawStatement, _ series: Int64, _ tier: MetricTier, _ start: Int64
    ) {
        statement.bind(1, series)
        statement.bind(2, tier.seconds)
        statement.bind(3, start)
    }
}

extension RollupPoint {
    /// Two lists in order of time as one.
    static func merging(_ left: [RollupPoint], _ right: [RollupPoint]) -> [RollupPoint] {
        var merged: [RollupPoint] = []
        merged.reserveCapacity(left.count + right.count)
        var rest = left[...]
        for point in right {
            while let first = rest.first, first.bucket < point.bucket {
                merged.append(first)
                rest.removeFirst()
            }
            if var same = rest.first, same.bucket == point.bucket {
                same.pair.merge(point.pair)
                merged.append(same)
                rest.removeFirst()
            } else {
                merged.append(point)
            }
        }
        return merged + rest
    }

    /// Appends a rollup that is not earlier than the last one, to the wider span that holds it.
    static func append(_ point: RollupPoint, to points: inout [RollupPoint], width: Int64) {
        let bucket = point.bucket.aligned(to: width)
        if let last = points.indices.last, points[last].bucket == bucket {
            points[last].pair.merge(point.pair)
        } else {
            points.append(RollupPoint(bucket: bucket, pair: point.pair))
        }
    }
}
