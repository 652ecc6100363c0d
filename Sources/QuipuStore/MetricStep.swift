import QuipuModel
import Sketches

/// What the rollups of one step add up to.
struct MetricStep {
    private var rollup = Rollup()
    private var members: DistinctCounter?
    /// The part of `rate` that counters give: their sums.
    private var counted = 0.0
    /// The part that all others give: their counts.
    private var sampled = 0.0

    mutating func add(_ pair: StoredRollup.Pair, _ type: MetricType) {
        if type == .set {
            guard let more = pair.members else { return }
            if members == nil { members = more } else { members?.merge(more) }
            return
        }
        if type == .counter { counted += pair.rollup.sum } else { sampled += pair.rollup.count }
        rollup.merge(pair.rollup)
    }

    /// Those of sets have members.
    mutating func add(_ scalars: RollupScalars, _ type: MetricType) {
        guard type != .set, scalars.count != 0 else { return }
        if type == .counter { counted += scalars.sum } else { sampled += scalars.count }
        rollup.merge(scalars)
    }

    var isEmpty: Bool { rollup.isEmpty && members == nil }

    /// Nil where the aggregate has no meaning for what is here.
    func value(_ aggregate: Aggregate, seconds: Int64) -> Double? {
        let distinct = members?.estimate ?? 0
        switch aggregate {
        case .count: return rollup.count + distinct
        case .increase: return counted + sampled + distinct
        case .rate: return (counted + sampled + distinct) / Double(seconds)
        default: break
        }
        guard !rollup.isEmpty else { return nil }
        switch aggregate {
        case .sum: return rollup.sum
        case .avg: return rollup.sum / rollup.count
        case .min: return rollup.min
        case .max: return rollup.max
        case .last: return rollup.last
        case .quantile(let q):
            return rollup.sketch?.quantile(q).map { max(rollup.min, min(rollup.max, $0)) }
        case .count, .rate, .increase: return nil
        }
    }
}
