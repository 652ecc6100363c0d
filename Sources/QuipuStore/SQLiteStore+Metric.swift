public import QuipuModel

extension SQLiteStore {
    public func metric(_ query: MetricQuery) async throws(StoreError) -> MetricAnswer {
        try await read { context in
            for filter in query.filters { try filter.test.check(path: filter.path) }
            let floors = try TierFloors(context.connection)
            let grid = try StepGrid(
                try Self.span(query), stepSeconds: query.stepSeconds, zone: query.timeZone,
                floors: floors)
            let scan = try MetricScan(grid, floors, query.aggregates.map(\.aggregate), context)
            let found = try query.metrics.map { operand in
                try MetricGroup.all(of: operand, query, grid.span, context)
            }
            var selection = MetricSelection(top: query.top)
            for part in Self.parts(query, found) {
                scan.begin()
                var columns: [MetricColumn] = []
                for (name, group) in part.groups {
                    let steps = try scan.steps(of: group)
                    guard !steps.isEmpty else { continue }
                    try Self.checkType(name, group.key.type, in: columns)
                    columns.append(MetricColumn(name: name, type: group.key.type, steps: steps))
                }
                let shown = MetricColumn.shown(columns, query.fill, grid)
                guard !shown.isEmpty else { continue }
                try selection.add(
                    MetricSeries(
                        name: part.name, type: query.formula == nil ? columns[0].type : nil,
                        tags: zip(query.groupBy, part.values).map {
                            MetricSeries.GroupedTag(key: $0, value: $1)
                        },
                        points: MetricColumn.points(columns, query, shown, grid),
                        tiers: scan.tiers))
            }
            return MetricAnswer(
                series: try selection.finish(),
                stretches: grid.stretches.map { stretch in
                    MetricAnswer.Stretch(
                        since: stretch.start(stretch.firstIndex), stepSeconds: stretch.stepSeconds)
                })
        }
    }

    /// What becomes one series of the answer.
    private struct Part {
        var name: String?
        /// Of the tags grouped by.
        var values: [String?]
        /// By the name that the question has for the metric.
        var groups: [(name: String, group: MetricGroup)]
    }

    /// Each group of each metric; with a formula those of all of them that have the same tags.
    private static func parts(_ query: MetricQuery, _ found: [[MetricGroup]]) -> [Part] {
        guard query.formula != nil else {
            return zip(query.metrics, found).flatMap { operand, groups in
                groups.map { group in
                    Part(
                        name: operand.name.isEmpty ? nil : operand.name, values: group.key.values,
                        groups: [(operand.name, group)])
                }
            }
        }
        var parts: [[String?]: Part] = [:]
        for (operand, groups) in zip(query.metrics, found) {
            for group in groups {
                let values = group.key.values
                parts[values, default: Part(values: values, groups: [])]
                    .groups.append((operand.name, group))
            }
        }
        return parts.values.sorted { MetricGroup.precedes($0.values, $1.values) }
    }

    /// A name in a formula is one number.
    private static func checkType(
        _ name: String, _ type: MetricType, in columns: [MetricColumn]
    ) throws(StoreError) {
        guard let other = columns.first(where: { $0.name == name }) else { return }
        throw .invalid(
            path: "type", hint: "\(name) is a \(other.type.word) and a \(type.word): say which")
    }

    /// Buckets from … until, in seconds.
    private static func span(_ query: MetricQuery) throws(StoreError) -> Range<Int64> {
        let step = query.stepSeconds
        guard step >= Limits.rollupSeconds, step.isMultiple(of: Limits.rollupSeconds) else {
            throw .invalid(
                path: "step", hint: "a multiple of \(Limits.rollupSeconds) seconds")
        }
        let since = query.range.since.bucket(seconds: Limits.rollupSeconds)
        let until = -floorDivide(-max(query.range.until.microseconds, -Int64.max), 1_000_000)
        guard since < until else { return since..<since }
        guard (until - since) / step < Limits.pointsPerSeriesMax else {
            throw .tooLarge(
                path: "step",
                hint: "more than \(Limits.pointsPerSeriesMax) steps; use a longer step")
        }
        return since..<until
    }
}
