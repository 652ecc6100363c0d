import Foundation
import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct RollupBlockTests {
    enum Values: CaseIterable {
        case whole, decimal, bits, constant, huge, negative, weighted, empty, sets, mixed
    }

    private func sample(_ kind: Values, _ random: inout SeededGenerator) -> Double {
        switch kind {
        case .whole: Double(Int.random(in: 0...40, using: &random))
        case .decimal: Double(Int.random(in: -9_000...90_000, using: &random)) / 10
        case .bits: Double.random(in: -1...200, using: &random)
        case .constant: 42.5
        case .huge: Double.random(in: -1e250...1e250, using: &random)
        case .negative: -Double(Int.random(in: 0...1_000, using: &random))
        case .weighted, .empty, .sets: Double(Int.random(in: 0...3, using: &random))
        case .mixed: sample(random.pick(Values.allCases.dropLast()), &random)
        }
    }

    private func rollup(_ kind: Values, bucket: Int64, _ random: inout SeededGenerator) -> Rollup {
        var rollup = Rollup(sketch: random.chance(80) ? DDSketch() : nil)
        guard kind != .empty else { return rollup }
        for _ in 0..<random.pick([1, 1, 6, 60]) {
            rollup.add(
                sample(kind, &random),
                weight: kind == .weighted ? 1 / Double.random(in: 0.01...1, using: &random) : 1,
                atMicroseconds: bucket * 1_000_000
                    + Int64.random(in: 0..<60_000_000, using: &random))
        }
        // A gauge's changes: its sketch is no longer that of its values.
        if random.chance(10) { rollup.shift(by: sample(kind, &random)) }
        return rollup
    }

    private func points(
        _ kind: Values, start: Int64, _ random: inout SeededGenerator
    ) -> [RollupPoint] {
        (0..<1_440).filter { _ in random.chance(70) }.map { index in
            var pair = StoredRollup.Pair()
            let bucket = start + Int64(index) * 60
            pair.rollup = rollup(kind, bucket: bucket, &random)
            if kind == .sets || (kind == .mixed && random.chance(20)) {
                var members = DistinctCounter()
                for _ in 0..<random.pick([1, 5, 700]) {
                    withUnsafeBytes(of: random.next()) { members.add($0) }
                }
                pair.members = members
            }
            return RollupPoint(bucket: bucket, pair: pair)
        }
    }

    private func decode(
        _ bytes: [UInt8], start: Int64, _ parts: RollupParts = .all
    ) throws -> [RollupPoint]? {
        try bytes.withUnsafeBytes { bytes in
            guard
                var reader = RollupBlockReader(
                    bytes, start: start, width: 60, ColumnPacker(), parts)
            else { return nil }
            var points: [RollupPoint] = []
            while let point = try reader.point() { points.append(point) }
            return points
        }
    }

    @Test(arguments: Values.allCases) func whatIsWrittenReadsBack(_ kind: Values) throws {
        var random = SeededGenerator()
        let start: Int64 = random.pick([0, 1_699_920_000, -86_400])
        let points = points(kind, start: start, &random)
        let bytes = RollupBlock.encode(points, start: start, width: 60, ColumnPacker())
        let read = try #require(try decode(bytes, start: start))
        #expect(read.map(\.bucket) == points.map(\.bucket), "seed \(random.seed)")
        for (one, other) in zip(read, points) {
            // Bit for bit; the sketch by its bins.
            #expect(one.pair.rollup == other.pair.rollup, "seed \(random.seed)")
            #expect(one.pair.rollup.sum.bitPattern == other.pair.rollup.sum.bitPattern)
            #expect(one.pair.members == other.pair.members, "seed \(random.seed)")
        }
    }

    /// What is asked for is the same whatever else is; what is not is as in an empty rollup.
    @Test(arguments: Values.allCases) func onlyWhatIsAskedForIsRead(_ kind: Values) throws {
        var random = SeededGenerator()
        let points = points(kind, start: 0, &random)
        let bytes = RollupBlock.encode(points, start: 0, width: 60, ColumnPacker())
        for parts in [[], .extremes, .last, .numbers, .sketch, .all] as [RollupParts] {
            let expected = points.map { point in
                var rollup = point.pair.rollup
                let nothing = Rollup()
                if !parts.contains(.extremes) {
                    (rollup.min, rollup.max) = (nothing.min, nothing.max)
                }
                if !parts.contains(.last) {
                    rollup.last = nothing.last
                    rollup.lastMicroseconds = nothing.lastMicroseconds
                }
                if !parts.isSuperset(of: .sketch) { rollup.sketch = nil }
                return rollup
            }
            let read = try #require(try decode(bytes, start: 0, parts))
            #expect(read.map(\.pair.rollup) == expected, "seed \(random.seed), \(parts)")
            #expect(read.map(\.pair.members) == points.map(\.pair.members))
        }
    }

    /// Damaged blocks are noticed or misread, but never end the process.
    @Test func damagedBlocksAreSurvived() throws {
        var random = SeededGenerator()
        let points = points(.mixed, start: 0, &random)
        let whole = RollupBlock.encode(
            Array(points.prefix(60)), start: 0, width: 60, ColumnPacker())
        var refused = 0
        for _ in 0..<2_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            if random.chance(20) {
                bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
            }
            guard let read = (try? decode(bytes, start: 0)) ?? nil else {
                refused += 1
                continue
            }
            // Whatever else is wrong, readers rely on their order.
            let buckets = read.map(\.bucket)
            #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0 < $1 })
            #expect(buckets.allSatisfy { (0..<4_096 * 60).contains($0) })
        }
        #expect(refused > 0, "seed \(random.seed)")
        #expect(try decode([], start: 0) == nil)
    }

    /// 200 series with one sample each 10 s over 30 days are to take less than 30 MB with sketches
    /// and 12 MB without: 2.5 million rollups, at 12 and 4.8 bytes each.
    @Test func blocksAreSmall() throws {
        var random = SeededGenerator()
        func bytes(sketch: Bool, samples: Int, _ value: (inout SeededGenerator) -> Double) -> Double
        {
            let points = (0..<1_440).map { index in
                var pair = StoredRollup.Pair()
                pair.rollup = Rollup(sketch: sketch ? DDSketch() : nil)
                for sample in 0..<samples {
                    pair.rollup.add(
                        value(&random), weight: 1,
                        atMicroseconds: Int64(index * 60 + sample * 10) * 1_000_000)
                }
                return RollupPoint(bucket: Int64(index) * 60, pair: pair)
            }
            let packer = ColumnPacker()
            packer.isThorough = true
            return Double(RollupBlock.encode(points, start: 0, width: 60, packer).count) / 1_440
        }
        func latency(_ random: inout SeededGenerator) -> Double {
            let u = Double.random(in: 1e-12..<1, using: &random)
            let v = Double.random(in: 0..<1, using: &random)
            return (exp(3 + 0.5 * (-2 * log(u)).squareRoot() * cos(2 * .pi * v)) * 10).rounded()
                / 10
        }
        func hits(_ random: inout SeededGenerator) -> Double {
            Double(Int.random(in: 0...20, using: &random))
        }
        let sizes = [
            bytes(sketch: true, samples: 6, latency), bytes(sketch: false, samples: 6, hits),
            bytes(sketch: true, samples: 1, latency), bytes(sketch: false, samples: 1, hits),
            bytes(sketch: true, samples: 360, latency), bytes(sketch: false, samples: 360, hits),
        ]
        print("bytes per rollup: \(sizes)")
        #expect(sizes[0] < 12)
        #expect(sizes[1] < 4.8)
        #expect(sizes[2] < 3)
        #expect(sizes[3] < 2)
    }
}
