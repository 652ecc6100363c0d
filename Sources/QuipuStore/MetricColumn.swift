import QuipuModel

/// One metric's steps, from which points are made.
struct MetricColumn {
    var name: String
    var type: MetricType
    var steps: MetricSteps

    /// The steps that have a point.
    static func shown(
        _ columns: [MetricColumn], _ fill: MetricFill, _ grid: StepGrid
    ) -> [Int] {
        guard !columns.isEmpty else { return [] }
        guard fill == .none else { return Array(0..<grid.count) }
        return Set(columns.flatMap(\.steps.occupied)).sorted()
    }

    static func points(
        _ columns: [MetricColumn], _ query: MetricQuery, _ shown: [Int], _ grid: StepGrid
    ) -> [MetricSeries.Points] {
        query.aggregates.map { named in
            var previous: [String: Double] = [:]
            let values = shown.compactMap { index -> MetricSeries.Point? in
                let seconds = grid.measuredSeconds(index, by: query.now)
                func operand(_ name: String) -> Double {
                    let step = columns.first { $0.name == name }?.steps[index]
                    let value = step.flatMap {
                        $0.isEmpty ? nil : $0.value(named.aggregate, seconds: seconds)
                    }
                    if let value { previous[name] = value }
                    switch query.fill {
                    case .none, .null: return value ?? .nan
                    case .zero: return value ?? 0
                    case .previous: return value ?? previous[name] ?? .nan
                    }
                }
                let value =
                    query.formula?.value(stepSeconds: Double(seconds), of: operand)
                    ?? operand(columns[0].name)
                guard query.fill != .none || !value.isNaN else { return nil }
                return MetricSeries.Point(time: grid.start(index), value: value)
            }
            return MetricSeries.Points(word: named.word, values: values)
        }
    }
}
