import QuipuModel
import Testing

@testable import QuipuStore

/// What the dashboards of the seed systems showed, answered by `events.summary` and its neighbours.
@Suite struct AnalysisTests {
    private func generation(
        _ time: Double, _ provider: String, _ status: EventStatus, _ ms: Double? = nil
    ) -> EventLine {
        EventLine(
            time: time, kind: "generation", name: "diagram", status: status, durationMs: ms,
            attributes: #"{"provider":"\#(provider)","tokens":10}"#)
    }

    private func groups(
        _ store: SQLiteStore, by words: [String], zone: String? = nil, sum: [String] = []
    ) async throws -> [EventGroup] {
        try await store.summary(
            SummaryQuery(
                range: everything, groupBy: words.map(GroupKey.init(word:)), timeZone: zone,
                sum: sum)
        ).rows
    }

    private func starts(_ groups: [EventGroup]) -> [Scalar] {
        groups.compactMap { $0.group.first?.value }
    }

    /// The diagram service's metrics by period, summary and providers.
    @Test func generationsByPeriodAndProvider() async throws {
        try await withStore { store in
            let day = 86_400.0
            // 2026-11-01T12:00Z, a Sunday.
            let noon = 1_793_534_400.0
            try await store.commit([
                generation(noon, "aws", .ok, 100), generation(noon + day, "aws", .error, 300),
                generation(noon + day, "gcp", .ok, 200), generation(noon + 30 * day, "aws", .ok),
            ])
            let days = try await groups(store, by: ["day"], sum: ["tokens"])
            #expect(days.map(\.counts.count) == [1, 2, 1])
            #expect(days.map { $0.sums.map(\.value) } == [[10], [20], [10]])
            #expect(
                starts(try await groups(store, by: ["week"])) == [
                    .string("2026-10-26T00:00:00.000Z"), .string("2026-11-02T00:00:00.000Z"),
                    .string("2026-11-30T00:00:00.000Z"),
                ])
            let months = try await groups(store, by: ["month"])
            #expect(months.map(\.counts.count) == [3, 1])
            let providers = try await groups(store, by: ["provider"])
            #expect(
                providers.map { $0.group.map(\.value) } == [[.string("aws")], [.string("gcp")]])
            #expect(providers.first?.counts.successRatePercent == 200.0 / 3)
            let all = try await groups(store, by: [])
            #expect(all.map(\.counts.ok) == [3])
            #expect(all.first?.duration?.avg == 200)
        }
    }

    /// Berlin's clocks went back on 2026-10-25: that day has 25 hours.
    @Test(arguments: [false, true])
    func daysOfATimeZoneAreItsOwn(fromRows: Bool) async throws {
        try await withStore { store in
            let midnight = 1_792_879_200.0  // 2026-10-25T00:00 in Berlin, 2026-10-24T22:00Z
            let seconds: [Double] = [-1.0, 0, 3_600 * 3, 3_600 * 25 - 1, 3_600 * 25]
            try await store.commit(
                seconds.map {
                    EventLine(time: midnight + $0, name: "Bash", attributes: #"{"n":1}"#)
                })
            let sum = fromRows ? ["n"] : []
            let days = try await groups(store, by: ["day"], zone: "Europe/Berlin", sum: sum)
            #expect(days.map(\.counts.count) == [1, 3, 1])
            #expect(
                starts(days) == [
                    .string("2026-10-23T22:00:00.000Z"), .string("2026-10-24T22:00:00.000Z"),
                    .string("2026-10-25T23:00:00.000Z"),
                ])
            let weeks = try await groups(store, by: ["week"], zone: "Europe/Berlin", sum: sum)
            #expect(weeks.map(\.counts.count) == [4, 1])
            #expect(
                starts(weeks) == [
                    .string("2026-10-18T22:00:00.000Z"), .string("2026-10-25T23:00:00.000Z"),
                ])
            // Half an hour beside UTC.
            let india = try await groups(store, by: ["day"], zone: "Asia/Kolkata", sum: sum)
            #expect(india.map(\.counts.count) == [3, 2])
            #expect(starts(india).first == .string("2026-10-24T18:30:00.000Z"))
            let hours = try await groups(store, by: ["hour"], zone: "Asia/Kolkata", sum: sum)
            #expect(starts(hours).first == .string("2026-10-24T21:30:00.000Z"))
            await #expect(throws: StoreError.self) {
                try await groups(store, by: ["day"], zone: "Middle/Earth")
            }
        }
    }

    /// Hook metrics: invocations by hook and status, durations, the last run, errors by type.
    @Test func hooksByStatusAndErrorType() async throws {
        try await withStore { store in
            func run(_ time: Double, _ name: String, _ type: String? = nil) -> EventLine {
                EventLine(
                    time: time, kind: "hook", name: name, status: type == nil ? .ok : .error,
                    durationMs: 10 * time, attributes: type.map { #"{"error_type":"\#($0)"}"# })
            }
            try await store.commit([
                run(1, "pre"), run(2, "pre", "ValueError"), run(3, "pre"), run(4, "stop"),
            ])
            let runs = try await groups(store, by: ["name", "status"])
            #expect(runs.map(\.counts.count) == [2, 1, 1])
            #expect(runs.map(\.last) == [at(3), at(2), at(4)])
            #expect(runs.first?.duration?.max == 30)
            let types = try await groups(store, by: ["error_type"])
            #expect(types.map { $0.group.map(\.value) } == [[.null], [.string("ValueError")]])
        }
    }

    /// Memory search: latency by search type, the distribution of relevance, query patterns.
    @Test func searchesByTypeAndRelevance() async throws {
        try await withStore { store in
            try await store.commit(
                (0..<100).map { index in
                    EventLine(
                        time: Double(index), kind: "memory_search", name: "search",
                        durationMs: Double(index + 1),
                        attributes: """
                            {"search_type":"\(index < 50 ? "vector" : "text")",\
                            "relevance":\(Double(index) / 100 - 0.1)}
                            """)
                })
            let answer = try await store.summary(
                SummaryQuery(
                    range: everything, groupBy: [GroupKey(word: "search_type")],
                    quantiles: ["relevance", "absent"])
            ).rows
            #expect(answer.map(\.counts.count) == [50, 50])
            let vector = try #require(answer.first { $0.group.first?.value == .string("vector") })
            #expect(vector.duration?.max == 50)
            #expect(vector.quantiles.map(\.path) == ["relevance", "absent"])
            let relevance = try #require(vector.quantiles.first?.summary)
            #expect(relevance.min == -0.1)
            #expect(abs(relevance.max - 0.39) < 1e-9)
            #expect(abs(relevance.avg - 0.145) < 1e-9)
            #expect(abs(relevance.p50 - 0.14) < 0.012)
            #expect(vector.quantiles.last?.summary == nil)
        }
    }

    @Test func theSlowestComeFirst() async throws {
        try await withStore { store in
            try await store.commit(
                (0..<300).map { index in
                    EventLine(
                        time: Double(index), name: index.isMultiple(of: 7) ? "Read" : "Bash",
                        durationMs: index.isMultiple(of: 5) ? nil : Double(index * 37 % 101))
                })
            let expected = try await store.allEvents().filter { $0.durationMs != nil }
                .sorted { ($0.durationMs ?? 0, $0.seq) > ($1.durationMs ?? 0, $1.seq) }
            var seen: [Event] = []
            var page = PageRequest(limit: 17)
            repeat {
                let answer = try await store.events(
                    EventQuery(range: everything, order: .slowestFirst, page: page))
                seen += answer.rows
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(seen == expected)
        }
    }

    @Test func toolsInTheOrderOfTheirTroubles() async throws {
        try await withStore { store in
            func calls(_ name: String, _ count: Int, errors: Int, ms: Double) -> [EventLine] {
                (0..<count).map {
                    EventLine(
                        time: 1, name: name, status: $0 < errors ? .error : .ok, durationMs: ms)
                }
            }
            try await store.commit(
                calls("a", 9, errors: 0, ms: 5) + calls("b", 5, errors: 4, ms: 1)
                    + calls("c", 3, errors: 1, ms: 9))
            func names(_ order: ToolQuery.Order) async throws -> [String] {
                var names: [String] = []
                var page = PageRequest(limit: 2)
                repeat {
                    let answer = try await store.tools(
                        ToolQuery(range: everything, order: order, page: page))
                    names += answer.rows.map(\.name)
                    page.cursor = answer.nextCursor
                } while page.cursor != nil
                return names
            }
            #expect(try await names(.calls) == ["a", "b", "c"])
            #expect(try await names(.errors) == ["b", "c", "a"])
            #expect(try await names(.slowest) == ["c", "a", "b"])
        }
    }

    /// The seed kept the newest 1,000 records and counted no success, since 1 was not `True`.
    @Test func totalsKnowNoCap() async throws {
        try await withStore { store in
            for batch in 0..<6 {
                try await store.commit(
                    (0..<500).map {
                        EventLine(
                            time: Double($0), name: "Bash",
                            status: $0.isMultiple(of: 4) ? .error : .ok, session: "s")
                    }, from: "\(batch)")
            }
            let tool = try await store.tools(ToolQuery(range: everything)).rows.first
            #expect(tool?.counts.count == 3_000)
            #expect(tool?.counts.ok == 2_250)
            #expect(tool?.errorsByCategory == [.unknown: 750])
            #expect(try await store.session("s")?.summary.toolCount == 3_000)
            #expect(try await groups(store, by: []).map(\.counts.count) == [3_000])
        }
    }

    @Test func aSessionIsCalledByItsTitle() async throws {
        try await withStore { store in
            try await store.commit([
                EventLine(
                    time: 1, kind: "session_title", session: "s",
                    attributes: #"{"title":"Fix the build"}"#),
                EventLine(time: 2, kind: "session_title", name: "Ship it", session: "t"),
            ])
            #expect(try await store.session("s")?.summary.title == "Fix the build")
            #expect(try await store.session("t")?.summary.title == "Ship it")
            #expect(try await store.session("s")?.summary.usage == nil)
        }
    }
}
