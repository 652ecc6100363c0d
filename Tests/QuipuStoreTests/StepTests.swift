import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct StepTests {
    /// Goal: nothing is read twice and nothing is left out. Method: random spans, steps and floors;
    /// every 10 s are looked up in the plan.
    @Test(arguments: 0..<40)
    func everySpanIsReadOnce(_ round: Int) throws {
        var random = SeededGenerator()
        let base: Int64 = 1_700_000_000
        let length = random.pick([3_600, 86_400, 40 * 86_400] as [Int64])
        let since = (base + Int64.random(in: 0...864_000, using: &random)).aligned(to: 10)
        let span = since..<(since + Int64.random(in: 1...length, using: &random))
        let step: Int64 = random.pick([10, 30, 60, 300, 3_600, 7_200, 86_400, 864_000, 90])
        let zone: String? = random.pick([nil, "Europe/Berlin", "Asia/Kolkata", "UTC"])
        var floors = TierFloors()
        var floor = base + Int64.random(in: 0...length, using: &random)
        for tier in MetricTier.allCases where random.chance(60) {
            floors[tier] = tier.blockStart(floor)
            floor -= Int64.random(in: 0...length, using: &random)
        }
        let grid = try StepGrid(span, stepSeconds: step, zone: zone, floors: floors)
        let plan = TierPlan(grid, floors: floors)
        let oldest = MetricTier.allCases.map { floors[$0] }.min() ?? .min
        #expect(grid.span.lowerBound <= span.lowerBound && grid.span.upperBound >= span.upperBound)
        for second in stride(from: grid.span.lowerBound, to: grid.span.upperBound, by: 10) {
            let readers = plan.parts.filter { part in
                let bucket = second.aligned(to: part.tier.seconds)
                return part.seconds.contains(bucket) && bucket >= floors[part.tier]
            }
            #expect(readers.count == (second >= oldest ? 1 : 0), "seed \(random.seed)")
            guard let tier = readers.first?.tier else { continue }
            // All of it lies in the step.
            let bucket = second.aligned(to: tier.seconds)
            #expect(
                grid.index(holding: bucket) == grid.index(holding: bucket + tier.seconds - 1),
                "seed \(random.seed)")
        }
        for index in 0..<grid.count {
            #expect(grid.index(holding: grid.start(index)) == index, "seed \(random.seed)")
            let read = grid.read(index)
            let start = index == 0 ? grid.span.lowerBound : grid.start(index)
            let end = index + 1 == grid.count ? grid.span.upperBound : grid.start(index + 1)
            #expect(read == start..<end, "seed \(random.seed)")
            #expect(!read.isEmpty && grid.start(index) <= start, "seed \(random.seed)")
        }
    }

    private func starts(_ grid: StepGrid) -> [Int64] { (0..<grid.count).map { grid.start($0) } }

    @Test func wideSpansAreReadWhereTheyFit() throws {
        let day: Int64 = 86_400
        let start = 19_676 * day
        func tiers(_ span: Range<Int64>, _ step: Int64, _ zone: String? = nil) throws
            -> [MetricTier]
        {
            TierPlan(try StepGrid(span, stepSeconds: step, zone: zone), floors: TierFloors())
                .parts.map(\.tier)
        }
        #expect(try tiers(start..<start + 30 * day, day) == [.day])
        #expect(try tiers(start + 3_600..<start + 2 * day, day) == [.hour, .day])
        #expect(
            try tiers(start + 70..<start + 2 * day, day) == [.tenSeconds, .minute, .hour, .day])
        #expect(try tiers(start..<start + day, 300) == [.minute])
        #expect(try tiers(start..<start + 2 * day, day, "Europe/Berlin") == [.hour])
        #expect(try tiers(start..<start + 2 * day, day, "Asia/Kolkata") == [.minute])
    }

    /// Days with 23, 24 and 25 hours, a day that begins at one o'clock, and one that never was.
    @Test(
        arguments: [
            ("Europe/Berlin", 1_774_652_400, [24, 23, 24]),  // 2026-03-28
            ("Europe/Berlin", 1_792_792_800, [24, 25, 24]),  // 2026-10-24
            ("America/Sao_Paulo", 1_541_214_000, [24, 23, 24]),  // 2018-11-03
            ("Pacific/Apia", 1_325_152_800, [24, 24, 24]),  // 2011-12-29, then the 31st
            ("Asia/Kolkata", 1_790_274_600, [24, 24, 24]),
        ] as [(String, Int64, [Int64])])
    func daysBeginAtMidnight(_ zone: String, _ first: Int64, _ hours: [Int64]) throws {
        let span = first..<first + hours.reduce(0, +) * 3_600
        let grid = try StepGrid(span, stepSeconds: 86_400, zone: zone)
        var expected = [first]
        for length in hours.dropLast() { expected.append((expected.last ?? 0) + length * 3_600) }
        #expect(starts(grid) == expected)
        #expect((0..<grid.count).map { grid.read($0).count } == hours.map { Int($0) * 3_600 })
    }

    @Test func zonesAreNamed() throws {
        #expect(throws: StoreError.self) {
            try StepGrid(0..<86_400, stepSeconds: 86_400, zone: "Middle/Earth")
        }
        // Within a day a zone changes nothing.
        let grid = try StepGrid(0..<7_200, stepSeconds: 3_600, zone: "Asia/Kolkata")
        #expect(starts(grid) == [0, 3_600])
        #expect(throws: StoreError.self) {
            try StepGrid(
                -9_000_000_000_000..<(-8_999_999_900_000), stepSeconds: 86_400, zone: "UTC")
        }
    }
}
