import Foundation
import QuipuProtocol
import TestSupport
import Testing

@testable import Importing

/// What files are taken for, and what becomes of each row.
@Suite struct PlanTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func plan(_ paths: [String], as kind: OriginalKind? = nil) throws -> ImportPlan {
        let times = try #require(LocalTime(zoneName: "Europe/Berlin"))
        var planner = ImportPlanner(times: times, as: kind)
        for path in paths { planner.add(path) }
        return planner.plan
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = directory(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func lines(_ table: ImportedTable) throws -> [JSON] {
        try table.lines.split(separator: 0x0a).map { try JSON.parse($0) }
    }

    @Test func contentDecidesAndNotTheName() throws {
        let files = [
            ("a", SeedFixtures.usage(count: 2, kept: 2), OriginalKind.usage),
            (
                "b", #"[{"timestamp":"2025-10-18T10:00:00","tool_name":"Bash","success":true}]"#,
                .toolUsage
            ),
            (
                "c",
                #"[{"timestamp":"2025-10-18T10:00:00","task_id":"t","status":"started","message":""}]"#,
                .agentStatus
            ),
            (
                "d",
                #"{"t":{"task_id":"t","status":"failed","description":"x","created_at":"2025-10-18T10:00:00"}}"#,
                .tasks
            ),
            (
                "e", #"{"7":{"user_id":7,"created_at":"2025-10-18T10:00:00","history":[]}}"#,
                .sessions
            ),
        ]
        for (name, text, kind) in files {
            let plan = try plan([write(text, name)])
            #expect(plan.tables.map(\.kind) == [kind], "\(name)")
            #expect(plan.tables.first?.takenCount == plan.tables.first?.rows.count)
            #expect(plan.refusedCount == 0)
        }
        let logs = [
            ("f.jsonl", "{\"timestamp\":null,\"tool\":\"Bash\"}\n"),
            ("g", "{\"a\":1}\n{\"a\":2}\n"),
            ("h.json", "[\n {\"session_id\":\"s\",\"tool_name\":\"Bash\"}\n]"),
            ("i.json", "{\"hook_event_name\":\"Stop\",\n\"session_id\":\"s\"}"),
            ("j.jsonl", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n"),
        ]
        for (name, text) in logs {
            let path = try write(text, name)
            #expect(try plan([path]).logs == [path])
        }
    }

    @Test func whatIsNothingIsToldOnlyWhereItWasNamed() throws {
        let path = try write("hello", "folder/readme.txt")
        let empty = try write("", "folder/empty.jsonl")
        #expect(try plan([path]).refused.count == 1)
        let whole = try plan([directory("folder")])
        #expect(whole.refused.isEmpty)
        #expect(Set(whole.passedOver) == [path, empty])
        #expect(try plan([directory("nowhere")]).refused.count == 1)
        #expect(try plan([path], as: .usage).refused.count == 1)
    }

    @Test(arguments: [1, 5, 10, 14]) func everySchemaIsRead(_ version: Int) throws {
        let path = directory("agent.db")
        try SQLiteFile.run(
            SeedFixtures.schema(version) + SeedFixtures.task + SeedFixtures.calls(0..<20)
                + SeedFixtures.statuses, in: path)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let plan = try plan([path])
        let counts = Dictionary(
            uniqueKeysWithValues: plan.tables.map { ($0.path.split(separator: "#")[1], $0) })
        #expect(counts["tool_usage"]?.takenCount == 20)
        #expect(counts["tasks"]?.takenCount == 1)
        #expect(counts["agent_status"]?.takenCount == 4)
        #expect(plan.refusedCount == 0)
        let calls = try lines(try #require(counts["tool_usage"]))
        #expect(calls[0]["timestamp"] == "2026-11-10T09:00:00.000250Z")
        #expect(calls[0]["task_id"] == "t-1" && calls[1]["task_id"] == nil)
        #expect(calls[1]["session_id"] == "cli-7")
        #expect(calls[3]["hook_event_name"] == "PreToolUse")
        #expect(calls[7]["error"] == "File not found" && calls[7]["has_error"] == true)
        #expect(Set(calls.map { $0["tool_use_id"]?.string }).count == 20)
        // The same rows are told apart the same way: two equal statuses stay two.
        let statuses = try lines(try #require(counts["agent_status"]))
        #expect(Set(statuses.map { $0["uuid"]?.string }).count == 4)
        #expect(try self.plan([path]).tables.map(\.lines) == plan.tables.map(\.lines))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 1)
        let hasUsers = version >= 8
        #expect(counts["tasks"]?.notes.contains { $0.contains("users") } == hasUsers)
    }

    /// Whichever of the tables that are read a database has.
    @Test(arguments: [
        "CREATE TABLE tool_usage(id INTEGER, timestamp TEXT, tool_name TEXT)",
        "CREATE TABLE agent_status(id INTEGER)", "CREATE TABLE cost_tracking(id INTEGER)",
        "CREATE TABLE user_limits(user_id INTEGER)",
        "CREATE TABLE files(file_path TEXT); CREATE TABLE tool_usage(id INTEGER)",
    ])
    func rowsThatAreNotReadAreCounted(_ tables: String) throws {
        let path = directory("agent.db")
        try SQLiteFile.run(
            tables + ";CREATE TABLE users(a);CREATE TABLE messages(a);CREATE TABLE games(a);"
                + "INSERT INTO users VALUES (1),(2),(3);INSERT INTO messages VALUES (1)", in: path)
        #expect(
            try plan([path]).tables.flatMap(\.notes) == [
                "table messages: its 1 row is not read", "table users: its 3 rows are not read",
            ])
    }

    @Test func rowsThatTellTheSameAreTakenOnce() throws {
        let path = directory("agent.db")
        try SQLiteFile.run(SeedFixtures.schema(14) + SeedFixtures.calls(0..<3), in: path)
        let older = try write(
            #"""
            [{"timestamp":"2026-11-10T10:01:00.000250","task_id":"cli-7","tool_name":"Read","success":true},
             {"timestamp":"2026-11-09T10:01:00.000250","task_id":"cli-7","tool_name":"Read","success":true},
             {"timestamp":"2026-11-09T10:01:00.000250","task_id":"cli-7","tool_name":"Read","success":true}]
            """#, "tool_usage.json")
        let table = try #require(try plan([path, older]).tables.last)
        #expect(table.mergedCount == 1)
        #expect(table.takenCount == 2)
        #expect(table.rows.first?.fate == .merged(with: path + "#tool_usage 2"))
    }

    @Test func refusalsNameTableRowAndColumn() throws {
        let path = directory("agent.db")
        try SQLiteFile.run(
            SeedFixtures.schema(14) + SeedFixtures.calls(0..<2)
                + """
                INSERT INTO tool_usage (timestamp, tool_name, success) VALUES
                    ('yesterday', 'Read', 1), (NULL, 'Read', 1), ('2026-11-10T10:00:00', NULL, 1),
                    ('2026-11-10T10:00:00', 'Read', 7);
                INSERT INTO tasks (task_id, status, created_at) VALUES
                    ('t-9', 'exploded', '2026-11-10T10:00:00');
                """, in: path)
        let plan = try plan([path])
        let refusals = plan.tables.flatMap { table in
            table.rows.compactMap { row -> String? in
                guard case .refused(let column, _) = row.fate else { return nil }
                return "\(table.path.split(separator: "#")[1]) \(row.row) \(column)"
            }
        }
        #expect(
            refusals == [
                "tasks t-9 status", "tool_usage 3 timestamp", "tool_usage 4 timestamp",
                "tool_usage 5 tool_name", "tool_usage 6 success",
            ])
        #expect(plan.refusedCount == 5)
    }

    @Test func foreignDatabasesAreRefused() throws {
        for (name, sql, word) in [
            (
                "own.db", "CREATE TABLE sources(a);CREATE TABLE strings(a);CREATE TABLE events(a)",
                "Quipu"
            ),
            ("new.db", SeedFixtures.schema(15), "schema 15"),
            ("other.db", "CREATE TABLE songs(a)", "none of the tables"),
        ] {
            try SQLiteFile.run(sql, in: directory(name))
            let refused = try plan([directory(name)]).refused
            #expect(refused.count == 1 && refused[0].reason.contains(word), "\(refused)")
        }
    }

    /// A writer that has not emptied its log: the rows are in no other file yet.
    @Test func rowsInTheLogOfAWriterAreSeen() throws {
        let path = directory("live.db")
        let writer = try LiveDatabase(path)
        try writer.run("PRAGMA journal_mode = wal;" + SeedFixtures.schema(14))
        try writer.run(SeedFixtures.calls(0..<5))
        let table = try plan([path]).tables.first { $0.path.hasSuffix("#tool_usage") }
        #expect(table?.takenCount == 5)
    }

    @Test func cappedRecordsAreSaidAndNotInvented() throws {
        let plan = try plan([write(SeedFixtures.usage(count: 1_500, kept: 1_000), "usage.json")])
        let table = try #require(plan.tables.first)
        #expect(table.takenCount == 1_000)
        #expect(table.sums.costNanoUSD == 1_000_000_000)
        #expect(table.notes.count == 1)
        #expect(table.notes[0].contains("$0.500000 of 500 requests is in no record"))
        #expect(plan.limits.map(\.period) == ["day", "month"])
    }

    /// Whoever wrote the original may have written any number.
    @Test func amountsThatNoSumHoldsAreRefused() throws {
        func record(_ cost: String) -> String {
            #"{"timestamp":"2026-11-10T10:00:00","model":"m","input_tokens":9223372036854775807,"#
                + #""output_tokens":1,"cost":\#(cost)}"#
        }
        func user(_ name: String, _ costs: [String], _ total: String, _ requests: String) -> String
        {
            let records = costs.map(record).joined(separator: ",")
            return #""\#(name)":{"records":[\#(records)],"total_cost":\#(total),"#
                + #""total_requests":\#(requests)}"#
        }
        let text = [
            user("a", ["1e10", "-1", "1.5"], "1e12", "3"), user("b", ["9e9", "9e9"], "9e9", "2"),
            user("c", [], "-9e9", "-9223372036854775808"),
            user("d", [], "-1e300", "9223372036854775807"),
        ].joined(separator: ",")
        let plan = try plan([write("{\(text)}", "usage.json")])
        let table = try #require(plan.tables.first)
        let refused = table.rows.compactMap { row -> String? in
            guard case .refused(let column, let reason) = row.fate else { return nil }
            return "\(row.row) \(column) \(reason)"
        }
        #expect(
            refused == [
                "a.records[0] cost is no amount: 10000000000.0",
                "a.records[1] cost is no amount: -1",
            ])
        #expect(table.takenCount == 3)
        #expect(table.sums.costNanoUSD == .max)
        #expect(table.sums.inputTokens == .max)
        #expect(table.notes.first == "user a: total_cost is no amount: 1000000000000.0")
        #expect(table.notes.count == 4)
    }

    @Test func countsThatNoSumHoldsAreSaid() throws {
        let path = directory("agent.db")
        let files = [Int64.max, .max, .min].enumerated().map { index, count in
            """
            INSERT INTO files VALUES ('/srv/\(index)', '2026-11-10T10:00:00',
                '2026-11-10T10:00:00', \(count), NULL, NULL, 1, NULL);
            """
        }
        try SQLiteFile.run(SeedFixtures.schema(14) + files.joined(), in: path)
        let table = try #require(try plan([path]).tables.last)
        #expect(table.notes.first?.hasPrefix("\(Int64.max) uses of files") == true)
        #expect(table.refusedCount == 1)
    }

    @Test(arguments: [
        // Total, requests, and the costs of the records.
        (
            #"{"total_cost":0.5,"total_requests":2,"records":[RECORD]}"#,
            "for 2 requests, its 1 record adds up to $0.250000; $0.250000 of 1 request is in no"
                + " record and cannot be taken"
        ),
        (
            #"{"total_cost":0.25,"total_requests":3,"records":[RECORD]}"#,
            "2 requests are in no record and cannot be taken"
        ),
        (
            #"{"total_cost":0.75,"total_requests":1,"records":[RECORD]}"#,
            "for 1 request, its 1 record adds up to $0.250000; $0.500000 is in no record and"
                + " cannot be taken"
        ),
        (
            #"{"total_cost":0.25,"total_requests":0,"records":[RECORD,RECORD]}"#,
            "its 2 records add up to $0.500000; the records count, which tell of more"
        ),
    ])
    func sumsThatDifferAreTold(_ user: String, _ expected: String) throws {
        let record = #"{"timestamp":"2025-10-18T10:00:00","cost":0.25}"#
        let text = "{\"7\":\(user.replacing("RECORD", with: record))}"
        let notes = try plan([write(text, "usage.json")]).tables.flatMap(\.notes)
        #expect(notes.count == 1 && notes[0].hasSuffix(expected), "\(notes)")
    }

    @Test func usesOfFilesThatNobodyLoggedStayCounts() throws {
        let path = directory("agent.db")
        try SQLiteFile.run(
            SeedFixtures.schema(14) + SeedFixtures.calls(0..<4)
                + """
                INSERT INTO files VALUES ('/srv/a0.py', '2026-11-10T10:00:00',
                    '2026-11-10T10:00:00', 3, '["t-1"]', '{"read":3}', 120, NULL);
                """, in: path)
        let files = try #require(try plan([path]).tables.last)
        #expect(files.path.hasSuffix("#files"))
        #expect(files.notes.first?.contains("2 uses of files") == true)
        #expect(try lines(files)[0]["access_count"] == 3)
    }
}
