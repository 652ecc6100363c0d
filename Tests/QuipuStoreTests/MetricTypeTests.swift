import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

/// Metrics whose name has several types, metrics of very many groups, and sets.
@Suite struct MetricTypeTests {
    private static let range = TimeRange(since: at(0), until: at(20))

    private func rollup(_ value: Double, at time: Int64) -> Rollup {
        var rollup = Rollup()
        rollup.add(value, weight: 1, atMicroseconds: time * 1_000_000)
        return rollup
    }

    private func ask(
        _ store: SQLiteStore, _ names: [String], type: MetricType? = nil, formula: String? = nil,
        groupBy: [String] = [], top: Int? = nil
    ) async throws -> [MetricSeries] {
        try await store.metric(
            MetricQuery(
                metrics: names.map { .init(name: $0, metric: $0, type: type) },
                formula: try formula.map { try Formula($0) }, range: Self.range, stepSeconds: 10,
                aggregates: [.init(word: "sum", aggregate: .sum)], groupBy: groupBy, top: top)
        ).series
    }

    private func sums(_ series: [MetricSeries]) -> [[Double]] {
        series.map { $0.points[0].values.map(\.value) }
    }

    /// `eb` as counter and timer, each for two sites; `all` as counter.
    private func withBoth(_ body: (SQLiteStore) async throws -> Void) async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            let samples: [(String, MetricType, String, Double)] = [
                ("eb", .timer, "a", 200), ("eb", .counter, "a", 1), ("eb", .counter, "b", 2),
                ("eb", .timer, "b", 300), ("all", .counter, "a", 4), ("all", .counter, "b", 4),
            ]
            for (name, type, site, value) in samples {
                builder.add(
                    RollupDelta(
                        series: builder.series(name, type, "site:\(site)"), bucketStart: 0,
                        rollup: rollup(value, at: 1)))
            }
            try await store.commit(source.batch(builder))
            try await body(store)
        }
    }

    @Test func typesOfOneNameAreAnsweredApart() async throws {
        try await withBoth { store in
            let both = try await ask(store, ["eb"])
            #expect(both.map(\.type) == [.counter, .timer])
            #expect(sums(both) == [[3], [500]])
            let groups = try await ask(store, ["eb"], groupBy: ["site"])
            #expect(groups.map { $0.tags.map(\.value) } == [["a"], ["a"], ["b"], ["b"]])
            #expect(sums(groups) == [[1], [200], [2], [300]])
            let timers = try await ask(store, ["eb"], type: .timer)
            #expect(timers.map(\.type) == [.timer])
            #expect(sums(timers) == [[500]])
            #expect(try await sums(ask(store, ["eb"], type: .set)) == [])
            #expect(try await sums(ask(store, ["eb"], groupBy: ["site"], top: 1)) == [[300]])
        }
    }

    @Test func aFormulaTakesOneType() async throws {
        try await withBoth { store in
            let expected = StoreError.invalid(
                path: "type", hint: "eb is a counter and a timer: say which")
            await #expect(throws: expected) {
                try await ask(store, ["eb", "all"], formula: "eb / all")
            }
            let share = try await ask(
                store, ["eb", "all"], type: .counter, formula: "eb / all", groupBy: ["site"])
            #expect(sums(share) == [[0.25], [0.5]])
            #expect(share.map(\.type) == [nil, nil])
        }
    }

    /// Goal: the largest of more groups than a reply may hold. Method: one group more than that,
    /// the largest in the middle.
    @Test func theLargestOfVeryManyGroups() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            let count = Limits.groupsPerReplyMax + 50
            for id in 0..<count {
                builder.add(
                    RollupDelta(
                        series: builder.series("m", .counter, "id:\(id)"), bucketStart: 0,
                        rollup: rollup(Double(id * 7_919 % count), at: 1)))
            }
            try await store.commit(source.batch(builder))
            let largest = try await ask(store, ["m"], groupBy: ["id"], top: 3)
            #expect(sums(largest) == (1...3).map { [Double(count - $0)] })
            do {
                _ = try await ask(store, ["m"], groupBy: ["id"])
                Issue.record("answered")
            } catch StoreError.tooLarge(let path, _) {
                #expect(path == "group_by")
            }
        }
    }

    @Test func theSelectionKeepsTheLargestInTheirOrder() throws {
        func series(_ value: Double) -> MetricSeries {
            let point = MetricSeries.Point(time: 0, value: value)
            return MetricSeries(tags: [], points: [.init(word: "sum", values: [point])])
        }
        var random = SeededGenerator()
        for _ in 0..<200 {
            let values = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Double(Int.random(in: 0...9, using: &random))
            }
            let top = Int.random(in: 1...9, using: &random)
            var selection = MetricSelection(top: top)
            for value in values { try selection.add(series(value)) }
            let expected = values.count <= top ? values : Array(values.sorted(by: >).prefix(top))
            #expect(sums(try selection.finish()).flatMap { $0 } == expected, "seed \(random.seed)")
        }
    }

    /// Packed and not yet packed, alone and with others in a wider span.
    @Test func viewsCountTheDistinctMembersOfSets() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            let users = builder.series("users", .set)
            for (bucket, names) in [(0, ["x", "y", "x"]), (10, ["y", "z"]), (70, ["x"])] {
                var members = DistinctCounter()
                var rollup = Rollup()
                for name in names {
                    Array(name.utf8).withUnsafeBytes { members.add($0) }
                    rollup.add(0, weight: 1, atMicroseconds: Int64(bucket) * 1_000_000)
                }
                builder.add(
                    RollupDelta(
                        series: users, bucketStart: Int64(bucket), rollup: rollup, members: members)
                )
            }
            builder.add(
                RollupDelta(
                    series: builder.series("hits", .counter), bucketStart: 0,
                    rollup: rollup(5, at: 1)))
            try await store.commit(source.batch(builder))
            func counts(_ view: String, _ name: String = "users") async throws -> [Scalar] {
                try await store.sql(
                    SQLQuery(
                        text: "SELECT count FROM \(view) WHERE name = '\(name)' ORDER BY time_us",
                        rowsMax: 10)
                ).rows.map { $0[0] }
            }
            for _ in 0..<2 {
                let narrow = try await counts("metrics_10s")
                #expect(narrow == [.double(2), .double(2), .double(1)])
                #expect(try await counts("metrics_1m") == [.double(3), .double(1)])
                #expect(try await counts("metrics_1h") == [.double(3)])
                #expect(try await counts("metrics_1h", "hits") == [.double(1)])
                // The second time they are packed.
                _ = try await store.retain(RetentionPolicy(), at: at(7_200))
            }
        }
    }
}
