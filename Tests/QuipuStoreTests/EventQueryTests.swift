import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct EventQueryTests {
    private static let hostile = #"x' OR '1'='1"; DROP TABLE events; --"#

    private static let lines = [
        EventLine(
            time: 1, name: "Bash", status: .ok, durationMs: 10, session: "s1", task: "t",
            attributes: #"{"provider":"aws","tokens":812,"cached":true,"ratio":0.5}"#),
        EventLine(
            time: 2, name: "Read", status: .error, durationMs: 20, session: "s2", error: "gone",
            attributes: #"{"provider":"gcp","tokens":"812","cached":1}"#,
            payload: #"{"tool_input":{"file_path":"/etc/hosts","note":"50%_done"}}"#),
        EventLine(
            time: 3, kind: "prompt", status: .none, session: hostile,
            attributes: #"{"provider":null,"a\"b":"quoted"}"#),
    ]

    /// The times of the events that pass.
    private func times(_ path: String, _ test: Filter.Test) async throws -> [Double] {
        try await withStore { store in
            try await store.commit(Self.lines)
            return try await store.allEvents([Filter(path: path, test: test)])
                .map { Double($0.time.microseconds) / 1_000_000 }
        }
    }

    @Test(
        arguments: [
            ("kind", .oneOf([.string("tool_use")]), [1.0, 2]),
            ("name", .oneOf([.string("Bash"), .null]), [1, 3]),
            ("name", .like("re%"), [2]),
            ("status", .oneOf([.string("error")]), [2]),
            ("status", .oneOf([.null]), [3]),
            ("status", .not(.oneOf([.string("ok")])), [2, 3]),
            ("session", .oneOf([.string(hostile)]), [3]),
            ("session", .oneOf([.string("s1"), .string("s2")]), [1, 2]),
            ("session", .oneOf([.string("nobody")]), []),
            ("task", .oneOf([.null]), [2, 3]),
            ("error", .like("%on%"), [2]),
            ("duration_ms", .atLeast(.int(10)), [1, 2]),
            ("duration_ms", .all([.above(.int(10)), .below(.double(20.5))]), [2]),
            ("duration_ms", .atMost(.string("x")), []),
            ("source", .like("/logs/%.jsonl"), [1, 2, 3]),
            ("host", .oneOf([.string("here")]), [1, 2, 3]),
            ("provider", .oneOf([.string("aws")]), [1]),
            ("attributes.provider", .oneOf([.string("gcp")]), [2]),
            ("provider", .oneOf([.null]), [3]),
            ("absent", .oneOf([.null]), [1, 2, 3]),
            ("tokens", .oneOf([.int(812)]), [1]),
            ("tokens", .oneOf([.double(812)]), [1]),
            ("tokens", .oneOf([.string("812")]), [2]),
            ("cached", .oneOf([.bool(true)]), [1]),
            ("cached", .oneOf([.int(1)]), [2]),
            ("ratio", .below(.int(1)), [1]),
            ("tool_input.file_path", .oneOf([.string("/etc/hosts")]), [2]),
            ("tool_input.note", .like("50%"), [2]),
            (#"a"b"#, .oneOf([.string("quoted")]), [3]),
            (#"x') OR 1=1 --"#, .oneOf([.string(hostile)]), []),
        ] as [(String, Filter.Test, [Double])])
    func filters(path: String, test: Filter.Test, expected: [Double]) async throws {
        #expect(try await times(path, test) == expected)
    }

    @Test func aBoundMustBeComparable() async throws {
        await #expect {
            try await times("duration_ms", .not(.all([.above(.bool(true))])))
        } throws: { error in
            error as? StoreError
                == .invalid(path: "where.duration_ms", hint: "compare with a number or a string")
        }
    }

    @Test func rangesIncludeTheirBeginningAndNotTheirEnd() async throws {
        try await withStore { store in
            try await store.commit(Self.lines)
            let range = TimeRange(since: at(1), until: at(3))
            #expect(try await store.allEvents(in: range).map(\.time) == [at(1), at(2)])
        }
    }

    @Test(arguments: [true, false])
    func cursorsWalkEverythingOnceWhileRowsAreAdded(newestFirst: Bool) async throws {
        try await withStore { store in
            // Many events at the same moments, as times of arrival are.
            try await store.commit((0..<500).map { EventLine(time: Double($0 / 100)) })
            var seen: [Int64] = []
            var page = PageRequest(limit: 37)
            repeat {
                let answer = try await store.events(
                    EventQuery(range: everything, newestFirst: newestFirst, page: page))
                seen += answer.rows.map(\.seq)
                page.cursor = answer.nextCursor
                let aside = newestFirst ? 1_000.0 : -1_000
                try await store.commit(
                    [EventLine(time: aside)], from: "more\(seen.count)")
            } while page.cursor != nil
            #expect(seen == (newestFirst ? (1...500).reversed() : Array(1...500)))
        }
    }

    @Test func refusesACursorOfAnotherList() async throws {
        try await withStore { store in
            for cursor in ["", "e", "e.1", "x.1.2", "e.1.2.3", "e.1.b", "'; --"] {
                let query = EventQuery(range: everything, page: PageRequest(cursor: cursor))
                await #expect(throws: StoreError.self) { try await store.events(query) }
            }
        }
    }

    @Test func aPageOfLargeEventsEndsEarly() async throws {
        try await withStore { store in
            let text = String(repeating: "x", count: 5 << 20)
            try await store.commit(
                (0..<4).map { EventLine(time: Double($0), payload: #"{"t":"\#(text)"}"#) })
            let page = try await store.events(EventQuery(range: everything))
            #expect(page.rows.count == 2)
            #expect(page.nextCursor != nil)
        }
    }

    @Test func readsWithTheTimeIndex() async throws {
        try await withStore { store in
            let plan = try await store.read { context in
                let explain = try context.prepare(
                    """
                    EXPLAIN QUERY PLAN SELECT id FROM events
                    WHERE time >= 1 AND time < 2 AND (time, id) < (1, 2)
                    ORDER BY time DESC, id DESC
                    """)
                var steps: [String] = []
                while try explain.step() { steps.append(explain.string(3) ?? "") }
                return steps
            }
            #expect(plan.count == 1)
            #expect(plan.first?.contains("INDEX events_by_time") == true)
        }
    }
}
