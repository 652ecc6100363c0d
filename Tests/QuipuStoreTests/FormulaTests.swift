import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct FormulaTests {
    @Test(
        arguments: [
            ("a", 6), ("a / b", 3), ("a + b * 2", 10), ("(a + b) * 2", 16), ("-a - -b", -4),
            ("sum(a, b, c)", 9), ("min(a, b, c)", 1), ("max(a,b)", 6), ("per_second(a * 5)", 3),
            ("1.5*b", 3), ("a/b/c", 3), ("sum(a / b, sum(c))", 4), ("--c", 1), ("a-b-c", 3),
        ] as [(String, Double)])
    func values(_ text: String, _ expected: Double) throws {
        let formula = try Formula(text)
        let value = formula.value(stepSeconds: 10) { ["a": 6, "b": 2, "c": 1][$0] ?? .nan }
        #expect(value == expected)
    }

    @Test(
        arguments: [
            ("", 1), ("a b", 3), ("a /", 4), ("(a", 3), ("a)", 2), ("1..2", 1), ("avg(a)", 1),
            ("per_second(a, b)", 13), ("sum()", 5), ("a % b", 3), ("ä", 1), ("a +* b", 4),
        ] as [(String, Int)])
    func malformed(_ text: String, _ column: Int) {
        do {
            _ = try Formula(text)
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.column == column, "\(text): \(error.expected)")
        }
    }

    @Test func whatIsMissingStaysMissing() throws {
        for text in ["a / 0", "0 / 0 + a", "x + a", "min(x, a)", "max(a, x)", "sum(a, x)"] {
            let value = try Formula(text).value(stepSeconds: 10) { $0 == "a" ? 1 : .nan }
            #expect(value.isNaN, "\(text)")
        }
    }

    @Test func anyTextIsReadOrRefused() {
        var random = SeededGenerator()
        let pieces = ["a", "b1", "sum(", "min(", "per_second(", "(", ")", ",", "+", "-", "*", "/"]
        var taken = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            let text = (0..<count).map { _ in random.pick(pieces + ["1", ".5", " "]) }.joined()
            guard let formula = try? Formula(text) else { continue }
            taken += 1
            _ = formula.value(stepSeconds: 10) { _ in 1 }
        }
        #expect(taken > 100, "seed \(random.seed)")
        for deep in [String(repeating: "(", count: 900), String(repeating: "-", count: 999)] {
            #expect(throws: Formula.Malformed.self) { try Formula(deep) }
        }
        #expect(throws: Formula.Malformed.self) { try Formula(String(repeating: "a+", count: 600)) }
    }

    // MARK: Over what is stored

    private func store(
        _ counts: [(metric: String, site: String, bucket: Int64, value: Double)],
        in store: SQLiteStore
    ) async throws {
        var source = try await TestSource(store)
        var builder = BatchBuilder()
        for count in counts {
            let series = builder.series(count.metric, .counter, "site:\(count.site)")
            builder.add(count.value, at: Double(count.bucket), of: series)
        }
        try await store.commit(source.batch(builder))
    }

    private func ask(
        _ store: SQLiteStore, _ formula: String?, fill: MetricFill = .none,
        groupBy: [String] = ["site"]
    ) async throws -> [[Double?]] {
        try await store.metric(
            MetricQuery(
                metrics: [
                    .init(name: "e", metric: "errors"), .init(name: "r", metric: "requests"),
                ],
                formula: try formula.map { try Formula($0) },
                range: TimeRange(since: at(0), until: at(40)), stepSeconds: 20,
                aggregates: [.init(word: "sum", aggregate: .sum)], groupBy: groupBy, fill: fill)
        ).series.map { $0.points[0].values.map { $0.value.isNaN ? nil : $0.value } }
    }

    @Test func groupsMeetByTheirTags() async throws {
        try await withStore { store in
            try await self.store(
                [
                    ("errors", "a", 0, 1), ("errors", "a", 20, 3), ("requests", "a", 0, 4),
                    ("requests", "a", 20, 6), ("requests", "b", 20, 8), ("errors", "c", 30, 2),
                ], in: store)
            #expect(try await ask(store, "e / r * 100") == [[25, 50], [], []])
            #expect(
                try await ask(store, "e / r * 100", fill: .zero) == [
                    [25, 50], [nil, 0], [nil, nil],
                ]
            )
            #expect(try await ask(store, "e / r", groupBy: []) == [[0.25, 5 / 14.0]])
            #expect(try await ask(store, "per_second(sum(e, r))") == [[0.25, 0.45], [], []])
            #expect(
                try await ask(store, "e + r", fill: .previous)
                    == [[5, 9], [nil, nil], [nil, nil]])
            // Without a formula each on its own.
            #expect(try await ask(store, nil) == [[1, 3], [2], [4, 6], [8]])
        }
    }

    @Test func daysOfAZoneAddUp() async throws {
        try await withStore { store in
            // One each hour over the days around a change of the clock: 2026-03-28 to 30.
            let first: Int64 = 1_774_652_400
            try await self.store(
                (0..<71).map { ("hours", "a", first + $0 * 3_600, 1) }, in: store)
            func days() async throws -> [Double]? {
                try await store.metric(
                    MetricQuery(
                        metric: "hours",
                        range: TimeRange(
                            since: .seconds(first), until: .seconds(first + 71 * 3_600)),
                        stepSeconds: 86_400, timeZone: "Europe/Berlin",
                        aggregates: [.init(word: "increase", aggregate: .increase)])
                ).series.first?.points[0].values.map(\.value)
            }
            #expect(try await days() == [24, 23, 24])
            // The same from blocks.
            _ = try await store.retain(RetentionPolicy(), at: .seconds(first + 90 * 3_600))
            #expect(try await days() == [24, 23, 24])
        }
    }
}
