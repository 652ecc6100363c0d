import Sketches
import Testing

@Suite struct RollupTests {
    @Test func keepsCountSumExtremesAndTheLatest() {
        var rollup = Rollup(sketch: DDSketch())
        rollup.add(5, weight: 2, atMicroseconds: 20)
        rollup.add(-1, weight: 1, atMicroseconds: 30)
        rollup.add(9, weight: 1, atMicroseconds: 10)
        #expect(rollup.count == 4)
        #expect(rollup.sum == 18)
        #expect(rollup.min == -1 && rollup.max == 9)
        #expect(rollup.last == -1)
        #expect(rollup.sketch?.count == 4)
    }

    @Test func mergeIsTheWhole() {
        var whole = Rollup(sketch: DDSketch())
        var parts = [Rollup(sketch: DDSketch()), Rollup(sketch: DDSketch())]
        for value in 0..<100 {
            whole.add(Double(value), weight: 1, atMicroseconds: Int64(value))
            parts[value % 2].add(Double(value), weight: 1, atMicroseconds: Int64(value))
        }
        var merged = Rollup(sketch: DDSketch())
        merged.merge(Rollup())
        for part in parts.reversed() { merged.merge(part) }
        #expect(merged == whole)
    }

    @Test func shiftMovesValuesAndKeepsTheCount() {
        var rollup = Rollup(sketch: DDSketch())
        rollup.add(2, weight: 1, atMicroseconds: 1)
        rollup.add(4, weight: 1, atMicroseconds: 2)
        rollup.shift(by: 10)
        #expect(rollup.count == 2 && rollup.sum == 26)
        #expect(rollup.min == 12 && rollup.max == 14 && rollup.last == 14)
    }
}
