import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct AggregateQueryTests {
    private func call(
        _ time: Double, _ name: String, _ status: EventStatus, _ ms: Double? = nil,
        attributes: String? = nil
    ) -> EventLine {
        EventLine(
            time: time, name: name, status: status, durationMs: ms, session: "s",
            attributes: attributes)
    }

    @Test func groupsByColumnsAndAttributes() async throws {
        try await withStore { store in
            try await store.commit([
                call(1, "Bash", .ok, 10, attributes: #"{"provider":"aws","tokens":5}"#),
                call(2, "Bash", .error, 30, attributes: #"{"provider":"aws","tokens":7.5}"#),
                call(3, "Bash", .ok, attributes: #"{"provider":"gcp","tokens":"9"}"#),
                call(4, "Read", .blocked),
            ])
            let page = try await store.summary(
                SummaryQuery(
                    range: everything,
                    groupBy: [GroupKey(word: "name"), GroupKey(word: "attributes.provider")],
                    sum: ["tokens", "duration_ms"]))
            #expect(page.nextCursor == nil)
            #expect(page.rows.map { $0.group.map(\.name) }.first == ["name", "provider"])
            #expect(
                page.rows.map { $0.group.map(\.value) } == [
                    [.string("Bash"), .string("aws")], [.string("Bash"), .string("gcp")],
                    [.string("Read"), .null],
                ])
            let first = try #require(page.rows.first)
            #expect(first.counts.count == 2)
            #expect(first.counts.errors == 1)
            #expect(first.counts.successRatePercent == 50)
            #expect(first.duration?.min == 10)
            #expect(first.duration?.avg == 20)
            #expect(first.duration?.max == 30)
            #expect(first.sums.map(\.value) == [12.5, 40])
            #expect(page.rows.map(\.duration).last == .some(nil))
        }
    }

    @Test func withoutGroupsEverythingIsOne() async throws {
        try await withStore { store in
            let query = SummaryQuery(range: everything)
            #expect(try await store.summary(query).rows.isEmpty)
            try await store.commit([call(1, "a", .ok), call(2, "b", .ok)])
            #expect(try await store.summary(query).rows.map(\.counts.count) == [2])
        }
    }

    @Test(arguments: [
        (GroupKey.Span.hour, "2024-02-29T23:00:00.000Z"), (.day, "2024-02-29T00:00:00.000Z"),
        (.week, "2024-02-26T00:00:00.000Z"), (.month, "2024-02-01T00:00:00.000Z"),
    ])
    func groupsBySpansOfTheCalendar(span: GroupKey.Span, start: String) async throws {
        try await withStore { store in
            // 2024-02-29T23:59:59.5Z, a Thursday, and a year later.
            try await store.commit([
                call(1_709_251_199.5 + 31_622_400, "b", .ok), call(1_709_251_199.5, "a", .ok),
            ])
            let page = try await store.summary(
                SummaryQuery(range: everything, groupBy: [.span(span)]))
            #expect(page.rows.count == 2)
            #expect(page.rows.first?.group.first?.value == .string(start))
        }
    }

    @Test func civilTimesBefore1970AndFarAway() {
        let before = Timestamp(microseconds: -1)
        #expect(CivilTime.start(of: .hour, holding: before) == -3_600)
        #expect(CivilTime.start(of: .week, holding: before) == -3 * 86_400)
        #expect(CivilTime.text(seconds: -1) == "1969-12-31T23:59:59.000Z")
        for span in GroupKey.Span.allCases {
            for time in [Int64.min, .max] {
                _ = CivilTime.text(
                    seconds: CivilTime.start(of: span, holding: Timestamp(microseconds: time)))
            }
        }
    }

    @Test func cursorsWalkAllGroups() async throws {
        try await withStore { store in
            try await store.commit(
                (0..<50).flatMap { group in
                    (0...(group % 4)).map { call(Double($0), "tool \(group)", .ok) }
                })
            var names: [Scalar] = []
            var counts: [Int] = []
            var tools: [String] = []
            var page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.summary(
                    SummaryQuery(range: everything, groupBy: [.column(.name)], page: page))
                names += answer.rows.flatMap { $0.group.map(\.value) }
                counts += answer.rows.map(\.counts.count)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            repeat {
                let answer = try await store.tools(ToolQuery(range: everything, page: page))
                tools += answer.rows.map(\.name)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(Set(names).count == 50)
            #expect(names.count == 50)
            #expect(counts == counts.sorted(by: >))
            #expect(names == tools.map { .string($0) })
        }
    }

    @Test(arguments: ["uniform", "exponential", "two peaks", "constant"])
    func percentilesAreWithinOnePercent(distribution: String) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let durations: [Double] = (0..<3_000).map { _ in
            let x = Double.random(in: 0.001..<1, using: &random)
            let value =
                switch distribution {
                case "uniform": 1 + 999 * x
                case "exponential": 1 / x
                case "two peaks": random.chance(50) ? 5 + x : 5_000 + x
                default: 42.0
                }
            // Durations are stored in microseconds.
            return (value * 1_000).rounded() / 1_000
        }
        try await withStore { store in
            try await store.commit(durations.map { call(1, "Bash", .ok, $0) })
            let tool = try #require(
                try await store.tools(ToolQuery(range: everything)).rows.first)
            let duration = try #require(tool.duration)
            let sorted = durations.sorted()
            func exact(_ q: Double) -> Double { sorted[Int(q * Double(sorted.count - 1))] }
            for (found, q) in [(duration.p50, 0.5), (duration.p90, 0.9), (duration.p99, 0.99)] {
                #expect(abs(found - exact(q)) <= exact(q) * 0.010_1)
            }
            #expect(duration.min == sorted.first)
            #expect(duration.max == sorted.last)
        }
    }

    @Test func toolsCountCallsOnly() async throws {
        try await withStore { store in
            try await store.commit([
                call(1, "Bash", .ok, 5), call(9, "Bash", .running), call(3, "Read", .error),
                EventLine(time: 4, kind: "hook", name: "Bash"),
            ])
            let tools = try await store.tools(ToolQuery(range: everything)).rows
            #expect(tools.map(\.name) == ["Bash", "Read"])
            #expect(tools.first?.counts.count == 2)
            #expect(tools.first?.counts.running == 1)
            #expect(tools.first?.lastUsed == at(9))
            // A narrow range is read through the index, a wide one from end to end.
            let narrow = TimeRange(since: at(1), until: at(3))
            let few = try await store.tools(ToolQuery(range: narrow)).rows
            #expect(few.map(\.counts.count) == [1])
            let wide = TimeRange(since: at(1), until: at(9))
            let more = try await store.tools(ToolQuery(range: wide)).rows
            #expect(more.map(\.counts.count) == [1, 1])
        }
    }

    @Test func tooManyGroupsAreRefused() async throws {
        try await withStore { store in
            try await store.commit(
                (0...Limits.groupsPerReplyMax).map { call(1, "tool \($0)", .ok) })
            let query = SummaryQuery(range: everything, groupBy: [.column(.name)])
            await #expect(throws: StoreError.self) { try await store.summary(query) }
        }
    }
}
