import QuipuModel
import Sketches

/// Reads series' rollups into steps: those that are packed, from the tier that fits, and those that
/// are not, which no block has.
final class MetricScan {
    typealias Steps = [Int64: MetricStep]

    private let grid: StepGrid
    private let plan: TierPlan
    private let withSketch: Bool
    private let findOpen: RawStatement
    private let findBlocks: RawStatement
    private let packer = ColumnPacker()
    private(set) var tiers: Set<MetricTier> = []

    init(_ grid: StepGrid, _ aggregates: [Aggregate], _ context: ReadContext) throws {
        self.grid = grid
        plan = TierPlan(grid, floors: try TierFloors(context.connection))
        // Sketches are the bulk of a rollup.
        withSketch = aggregates.contains { if case .quantile = $0 { true } else { false } }
        findOpen = try context.prepare(
            """
            SELECT bucket, count, sum, min, max, last, last_time,
                \(withSketch ? "sketch" : "NULL"), members
            FROM open_rollups WHERE series = ?1 AND bucket >= ?2 AND bucket < ?3
            """)
        findBlocks = try context.prepare(
            """
            SELECT start, data FROM rollup_blocks
            WHERE series = ?1 AND tier = ?2 AND start >= ?3 AND start < ?4
            """)
    }

    /// Forgets which tiers were read.
    func begin() { tiers = [] }

    func read(_ series: Int64, _ type: MetricType, into steps: inout Steps) throws {
        for part in plan.parts { try readBlocks(part, series, type, &steps) }
        findOpen.bind(1, series)
        findOpen.bind(2, grid.span.lowerBound)
        findOpen.bind(3, grid.span.upperBound)
        defer { findOpen.reset() }
        while try findOpen.step() {
            let start = grid.start(holding: findOpen.int(0))
            steps[start, default: MetricStep()].add(StoredRollup.Pair(findOpen, from: 1), type)
            tiers.insert(.tenSeconds)
        }
    }

    private func readBlocks(
        _ part: TierPlan.Part, _ series: Int64, _ type: MetricType, _ steps: inout Steps
    ) throws {
        let tier = part.tier
        findBlocks.bind(1, series)
        findBlocks.bind(2, tier.seconds)
        findBlocks.bind(3, tier.blockStart(part.seconds.lowerBound))
        findBlocks.bind(4, part.seconds.upperBound)
        defer { findBlocks.reset() }
        while try findBlocks.step() {
            guard let data = findBlocks.bytes(1),
                var block = RollupBlockReader(
                    data, start: findBlocks.int(0), width: tier.seconds, packer,
                    withSketches: withSketch)
            else { throw RollupBlockReader.damaged }
            // Neighbours mostly lie in one step.
            var open: (start: Int64, end: Int64, step: MetricStep)?
            while let point = try block.point() {
                guard part.seconds.contains(point.bucket) else { continue }
                if let done = open, point.bucket >= done.end {
                    steps[done.start] = done.step
                    open = nil
                }
                if open == nil {
                    let start = grid.start(holding: point.bucket)
                    open = (
                        start, start + grid.seconds(from: start), steps[start] ?? MetricStep()
                    )
                    steps[start] = nil
                }
                open?.step.add(point.pair, type)
            }
            if let open {
                steps[open.start] = open.step
                tiers.insert(tier)
            }
        }
    }
}
