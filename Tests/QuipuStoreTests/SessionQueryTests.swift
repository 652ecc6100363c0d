import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct SessionQueryTests {
    private let now = at(10_000)

    private func list(
        _ store: SQLiteStore, _ state: SessionState? = nil, filters: [Filter] = [],
        range: TimeRange = everything
    ) async throws -> [String] {
        try await store.sessions(
            SessionQuery(range: range, filters: filters, state: state, now: now)
        ).rows.map(\.session)
    }

    private func line(_ session: String, _ secondsAgo: Double, _ status: EventStatus = .ok)
        -> EventLine
    {
        EventLine(time: 10_000 - secondsAgo, name: "Bash", status: status, session: session)
    }

    @Test func listsTheNewestActivityFirstAndByState() async throws {
        try await withStore { store in
            // The states' borders: 300.999 s is still 300 whole seconds.
            let ages = [0, 300.999, 301, 1_800.999, 1_801, 9_000]
            try await store.commit(ages.map { line("\($0)", $0) })
            let names = ages.map { "\($0)" }
            #expect(try await list(store) == names)
            #expect(try await list(store, .active) == Array(names[..<2]))
            #expect(try await list(store, .idle) == Array(names[2..<4]))
            #expect(try await list(store, .ended) == Array(names[4...]))
            for state in SessionState.allCases {
                let rows = try await store.sessions(
                    SessionQuery(range: everything, state: state, now: now)
                ).rows
                for row in rows {
                    #expect(SessionState.of(lastActivity: row.lastActivity, now: now) == state)
                }
            }
        }
    }

    @Test func aRangeHoldsSessionsWithActivityInIt() async throws {
        try await withStore { store in
            try await store.commit([line("long", 900), line("long", 100), line("short", 500)])
            let early = TimeRange(since: at(9_000), until: at(9_200))
            #expect(try await list(store, range: early) == ["long"])
            let late = TimeRange(since: at(9_800), until: at(9_950))
            #expect(try await list(store, range: late) == ["long"])
        }
    }

    /// Rows of a transcript that bear no time do not make an old session a new one.
    @Test(arguments: [true, false]) func timesOfArrivalAreNoActivity(
        arrivalFirst: Bool
    ) async throws {
        try await withStore { store in
            var arrived = line("old", 0)
            arrived.timeIsArrival = true
            let told = [line("old", 9_000), line("old", 8_000)]
            if arrivalFirst { try await store.commit([arrived], from: "b") }
            try await store.commit(told)
            if !arrivalFirst { try await store.commit([arrived], from: "b") }
            let session = try #require(try await store.session("old")).summary
            #expect(session.started == at(1_000))
            #expect(session.lastActivity == at(2_000))
            let own = Filter(path: "session", test: .oneOf([.string("old")]))
            #expect(try await store.allEvents([own]).count == 3)
            // Where no line tells a time, arrival is all there is.
            var untimed = line("untimed", 5)
            untimed.timeIsArrival = true
            try await store.commit([untimed], from: "c")
            untimed.time += 3
            try await store.commit([untimed], from: "c")
            #expect(try await store.session("untimed")?.summary.lastActivity == at(9_998))
        }
    }

    @Test func filtersChooseSessionsByTheirEvents() async throws {
        try await withStore { store in
            try await store.commit([line("a", 3), line("a", 2, .error), line("b", 1)])
            let filter = Filter(path: "status", test: .oneOf([.string("error")]))
            #expect(try await list(store, filters: [filter]) == ["a"])
            let page = try await store.sessions(
                SessionQuery(range: everything, filters: [filter], now: now))
            #expect(page.rows.first?.eventCount == 2)
        }
    }

    @Test func cursorsWalkAllSessions() async throws {
        try await withStore { store in
            try await store.commit((0..<40).map { line("s\($0)", Double($0 / 10)) })
            var seen: [String] = []
            var page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.sessions(
                    SessionQuery(range: everything, now: now, page: page))
                seen += answer.rows.map(\.session)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(seen.count == 40)
            #expect(Set(seen).count == 40)
        }
    }

    @Test func anUnknownSessionIsNone() async throws {
        try await withStore { store in
            let session = try await store.session("nobody")
            #expect(session == nil)
        }
    }
}
