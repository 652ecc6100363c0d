import QuipuModel
import Sketches

/// Durations of a group of events, as they come.
struct Durations {
    private var count = 0
    private var sum = 0.0
    private var min = Double.infinity
    private var max = -Double.infinity
    private var sketch = DDSketch()

    mutating func add(_ milliseconds: Double) {
        count += 1
        sum += milliseconds
        min = Swift.min(min, milliseconds)
        max = Swift.max(max, milliseconds)
        sketch.add(milliseconds)
    }

    /// Adds the durations of all events that a rollup counts.
    mutating func add(_ rollup: EventRollupRow) {
        guard let encoded = rollup.sketch else { return }
        count += rollup.timed
        sum += rollup.sumMs
        min = Swift.min(min, rollup.minMs)
        max = Swift.max(max, rollup.maxMs)
        sketch.merge(encoded: encoded)
    }

    /// Nil when no event had a duration. Quantiles never leave what was measured.
    var summary: DurationSummary? {
        guard count > 0 else { return nil }
        func quantile(_ q: Double) -> Double {
            Swift.max(min, Swift.min(max, sketch.quantile(q) ?? max))
        }
        return DurationSummary(
            min: min, avg: sum / Double(count), p50: quantile(0.5), p90: quantile(0.9),
            p99: quantile(0.99), max: max)
    }
}
