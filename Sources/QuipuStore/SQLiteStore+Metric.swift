public import QuipuModel
import Sketches

extension SQLiteStore {
    /// Bounds what one question may hold in memory and a reply may carry.
    private static let pointsPerReplyMax = 500_000

    public func metric(_ query: MetricQuery) async throws(StoreError) -> [MetricSeries] {
        try await read { context in
            for filter in query.filters { try filter.test.check(path: filter.path) }
            let span = try Self.span(query)
            let groups = try Self.groups(query, context)
            let wanted = MetricStep.Wanted(query.aggregates.map(\.aggregate))
            let find = try context.prepare(MetricStep.sql(wanted))
            var answer: [MetricSeries] = []
            var pointCount = 0
            for group in groups {
                var steps: [Int64: MetricStep] = [:]
                var tiers: Set<MetricTier> = []
                for series in group.series {
                    try Self.collect(
                        series, span, query.stepSeconds, wanted, find, &steps, &tiers)
                }
                guard !steps.isEmpty else { continue }
                let stepCount =
                    query.fill == .none ? steps.count : span.count / Int(query.stepSeconds) + 2
                pointCount += stepCount * query.aggregates.count
                guard pointCount <= Self.pointsPerReplyMax else {
                    throw StoreError.tooLarge(
                        hint: "more than \(Self.pointsPerReplyMax) points; use a longer step")
                }
                answer.append(
                    MetricSeries(
                        tags: group.tags, points: Self.points(query, steps, span),
                        tiers: tiers))
            }
            return Self.largest(answer, query.top)
        }
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

    private struct MetricGroup {
        var tags: [MetricSeries.GroupedTag]
        var series: [(id: Int64, type: MetricType)]
    }

    /// The metric's series by the values of the tags grouped by.
    private static func groups(
        _ query: MetricQuery, _ context: ReadContext
    ) throws -> [MetricGroup] {
        let find = try context.prepare("SELECT id, type, tags FROM series WHERE name = ?1")
        find.bind(1, copying: query.metric)
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
                .append((find.int(0), type))
        }
        return groups.values.sorted { left, right in
            left.tags.lexicographicallyPrecedes(right.tags) {
                ($0.value == nil ? 1 : 0, $0.value ?? "") < (
                    $1.value == nil ? 1 : 0, $1.value ?? ""
                )
            }
        }
    }

    private static func collect(
        _ series: (id: Int64, type: MetricType), _ span: Range<Int64>, _ stepSeconds: Int64,
        _ wanted: MetricStep.Wanted, _ find: RawStatement, _ steps: inout [Int64: MetricStep],
        _ tiers: inout Set<MetricTier>
    ) throws {
        find.bind(1, series.id)
        find.bind(2, span.lowerBound)
        find.bind(3, span.upperBound)
        defer { find.reset() }
        while try find.step() {
            let start = floorDivide(find.int(0), stepSeconds) * stepSeconds
            steps[start, default: MetricStep()].add(find, series.type, wanted)
            if let tier = MetricStep.tier(find) { tiers.insert(tier) }
        }
    }

    private static func points(
        _ query: MetricQuery, _ steps: [Int64: MetricStep], _ span: Range<Int64>
    ) -> [MetricSeries.Points] {
        let step = query.stepSeconds
        let first = span.lowerBound.aligned(to: step)
        let starts: [Int64] =
            query.fill == .none
            ? steps.keys.sorted() : Array(stride(from: first, to: span.upperBound, by: Int(step)))
        return query.aggregates.map { named in
            var previous = Double.nan
            let values = starts.compactMap { start -> MetricSeries.Point? in
                let value = steps[start]?.value(named.aggregate, stepSeconds: step)
                if let value { previous = value }
                let shown: Double?
                switch query.fill {
                case .none: shown = value
                case .null: shown = value ?? .nan
                case .zero: shown = value ?? 0
                case .previous: shown = value ?? previous
                }
                return shown.map { MetricSeries.Point(time: start, value: $0) }
            }
            return MetricSeries.Points(word: named.word, values: values)
        }
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

extension Int64 {
    fileprivate func aligned(to step: Int64) -> Int64 { floorDivide(self, step) * step }
}

/// What the rollups of one step add up to.
private struct MetricStep {
    /// What has to be read and kept: sketches are the bulk of a rollup.
    struct Wanted {
        var sketch = false

        init(_ aggregates: [Aggregate]) {
            sketch = aggregates.contains { if case .quantile = $0 { true } else { false } }
        }
    }

    private var rollup = Rollup()
    private var members: DistinctCounter?
    /// The part of `rate` that counters give: their sums.
    private var counted = 0.0
    /// The part that all others give: their counts.
    private var sampled = 0.0

    /// Parameters: series, first bucket, bucket after the last.
    static func sql(_ wanted: Wanted) -> String {
        // A rollup is in one tier at a time, so all of them together are what there is.
        MetricTier.allCases.map {
            """
            SELECT bucket, count, sum, min, max, last, last_time,
                \(wanted.sketch ? "sketch" : "NULL"), members, \($0.seconds)
            FROM \($0.table) WHERE series = ?1 AND bucket >= ?2 AND bucket < ?3
            """
        }.joined(separator: " UNION ALL ")
    }

    static func tier(_ row: RawStatement) -> MetricTier? { MetricTier(rawValue: row.int(9)) }

    mutating func add(_ row: RawStatement, _ type: MetricType, _ wanted: Wanted) {
        if type == .set {
            guard let more = StoredRollup.members(row, 8) else { return }
            if members == nil { members = more } else { members?.merge(more) }
            return
        }
        let more = StoredRollup.rollup(row, from: 1, withSketch: wanted.sketch)
        if type == .counter { counted += more.sum } else { sampled += more.count }
        rollup.merge(more)
    }

    /// Nil where the aggregate has no meaning for what is here.
    func value(_ aggregate: Aggregate, stepSeconds: Int64) -> Double? {
        let distinct = members?.estimate ?? 0
        switch aggregate {
        case .count: return rollup.count + distinct
        case .increase: return counted + sampled + distinct
        case .rate: return (counted + sampled + distinct) / Double(stepSeconds)
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
