import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

/// Questions about a time of which retention has left only wide spans.
@Suite struct WidenedStepTests {
    private static let day: Int64 = 86_400
    private static let now = 19_676 * day + 43_200
    /// An hour of which only hours are left, and one of which minutes are left.
    private static let old = now - 10 * day
    private static let recent = now - 2 * day

    /// A counter that grows by 180 every ten seconds, in the hours that begin then.
    private func withHours(
        _ hours: [Int64], _ body: (SQLiteStore) async throws -> Void
    ) async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            let series = builder.series("hits", .counter)
            for bucket in hours.flatMap({ stride(from: $0, to: $0 + 3_600, by: 10) }) {
                builder.add(180, at: Double(bucket), of: series)
            }
            try await store.commit(source.batch(builder))
            _ = try await store.retain(RetentionPolicy(), at: .seconds(Self.now))
            try await body(store)
        }
    }

    private func ask(
        _ store: SQLiteStore, _ span: Range<Int64>, _ word: String, step: Int64,
        fill: MetricFill = .none, formula: String? = nil, zone: String? = nil, now: Int64? = nil
    ) async throws -> MetricAnswer {
        var query = MetricQuery(
            metrics: [.init(name: "a", metric: "hits")],
            formula: try formula.map { try Formula($0) },
            range: TimeRange(
                since: .seconds(span.lowerBound), until: .seconds(span.upperBound)),
            stepSeconds: step, timeZone: zone,
            aggregates: [.init(word: word, aggregate: try #require(Aggregate(word: word)))],
            fill: fill)
        query.now = now.map { .seconds($0) }
        return try await store.metric(query)
    }

    private func points(_ answer: MetricAnswer) -> [[Double]] {
        (answer.series.first?.points[0].values ?? []).map { [Double($0.time), $0.value] }
    }

    @Test(arguments: [10, 30, 60, 420, 600, 3_600] as [Int64])
    func ratesAreOfTheSpansThatAreLeft(_ step: Int64) async throws {
        try await withHours([Self.old, Self.old + 3_600]) { store in
            let span = Self.old..<Self.old + 3 * 3_600
            func rates(_ fill: MetricFill, _ formula: String? = nil) async throws -> [Double] {
                let word = formula == nil ? "rate" : "increase"
                let answer = try await ask(
                    store, span, word, step: step, fill: fill, formula: formula)
                #expect(answer.stretches.map(\.stepSeconds) == [3_600])
                return points(answer).map { $0[1] }
            }
            let plain = try await rates(.none)
            #expect(plain == [18, 18])
            #expect(try await rates(.zero) == [18, 18, 0])
            #expect(try await rates(.previous) == [18, 18, 18])
            #expect(try await rates(.none, "per_second(a)") == [18, 18])
        }
    }

    /// Goal: a rate tells how fast something grew, also where only a part of the step is asked for,
    /// as of the present one.
    @Test func ratesOfAPartOfAStepAreOfThatPart() async throws {
        try await withHours([Self.recent]) { store in
            let span = Self.recent + 1_200..<Self.recent + 2_460
            for formula in [nil, "per_second(a)"] {
                let word = formula == nil ? "rate" : "increase"
                for step in [60, 600, 1_800, 86_400] as [Int64] {
                    let answer = try await ask(store, span, word, step: step, formula: formula)
                    let rates = points(answer).map { $0[1] }
                    #expect(!rates.isEmpty && rates.allSatisfy { $0 == 18 }, "\(step): \(rates)")
                }
            }
        }
    }

    @Test func ratesOfThePresentStepAreOfWhatHasPassed() async throws {
        try await withHours([Self.recent]) { store in
            let span = Self.recent..<Self.recent + 7_200
            for (now, passed) in [
                (3_595, 3_600), (3_605, 3_610), (3_610, 3_620), (7_195, 7_200), (7_200, 7_200),
                (9_000, 7_200), (-5, 7_200),
            ] as [(Int64, Double)] {
                let answer = try await ask(
                    store, span, "rate", step: 7_200, now: Self.recent + now)
                #expect(points(answer).map { $0[1] } == [64_800 / passed], "\(now)")
            }
        }
    }

    /// A span counts whole where the range begins or ends within it, as wide as it may be.
    @Test func spansThatTheRangeCutsAreThere() async throws {
        try await withHours([Self.old]) { store in
            let whole = [[Double(Self.old), 64_800]]
            for span in [
                Self.old + 1_800..<Self.old + 3_600, Self.old..<Self.old + 1_800,
                Self.old + 600..<Self.old + 610,
            ] {
                let answer = try await ask(store, span, "sum", step: 600)
                #expect(points(answer) == whole)
            }
            let beside = Self.old + 3_600..<Self.old + 7_200
            #expect(try await points(ask(store, beside, "sum", step: 600)) == [])
        }
    }

    /// Each part has the steps asked for, unless only wider spans are left.
    @Test func partsHaveStepsOfTheirOwn() async throws {
        try await withHours([Self.old, Self.recent]) { store in
            let answer = try await ask(
                store, Self.old..<Self.recent + 3_600, "rate", step: 1_200)
            let times = [Self.old] + (0..<3).map { Self.recent + $0 * 1_200 }
            #expect(points(answer) == times.map { [Double($0), 18] })
            #expect(answer.stretches.map(\.stepSeconds) == [3_600, 1_200])
            #expect(answer.stretches.first?.since == Self.old)
            // Whole minutes in steps that minutes do not fit into.
            let odd = try await ask(
                store, Self.recent..<Self.recent + 3_600, "rate", step: 90)
            #expect(odd.stretches.map(\.stepSeconds) == [120])
            #expect(points(odd).map { $0[1] } == Array(repeating: 18, count: 30))
            // A step as wide as the spans goes over all of the range.
            let wide = try await ask(
                store, Self.old..<Self.recent + 3_600, "rate", step: 3_600)
            #expect(wide.stretches.map(\.stepSeconds) == [3_600])
        }
    }

    /// Days of a zone whose midnights lie within hours begin with the nearest hour.
    @Test func daysOfAZoneBeginNearItsMidnight() async throws {
        try await withHours([Self.old]) { store in
            let span = Self.old - Self.day..<Self.old + Self.day
            let answer = try await ask(
                store, span, "rate", step: Self.day, zone: "Asia/Kolkata")
            // Midnight there is at 18:30 UTC.
            let start = Self.old.aligned(to: Self.day) - 5 * 3_600
            #expect(points(answer) == [[Double(start), 0.75]])
        }
    }
}
