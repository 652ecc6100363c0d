import QuipuModel
import Sketches

/// Moves rollups of 10 s that have come to rest into the blocks of all tiers.
///
/// Each tier holds everything, so that a question reads the widest that fits it, and a tier's
/// oldest blocks can go when they are old enough. Late samples take the same way as all others.
final class RollupPacker {
    /// Samples are still expected for so long.
    private static let restSeconds: Int64 = 300
    /// A block is written anew each time something is added: half hours at once.
    private static let roundSeconds: Int64 = 1_800

    /// What came too late for tiers that would have had it: wider ones have it, or none.
    private(set) var merged = 0
    private(set) var dropped = 0
    private let blocks: RollupBlockTable
    private let floors: TierFloors
    private let find: RawStatement
    private let delete: RawStatement

    init(_ connection: OpaquePointer) throws {
        blocks = try RollupBlockTable(connection)
        floors = try TierFloors(connection)
        find = try RawStatement(
            connection,
            """
            SELECT bucket, \(OpenRollupTable.columns) FROM open_rollups
            WHERE series = ?1 AND bucket < ?2 ORDER BY bucket LIMIT ?3
            """)
        delete = try RawStatement(
            connection, "DELETE FROM open_rollups WHERE series = ?1 AND bucket <= ?2")
    }

    /// Rollups before are at rest.
    static func cutoff(at now: Timestamp) -> Int64 {
        (now.bucket(seconds: 1) - restSeconds).aligned(to: roundSeconds)
    }

    /// How many rollups left the open table, `rows` at most.
    func pack(_ series: Int64, before cutoff: Int64, rows: Int) throws -> Int {
        find.bind(1, series)
        find.bind(2, cutoff)
        find.bind(3, Int64(rows))
        var points: [RollupPoint] = []
        while try find.step() {
            points.append(
                RollupPoint(bucket: find.int(0), pair: StoredRollup.Pair(find, from: 1)))
        }
        find.reset()
        guard let last = points.last else { return 0 }
        for tier in MetricTier.allCases {
            try add(points, series: series, to: tier)
            let late = lateSpans(points, tier)
            if tier == MetricTier.allCases.last { dropped += late } else { merged += late }
        }
        delete.bind(1, series)
        delete.bind(2, last.bucket)
        try delete.run()
        return points.count
    }

    /// How many spans of the tier have samples and are too old for it, as retention counts those
    /// that it takes from there.
    private func lateSpans(_ points: [RollupPoint], _ tier: MetricTier) -> Int {
        var count = 0
        var last: Int64?
        for point in points where !floors.keeps(point.bucket, in: tier) {
            let span = point.bucket.aligned(to: tier.seconds)
            if span != last { count += 1 }
            last = span
        }
        return count
    }

    /// What is too old for the tier is in the wider ones alone.
    func add(_ points: [RollupPoint], series: Int64, to tier: MetricTier) throws {
        var widened: [RollupPoint] = []
        widened.reserveCapacity(points.count)
        for point in points where floors.keeps(point.bucket, in: tier) {
            RollupPoint.append(point, to: &widened, width: tier.seconds)
        }
        try blocks.add(widened, series: series, tier)
    }
}
