import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct MetricTests {
    private func rollup(_ samples: [(value: Double, time: Double)], sketch: Bool = true) -> Rollup {
        var rollup = Rollup(sketch: sketch ? DDSketch() : nil)
        for sample in samples {
            rollup.add(sample.value, weight: 1, atMicroseconds: at(sample.time).microseconds)
        }
        return rollup
    }

    /// Commits one rollup as a batch of its own.
    private func commit(
        _ store: SQLiteStore, _ source: inout TestSource, _ name: String, _ type: MetricType,
        _ tags: String? = nil, bucket: Int64, _ rollup: Rollup, relative: Rollup? = nil,
        members: [String]? = nil
    ) async throws {
        var builder = BatchBuilder()
        let series = builder.series(name, type, tags)
        let counter = members.map { names in
            var counter = DistinctCounter()
            for name in names { Array(name.utf8).withUnsafeBytes { counter.add($0) } }
            return counter
        }
        builder.add(
            RollupDelta(
                series: series, bucketStart: bucket, rollup: rollup, relative: relative,
                members: counter))
        try await store.commit(source.batch(builder))
    }

    private func ask(
        _ store: SQLiteStore, _ metric: String, _ words: [String], step: Int64 = 10,
        groupBy: [String] = [], filters: [Filter] = [], range: TimeRange? = nil
    ) async throws -> [MetricSeries] {
        try await store.metric(
            MetricQuery(
                metric: metric, range: range ?? TimeRange(since: at(0), until: at(1_000)),
                filters: filters, stepSeconds: step,
                aggregates: try words.map {
                    .init(word: $0, aggregate: try #require(Aggregate(word: $0)))
                }, groupBy: groupBy)
        ).series
    }

    private func values(_ series: MetricSeries?, _ word: String) -> [Double]? {
        series?.points.first { $0.word == word }?.values.map(\.value)
    }

    @Test func mergedRollupsEqualTheRollupOfAllSamples() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let samples = (0..<200).map { _ in
            (
                value: Double(Int.random(in: -500...500, using: &random)),
                time: Double(Int.random(in: 0..<10, using: &random))
            )
        }
        try await withStore { store in
            var source = try await TestSource(store)
            for start in stride(from: 0, to: samples.count, by: 40) {
                try await commit(
                    store, &source, "m", .timer, bucket: 0,
                    rollup(Array(samples[start..<start + 40])))
            }
            let all = rollup(samples)
            let words = ["count", "sum", "min", "max", "avg", "last", "p50", "p99.9"]
            let series = try await ask(store, "m", words).first
            #expect(values(series, "count") == [all.count])
            #expect(values(series, "sum") == [all.sum])
            #expect(values(series, "min") == [all.min])
            #expect(values(series, "max") == [all.max])
            #expect(values(series, "avg") == [all.sum / all.count])
            #expect(values(series, "last") == [all.last])
            let median = try #require(all.sketch?.quantile(0.5))
            let highest = try #require(all.sketch?.quantile(0.999))
            #expect(values(series, "p50") == [median])
            #expect(values(series, "p99.9") == [min(highest, all.max)])
        }
    }

    @Test func aLateSampleMergesIntoItsBucket() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            try await commit(store, &source, "g", .gauge, bucket: 10, rollup([(5, 15)]))
            try await commit(store, &source, "g", .gauge, bucket: 30, rollup([(7, 31)]))
            try await commit(store, &source, "g", .gauge, bucket: 10, rollup([(9, 12)]))
            let series = try await ask(store, "g", ["count", "last"]).first
            #expect(series?.points.first?.values.map(\.time) == [10, 30])
            #expect(values(series, "count") == [2, 1])
            #expect(values(series, "last") == [5, 7])
            let list = try await store.series(SeriesQuery(range: everything)).rows
            #expect(
                list == [
                    Series(
                        name: "g", type: .gauge, tags: [], first: at(10), last: at(31), samples: 3)
                ])
        }
    }

    @Test func changesOfAGaugeStartFromItsLastValue() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            try await commit(
                store, &source, "g", .gauge, bucket: 0, Rollup(), relative: rollup([(3, 1)]))
            try await commit(store, &source, "g", .gauge, bucket: 0, rollup([(10, 2)]))
            // One batch whose changes go over two buckets: both count from the value before it.
            var builder = BatchBuilder()
            let series = builder.series("g", .gauge)
            builder.add(
                RollupDelta(
                    series: series, bucketStart: 0, rollup: Rollup(), relative: rollup([(5, 3)])))
            builder.add(
                RollupDelta(
                    series: series, bucketStart: 10, rollup: Rollup(),
                    relative: rollup([(4, 11)])))
            try await store.commit(source.batch(builder))
            let answer = try await ask(store, "g", ["min", "max", "last"]).first
            #expect(values(answer, "min") == [3, 14])
            #expect(values(answer, "max") == [15, 14])
            #expect(values(answer, "last") == [15, 14])
        }
    }

    @Test func ratesAndStepsAndGroups() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for (bucket, host, value) in [(0, "a", 10.0), (10, "a", 20), (20, "b", 40)] {
                try await commit(
                    store, &source, "hits", .counter, "env:prod,host:\(host)",
                    bucket: Int64(bucket),
                    rollup([(value, Double(bucket))], sketch: false))
            }
            try await commit(
                store, &source, "hits", .counter, nil, bucket: 20,
                rollup([(1, 20)], sketch: false))
            let total = try await ask(store, "hits", ["sum", "rate", "p50"], step: 20)
            #expect(total.count == 1)
            #expect(values(total.first, "sum") == [30, 41])
            #expect(values(total.first, "rate") == [1.5, 2.05])
            #expect(values(total.first, "p50") == [])
            let groups = try await ask(store, "hits", ["sum"], step: 60, groupBy: ["host"])
            #expect(groups.map { $0.tags.map(\.value) } == [["a"], ["b"], [nil]])
            #expect(groups.compactMap { values($0, "sum") } == [[30], [40], [1]])
            let filter = Filter(path: "host", test: .not(.oneOf([.string("a")])))
            let filtered = try await ask(store, "hits", ["sum"], step: 60, filters: [filter])
            #expect(filtered.compactMap { values($0, "sum") } == [[41]])
        }
    }

    @Test func bucketsWhoseStartLiesInTheRange() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for bucket in [0, 10, 20] as [Int64] {
                try await commit(
                    store, &source, "c", .counter, bucket: bucket,
                    rollup([(1, Double(bucket))], sketch: false))
            }
            let range = TimeRange(since: at(15), until: at(20.000_001))
            let answer = try await ask(store, "c", ["count"], range: range).first
            #expect(answer?.points.first?.values.map(\.time) == [10, 20])
        }
    }

    @Test func setsCountDistinctMembers() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for members in [["x", "y"], ["y", "z"]] {
                try await commit(
                    store, &source, "users", .set, bucket: 0,
                    rollup([(0, 1), (0, 1)], sketch: false), members: members)
            }
            let answer = try await ask(store, "users", ["count", "sum"]).first
            #expect(values(answer, "count") == [3])
            #expect(values(answer, "sum") == [])
        }
    }

    @Test func refusesStepsThatAreTooFine() async throws {
        try await withStore { store in
            let day = TimeRange(since: at(0), until: at(10 * 11_001))
            await #expect(throws: StoreError.self) {
                try await ask(store, "m", ["sum"], range: day)
            }
            for step in [0, 5, 15] as [Int64] {
                await #expect(throws: StoreError.self) {
                    try await ask(store, "m", ["sum"], step: step)
                }
            }
        }
    }

    @Test func beyondTheBoundOneSeriesAMetricTakesTheRest() async throws {
        try await withStore(seriesMax: 20) { store in
            var source = try await TestSource(store)
            for id in 0..<60 {
                try await commit(
                    store, &source, "m\(id / 30)", .counter, "id:\(id)", bucket: 0,
                    rollup([(1, 1)], sketch: false))
            }
            let status = try await store.status()
            #expect(status.seriesCount == 22)
            #expect(status.seriesOverflow == 40)
            let overflow = try await store.series(
                SeriesQuery(
                    range: everything,
                    filters: [Filter(path: "overflow", test: .oneOf([.bool(true)]))])
            ).rows
            #expect(overflow.map(\.name) == ["m0", "m1"])
            #expect(overflow.map(\.samples) == [10, 30])
            // Names cannot grow without bound either.
            for id in 0..<10 {
                try await commit(
                    store, &source, "new\(id)", .counter, bucket: 0,
                    rollup([(1, 1)], sketch: false))
            }
            #expect(try await store.status().seriesCount == 23)
        }
    }

    @Test func listsSeriesByNameTypeAndTags() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for (name, tags) in [
                ("b_c", nil), ("bxc", nil), ("b", "x:1,flag"), ("a", "x:2"), ("a", "x:10"),
                ("ab", nil),
            ] {
                try await commit(
                    store, &source, name, .counter, tags, bucket: 0,
                    rollup([(1, 1)], sketch: false))
            }
            func names(_ query: SeriesQuery) async throws -> [String] {
                try await store.series(query).rows.map(\.name)
            }
            #expect(
                try await names(SeriesQuery(range: everything)) == [
                    "a", "a", "ab", "b", "b_c", "bxc",
                ])
            #expect(try await names(SeriesQuery(range: everything, metricLike: "a%")).count == 3)
            #expect(
                try await names(SeriesQuery(range: everything, metricLike: #"b\_c"#)) == ["b_c"])
            #expect(try await names(SeriesQuery(range: everything, type: .gauge)) == [])
            let number = Filter(path: "x", test: .atLeast(.int(2)))
            #expect(
                try await names(SeriesQuery(range: everything, filters: [number])) == ["a", "a"])
            let bare = Filter(path: "flag", test: .oneOf([.string("")]))
            #expect(try await names(SeriesQuery(range: everything, filters: [bare])) == ["b"])
            var page = PageRequest(limit: 1)
            var seen: [[QuipuModel.Tag]] = []
            repeat {
                let answer = try await store.series(SeriesQuery(range: everything, page: page))
                seen += answer.rows.map(\.tags)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(seen.map(\.count) == [1, 1, 0, 2, 0, 0])
        }
    }

    @Test func stepsAreFilledAndTheLargestGroupsChosen() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for (site, values) in [("a", [1.0, 2]), ("b", [10, 20]), ("c", [5])] {
                for (index, value) in values.enumerated() {
                    try await commit(
                        store, &source, "m", .counter, "site:\(site)", bucket: Int64(index) * 20,
                        rollup([(value, Double(index) * 20)], sketch: false))
                }
            }
            func ask(_ fill: MetricFill, top: Int? = nil) async throws -> [[Double?]] {
                let increase = MetricQuery.NamedAggregate(word: "increase", aggregate: .increase)
                return try await store.metric(
                    MetricQuery(
                        metric: "m", range: TimeRange(since: at(0), until: at(40)),
                        stepSeconds: 10, aggregates: [increase], groupBy: ["site"], fill: fill,
                        top: top)
                ).series.map { $0.points[0].values.map { $0.value.isNaN ? nil : $0.value } }
            }
            #expect(try await ask(.none) == [[1, 2], [10, 20], [5]])
            #expect(try await ask(.zero, top: 1) == [[10, 0, 20, 0]])
            #expect(try await ask(.null, top: 2) == [[10, nil, 20, nil], [5, nil, nil, nil]])
            #expect(try await ask(.previous, top: 1) == [[10, 10, 20, 20]])
        }
    }
}
