import GRDB
import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

/// Somebody's own SQL: what it can read, and all that it cannot do.
@Suite struct SQLTests {
    private func filled(_ store: SQLiteStore) async throws {
        try await store.commit([
            EventLine(
                time: 1_700_000_000.25, name: "Bash", status: .ok, durationMs: 30, session: "s",
                attributes: #"{"branch":"main"}"#),
            EventLine(
                time: 1_700_000_001, name: "Bash", status: .error, session: "s", path: "/f",
                access: .read),
            EventLine(time: 1_700_000_002, kind: "prompt", status: .none),
        ])
        var builder = BatchBuilder()
        let series = builder.series("queue.depth", .gauge, "site:a")
        var rollup = Rollup()
        rollup.add(4, weight: 1, atMicroseconds: 1_700_000_001_000_000)
        rollup.add(6, weight: 1, atMicroseconds: 1_700_000_002_000_000)
        builder.add(RollupDelta(series: series, bucketStart: 1_700_000_000, rollup: rollup))
        builder.add(TaskLine(time: 1_700_000_003, status: .running))
        var source = try await TestSource(store, key: "m")
        try await store.commit(source.batch(builder))
    }

    @Test(arguments: [true, false])
    func viewsAreReadOnDiskAndInMemory(_ onDisk: Bool) async throws {
        func check(_ store: SQLiteStore) async throws {
            try await filled(store)
            let events = try await store.answer(
                """
                SELECT time, name, status, duration_ms, session, attributes ->> 'branch' AS branch
                FROM events WHERE kind = 'tool_use' ORDER BY time_us
                """)
            #expect(
                events.columns == ["time", "name", "status", "duration_ms", "session", "branch"])
            #expect(
                events.rows == [
                    [
                        .string("2023-11-14T22:13:20.250Z"), .string("Bash"), .string("ok"),
                        .double(30), .string("s"), .string("main"),
                    ],
                    [
                        .string("2023-11-14T22:13:21.000Z"), .string("Bash"), .string("error"),
                        .null, .string("s"), .null,
                    ],
                ])
            #expect(!events.isTruncated)
            let tools = try await store.answer("SELECT name, count, ok, errors, avg_ms FROM tools;")
            #expect(
                tools.rows == [[.string("Bash"), .int(2), .int(1), .int(1), .double(30)]])
            let metrics = try await store.answer(
                "SELECT name, type, tags, count, avg, max FROM metrics_10s -- all")
            #expect(
                metrics.rows == [
                    [
                        .string("queue.depth"), .string("gauge"), .string("site:a"), .double(2),
                        .double(5), .double(6),
                    ]
                ])
            for view in SQLViews.names {
                let count = try await store.answer("SELECT count(*) FROM \(view)").rows
                #expect(count != [[.int(0)]], "\(view)")
            }
            // What was committed a moment ago is seen.
            try await store.commit([EventLine(time: 1)], from: "b")
            #expect(try await store.answer("SELECT count(*) FROM events").rows == [[.int(5)]])
        }
        if onDisk {
            try await withStore { try await check($0) }
        } else {
            let store = try await SQLiteStore(path: nil, hostName: "here")
            try await check(store)
            await store.close()
        }
    }

    /// What SQLite would do, step by step.
    private static func plan(_ question: String, path: String) throws -> [String] {
        try DatabaseQueue(path: path).write { db in
            guard let connection = db.sqliteConnection, SQLFunctions.register(on: connection)
            else { return [] }
            try db.execute(sql: SQLViews.definitions(secret: "a_"))
            return try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + question)
                .map { $0["detail"] as String }
        }
    }

    /// A metric's name leads to its series, and these to their blocks: no other block is read.
    @Test func filtersByNameReadTheirSeriesAlone() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            await store.close()
            let plan = try Self.plan(
                "SELECT avg FROM temp.metrics_1m WHERE name = 'm'", path: path)
            let searches = plan.filter { $0.hasPrefix("SEARCH") }
            #expect(searches.count { $0.contains("s USING") } == 2, "\(plan)")
            #expect(searches.contains { $0.contains("SEARCH b USING INDEX") }, "\(plan)")
            #expect(searches.contains { $0.contains("SEARCH o USING PRIMARY KEY") }, "\(plan)")
            #expect(!plan.contains { $0.hasPrefix("SCAN s") }, "\(plan)")
        }
    }

    @Test func filtersByTimeUseTheIndex() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            await store.close()
            let plan = try Self.plan("SELECT name FROM temp.events WHERE time_us > 5", path: path)
            #expect(plan.contains { $0.contains("events_by_time") }, "\(plan)")
        }
    }

    @Test(arguments: [
        "DELETE FROM events", "INSERT INTO main.strings VALUES (1, 'x')", "DROP VIEW events",
        "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "CREATE TEMP VIEW v AS SELECT 1",
        "ATTACH '/tmp/other.db' AS other", "DETACH main", "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = OFF", "PRAGMA table_info(events)",
        "SELECT * FROM pragma_database_list", "VACUUM", "VACUUM INTO '/tmp/stolen.db'", "BEGIN",
        "SAVEPOINT s", "REINDEX", "ANALYZE", "EXPLAIN SELECT 1", "SELECT 1; SELECT 2", "", "-- ",
        "SELECT * FROM main.events", "SELECT * FROM strings", "SELECT * FROM sqlite_master",
        "SELECT * FROM temp.sqlite_master", "SELECT * FROM payload_blocks",
        "WITH events AS (SELECT * FROM main.events) SELECT * FROM events",
        "SELECT (SELECT count(*) FROM main.counters)",
        "SELECT * FROM (SELECT id FROM main.strings) AS events",
        "WITH events AS (SELECT text FROM main.strings) SELECT * FROM events",
        "SELECT load_extension('x')",
        "SELECT writefile('/tmp/x', 'y')", "SELECT readfile('/etc/passwd')", "SELECT nonsense",
        "SELECT * FROM nowhere", "SELEKT 1", "VALUES (?1)", "REPLACE INTO events (name) VALUES (1)",
        "UPDATE events SET name = 'x'", "SELECT count(*) FROM dbstat",
        "SELECT count(*) FROM DBSTAT", "SELECT count(*) FROM main.dbstat",
        "SELECT count(*) FROM pragma_table_info('events')",
        "SELECT count(*) FROM Pragma_Function_List", "SELECT count(*) FROM sqlite_master",
        "SELECT count(*) FROM sqlite_schema", "SELECT count(*) FROM Sqlite_Temp_Schema",
        "SELECT count(*) FROM temp.sqlite_master", "SELECT count(*) FROM sqlite_stmt",
        "SELECT count(*) FROM strings", "SELECT count(*) FROM counters",
        "SELECT count(*) FROM main.counters", "SELECT count(*) FROM document_texts",
        "WITH dbstat AS (SELECT 1) SELECT (SELECT count(*) FROM main.dbstat)",
    ])
    func everythingElseIsRefused(_ text: String) async throws {
        try await withStore { store in
            try await filled(store)
            let before = try await store.allEvents()
            do {
                let answer = try await store.answer(text)
                Issue.record("\(text) gave \(answer)")
            } catch {
                guard case .invalid(let path, let hint) = error as? StoreError else {
                    Issue.record("\(text): \(error)")
                    return
                }
                #expect(path == "query")
                #expect(!hint.isEmpty)
            }
            #expect(try await store.allEvents() == before)
        }
    }

    /// Each ends at the deadline or at a bound, with the daemon as well as before.
    @Test(arguments: [
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "SELECT zeroblob(2000000000)",
        "SELECT length(replace(hex(zeroblob(500000)), '0', hex(zeroblob(100))))",
        "SELECT 'a' LIKE '\(String(repeating: "%a", count: 400))'",
        """
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 3000)
        SELECT count(*) FROM c AS a, c AS b, c AS d
        """,
        "SELECT group_concat(printf('%1000s', 'x')) FROM (WITH RECURSIVE c(x) AS "
            + "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c)",
        "SELECT \(String(repeating: "(", count: 5_000))1\(String(repeating: ")", count: 5_000))",
        "SELECT 1\(String(repeating: " UNION SELECT 1", count: 200))",
    ])
    func bombsEnd(_ text: String) async throws {
        try await withStore(queryMsMax: 2_000) { store in
            do {
                let answer = try await store.answer(text)
                Issue.record("\(text.prefix(100)) gave \(answer)")
            } catch let error as StoreError {
                switch error {
                case .timeout, .invalid: break
                default: Issue.record("\(text.prefix(100)): \(error)")
                }
            }
            #expect(try await store.answer("SELECT 1").rows == [[.int(1)]])
        }
    }

    /// SQLite asks for these by the name that the statement gave them.
    @Test(arguments: [
        ("WITH x AS (SELECT 1) SELECT count(*) FROM x", 1),
        ("WITH t AS (SELECT DISTINCT kind FROM events) SELECT count(*) FROM t", 3),
        ("WITH \"a b\" AS (SELECT kind FROM events) SELECT count(*) FROM \"a b\"", 4),
        ("WITH a AS (SELECT 1), b AS (SELECT 1 FROM a, a AS c) SELECT count(*) FROM b, b AS d", 1),
    ])
    func tablesOfOnesOwnAreCounted(_ text: String, _ count: Int64) async throws {
        try await withStore { store in
            try await filled(store)
            #expect(try await store.answer(text).rows == [[.int(count)]])
        }
    }

    @Test func jsonIsReadAsATable() async throws {
        try await withStore { store in
            try await filled(store)
            #expect(
                try await store.answer("SELECT value FROM json_each('[1,2]')").rows
                    == [[.int(1)], [.int(2)]])
            #expect(
                try await store.answer("SELECT count(*) FROM json_tree('{\"a\":[1,2]}')").rows
                    == [[.int(4)]])
            #expect(
                try await store.answer(
                    "SELECT e.name, j.key, j.value FROM events e, json_each(e.attributes) j"
                ).rows == [[.string("Bash"), .string("branch"), .string("main")]])
        }
    }

    @Test func repliesAreBounded() async throws {
        try await withStore { store in
            let numbers =
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 50) "
            let some = try await store.answer(numbers + "SELECT x FROM c", limit: 10)
            #expect(some.rows.count == 10)
            #expect(some.isTruncated)
            let all = try await store.answer(numbers + "SELECT x FROM c", limit: 50)
            #expect(all.rows.count == 50)
            #expect(!all.isTruncated)
            let large = try await store.answer(numbers + "SELECT printf('%1000000s', x) FROM c")
            #expect(large.isTruncated)
            #expect((1..<17).contains(large.rows.count))
        }
    }

    @Test func valuesOfEveryTypeAreWritten() async throws {
        try await withStore { store in
            let values = try await store.answer(
                "SELECT 1, 1.5, 9e999, 'ü', x'00ff', NULL, CAST(x'c3' AS TEXT), '' AS a, 1 AS a")
            #expect(
                values.rows == [
                    [
                        .int(1), .double(1.5), .null, .string("ü"), .string("00FF"), .null,
                        .string("\u{fffd}"), .string(""), .int(1),
                    ]
                ])
        }
    }
}
