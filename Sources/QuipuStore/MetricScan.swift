import QuipuModel
import Sketches

/// Reads series' rollups into steps: those that are packed, from the tier that fits, and those that
/// are not, which no block has.
final class MetricScan {
    private let grid: StepGrid
    private let plan: TierPlan
    private let parts: RollupParts
    private let findOpen: RawStatement
    private let findBlocks: RawStatement
    private let packer = ColumnPacker()
    private(set) var tiers: Set<MetricTier> = []

    init(
        _ grid: StepGrid, _ floors: TierFloors, _ aggregates: [Aggregate], _ context: ReadContext
    ) throws {
        self.grid = grid
        plan = TierPlan(grid, floors: floors)
        parts = aggregates.reduce([]) { $0.union($1.parts) }
        findOpen = try context.prepare(
            """
            SELECT bucket, count, sum, min, max, last, last_time,
                \(parts.isSuperset(of: .sketch) ? "sketch" : "NULL"), members
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

    func steps(of group: MetricGroup) throws -> MetricSteps {
        var steps = MetricSteps(grid)
        for series in group.series { try read(series, group.key.type, into: &steps) }
        return steps
    }

    private func read(
        _ series: Int64, _ type: MetricType, into steps: inout MetricSteps
    ) throws {
        for part in plan.parts { try readBlocks(part, series, type, &steps) }
        findOpen.bind(1, series)
        findOpen.bind(2, grid.span.lowerBound)
        findOpen.bind(3, grid.span.upperBound)
        defer { findOpen.reset() }
        while try findOpen.step() {
            let index = grid.index(holding: findOpen.int(0))
            steps[index].add(StoredRollup.Pair(findOpen, from: 1), type)
            tiers.insert(.tenSeconds)
        }
    }

    private func readBlocks(
        _ part: TierPlan.Part, _ series: Int64, _ type: MetricType, _ steps: inout MetricSteps
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
                    data, start: findBlocks.int(0), width: tier.seconds, packer, parts)
            else { throw RollupBlockReader.damaged }
            let places = block.places(in: part.seconds)
            guard !places.isEmpty else { continue }
            tiers.insert(tier)
            if block.hasScalarsAlone {
                for place in places {
                    let index = grid.index(holding: block.bucket(place))
                    steps[index].add(block.scalars(place), type)
                }
            } else {
                while let point = try block.point() {
                    guard part.seconds.contains(point.bucket) else { continue }
                    steps[grid.index(holding: point.bucket)].add(point.pair, type)
                }
            }
        }
    }
}

extension Aggregate {
    /// What of rollups it is made of: most of a rollup is its sketch.
    fileprivate var parts: RollupParts {
        switch self {
        case .count, .sum, .avg, .rate, .increase: []
        case .min, .max: .extremes
        case .last: .last
        case .quantile: .sketch
        }
    }
}

/// The steps of one question, by their number. Holds only those that have something: of very many
/// series most have little.
struct MetricSteps {
    /// Where each step is in `touched`, or -1.
    private var places: [Int32]
    private var touched: [MetricStep] = []
    private var numbers: [Int] = []

    init(_ grid: StepGrid) { places = Array(repeating: -1, count: grid.count) }

    subscript(index: Int) -> MetricStep {
        get { places[index] < 0 ? MetricStep() : touched[Int(places[index])] }
        _modify {
            if places[index] < 0 {
                places[index] = Int32(touched.count)
                touched.append(MetricStep())
                numbers.append(index)
            }
            yield &touched[Int(places[index])]
        }
    }

    var isEmpty: Bool { touched.allSatisfy(\.isEmpty) }

    /// The numbers of those that have something.
    var occupied: [Int] {
        zip(numbers, touched).compactMap { number, step in step.isEmpty ? nil : number }
    }
}
