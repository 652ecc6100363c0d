public import QuipuModel
import Sketches

extension SQLiteStore {
    /// Bounds what one question may hold in memory and a reply may carry.
    private static let pointsPerReplyMax = 500_000

    public func metric(_ query: MetricQuery) async throws(StoreError) -> MetricAnswer {
        try await read { context in
            for filter in query.filters { try filter.test.check(path: filter.path) }
            let floors = try TierFloors(context.connection)
            let grid = try StepGrid(
                try Self.span(query), stepSeconds: query.stepSeconds, zone: query.timeZone,
                floors: floors)
            let scan = try MetricScan(grid, floors, query.aggregates.map(\.aggregate), context)
            let found = try query.metrics.map { operand in
                try Self.groups(operand.metric, query, context)
            }
            var answer: [MetricSeries] = []
            var pointCount = 0
            for part in Self.parts(query, found) {
                scan.begin()
                let columns = try part.columns.map { column in
                    var steps = MetricSteps(grid)
                    for series in column.series {
                        try scan.read(series.id, series.type, into: &steps)
                    }
                    return MetricColumn(name: column.name, steps: steps)
                }
                let shown = MetricColumn.shown(columns, query.fill, grid)
                guard !shown.isEmpty else { continue }
                pointCount += shown.count * query.aggregates.count
                guard pointCount <= Self.pointsPerReplyMax else {
                    throw StoreError.tooLarge(
                        hint: "more than \(Self.pointsPerReplyMax) points; use a longer step")
                }
                answer.append(
                    MetricSeries(
                        name: part.name, tags: part.tags,
                        points: MetricColumn.points(columns, query, shown, grid),
                        tiers: scan.tiers))
            }
            return MetricAnswer(
                series: Self.largest(answer, query.top),
                stretches: grid.stretches.map { stretch in
                    MetricAnswer.Stretch(
                        since: stretch.start(stretch.firstIndex), stepSeconds: stretch.stepSeconds)
                })
        }
    }

    /// What becomes one series of the answer.
    private struct Part {
        var name: String?
        var tags: [MetricSeries.GroupedTag]
        /// Series to be added up, by the metric's name.
        var columns: [(name: String, series: [MetricGroup.Member])]
    }

    /// Each group of each metric; with a formula each group of all of them.
    private static func parts(_ query: MetricQuery, _ found: [[MetricGroup]]) -> [Part] {
        guard query.formula != nil else {
            return zip(query.metrics, found).flatMap { operand, groups in
                groups.map { group in
                    Part(
                        name: operand.name.isEmpty ? nil : operand.name, tags: group.tags,
                        columns: [(operand.name, group.series)])
                }
            }
        }
        var parts: [[String?]: Part] = [:]
        for (operand, groups) in zip(query.metrics, found) {
            for group in groups {
                parts[group.tags.map(\.value), default: Part(tags: group.tags, columns: [])]
                    .columns.append((operand.name, group.series))
            }
        }
        return parts.values.sorted { MetricGroup.precedes($0.tags, $1.tags) }
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
                hint: "more than \(Limits.pointsPerSeriesMax) steps; use a longer step")
        }
        return since..<until
    }

    /// The metric's series by the values of the tags grouped by.
    private static func groups(
        _ metric: String, _ query: MetricQuery, _ context: ReadContext
    ) throws -> [MetricGroup] {
        let find = try context.prepare("SELECT id, type, tags FROM series WHERE name = ?1")
        find.bind(1, copying: metric)
        var groups: [[String?]: MetricGroup] = [:]
        while try find.step() {
            let tags = SeriesTags(find.string(2) ?? "")
            guard let type = MetricType(rawValue: UInt8(clamping: find.int(1))),
                tags.match(query.filters)
            else { continue }
            let values = query.groupBy.map { tags.values($0).first }
            if groups[values] == nil, groups.count == Limits.groupsPerReplyMax {
                throw StoreError.tooLarge(
                    hint: "more than \(Limits.groupsPerReplyMax) groups; filter by tags")
            }
            let named = zip(query.groupBy, values).map {
                MetricSeries.GroupedTag(key: $0, value: $1)
            }
            groups[values, default: MetricGroup(tags: named, series: [])].series
                .append(MetricGroup.Member(id: find.int(0), type: type))
        }
        return groups.values.sorted { MetricGroup.precedes($0.tags, $1.tags) }
    }

    private static func largest(_ series: [MetricSeries], _ count: Int?) -> [MetricSeries] {
        guard let count, series.count > count else { return series }
        func weight(_ series: MetricSeries) -> Double {
            (series.points.first?.values ?? []).reduce(0) { $0 + ($1.value.isNaN ? 0 : $1.value) }
        }
        let ranked = series.enumerated().map { (place: $0, weight: weight($1), series: $1) }
            .sorted { ($1.weight, $0.place) < ($0.weight, $1.place) }
        return ranked.prefix(count).map(\.series)
    }
}

/// Series that are asked for together.
private struct MetricGroup {
    struct Member {
        var id: Int64
        var type: MetricType
    }

    var tags: [MetricSeries.GroupedTag]
    var series: [Member]

    static func precedes(
        _ left: [MetricSeries.GroupedTag], _ right: [MetricSeries.GroupedTag]
    ) -> Bool {
        left.lexicographicallyPrecedes(right) {
            ($0.value == nil ? 1 : 0, $0.value ?? "") < ($1.value == nil ? 1 : 0, $1.value ?? "")
        }
    }
}

/// One metric's steps, from which points are made.
private struct MetricColumn {
    var name: String
    var steps: MetricSteps

    /// The steps that have a point.
    static func shown(
        _ columns: [MetricColumn], _ fill: MetricFill, _ grid: StepGrid
    ) -> [Int] {
        guard columns.contains(where: { !$0.steps.isEmpty }) else { return [] }
        return (0..<grid.count).filter { index in
            fill != .none || columns.contains { !$0.steps[index].isEmpty }
        }
    }

    static func points(
        _ columns: [MetricColumn], _ query: MetricQuery, _ shown: [Int], _ grid: StepGrid
    ) -> [MetricSeries.Points] {
        query.aggregates.map { named in
            var previous: [String: Double] = [:]
            let values = shown.compactMap { index -> MetricSeries.Point? in
                let seconds = grid.seconds(index)
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
