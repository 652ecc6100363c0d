import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// `quipu import` with a real daemon: nothing is lost, nothing is doubled, and it says so.
@Suite(.serialized) struct ImportTests {
    private func run(
        _ rig: Rig, _ arguments: [String]
    ) throws -> (status: Int32, report: JSON) {
        let done = try Program.run(
            "quipu",
            ["--runtime-dir", rig.runtime, "import", "--json", "--time-zone", "Europe/Berlin"]
                + arguments)
        return (done.status, try JSON.parse(done.output.utf8.filter { $0 != 0x0a }))
    }

    private func calls(_ rig: Rig) throws -> [JSON] {
        try rig.allEvents([.init("kind", "tool_use")])
    }

    private func total(_ rig: Rig, _ member: String) throws -> Int64? {
        try rig.ask("ledger")["total"]?[member]?.int
    }

    /// A folder of one dashboard: database, JSON files, logs of hooks.
    private func makeFolder(_ rig: Rig) throws -> String {
        let folder = rig.directory("old")
        try FileManager.default.createDirectory(
            atPath: folder + "/logs/sessions/s-1", withIntermediateDirectories: true)
        try SQLiteFile.run(
            SeedFixtures.schema(14) + SeedFixtures.task + SeedFixtures.calls(0..<20)
                + SeedFixtures.statuses, in: folder + "/agent.db")
        try SeedFixtures.usage(count: 1_500, kept: 1_000).write(
            toFile: folder + "/usage.json", atomically: true, encoding: .utf8)
        var log = ""
        for second in 10..<20 {
            log += #"{"timestamp":"2026-11-10T12:00:\#(second)Z","tool":"Glob","output_length":0,"#
            log += #""has_error":false}"# + "\n"
        }
        try log.write(
            toFile: folder + "/logs/sessions/s-1/post_tool_use.jsonl", atomically: true,
            encoding: .utf8)
        return folder
    }

    @Test func twiceChangesNothing() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let folder = try makeFolder(rig)
        let dry = try run(rig, ["--dry-run", folder])
        #expect(dry.status == 0)
        #expect(try total(rig, "received") == 0)

        let first = try run(rig, [folder])
        #expect(first.status == 0)
        #expect(first.report["total"]?["rejected"]?.members?.isEmpty == true)
        // 20 calls, a task and its activity, 4 statuses, 1,000 costs, 10 lines.
        #expect(first.report["total"]?["received"] == 1_036)
        #expect(try calls(rig).count == 30)
        let before = try rig.ask("ledger")
        #expect(before["balanced"] == true)
        #expect(before["total"]?["received"] == 1_036)

        let second = try run(rig, [folder])
        #expect(second.status == 0)
        #expect(second.report["total"]?["received"] == 0)
        #expect(try rig.ask("ledger")["total"] == before["total"])
        let known = try run(rig, ["--dry-run", folder])
        for report in [second.report, known.report] {
            let tables = (report["tables"]?.array ?? []).filter { $0["rows"] != 0 }
            #expect(tables.count == 4)
            #expect(tables.allSatisfy { $0["known"] == true })
        }
    }

    @Test func onlyWhatIsNewIsAdded() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let folder = try makeFolder(rig)
        _ = try run(rig, [folder])
        #expect(try calls(rig).filter { $0["status"] == "running" }.count == 2)

        // Two more calls, and one that ran has ended; a copy at another place tells nothing new.
        try SQLiteFile.run(
            SeedFixtures.calls(20..<22)
                + "UPDATE tool_usage SET success = 1, duration_ms = 99 WHERE id = 4;",
            in: folder + "/agent.db")
        let copy = rig.directory("copy.db")
        try FileManager.default.copyItem(atPath: folder + "/agent.db", toPath: copy)
        let grown = try run(rig, [folder])
        #expect(grown.status == 0)
        let calls = try calls(rig)
        #expect(calls.count == 32)
        #expect(calls.filter { $0["status"] == "running" }.count == 1)
        #expect(calls.contains { $0["duration_ms"] == 99 })
        #expect(try run(rig, [copy]).status == 0)
        #expect(try self.calls(rig).count == 32)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }

    @Test func refusedRowsEndItWithOne() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let path = rig.directory("agent.db")
        try SQLiteFile.run(
            SeedFixtures.schema(10) + SeedFixtures.calls(0..<3)
                + "INSERT INTO tool_usage (timestamp, tool_name) VALUES ('noon', 'Read');", in: path
        )
        let done = try run(rig, [path, rig.state + "/quipu.db"])
        #expect(done.status == 1)
        let table = done.report["tables"]?.array?.first { $0["kind"] == "tool_usage" }
        #expect(table?["taken"] == 3)
        #expect(table?["refusals"]?.array?.first?["row"] == "4")
        #expect(table?["refusals"]?.array?.first?["column"] == "timestamp")
        let own = done.report["refused"]?.array?.first?["reason"]?.string
        #expect(own?.contains("Quipu itself") == true)
        #expect(try calls(rig).count == 3)
    }

    /// Whoever comes second finds the other's position: import after agent, agent after import.
    @Test func logsAreTheAgentsOwnSources() throws {
        let rig = try Rig()
        try rig.start()
        let line = #"{"timestamp":"2026-11-10T12:00:00Z","tool":"Glob","has_error":false,"#
        try rig.append(line + "\"n\":1}\n", to: "post_tool_use.jsonl")
        try rig.waitForLines(1)
        let after = try run(rig, [rig.logs])
        #expect(after.report["total"]?["received"] == 0)

        rig.agent?.stop()
        try rig.append(line + "\"n\":2}\n" + line, to: "post_tool_use.jsonl")
        let second = try run(rig, [rig.logs])
        #expect(second.report["total"]?["received"] == 1)
        // The line that was not complete is the agent's, once it is.
        try rig.append("\"n\":3}\n", to: "post_tool_use.jsonl")
        try rig.startAgent()
        try rig.waitForLines(3)
        #expect(try calls(rig).compactMap { $0["attributes"]?["n"]?.int } == [1, 2, 3])
        #expect(try rig.ask("ledger")["sources"]?.array?.count == 1)
    }

    @Test func aPersonIsToldWhatToDo() throws {
        let rig = try Rig()
        let usage = rig.directory("usage.json")
        try SeedFixtures.usage(count: 3, kept: 2).write(
            toFile: usage, atomically: true, encoding: .utf8)
        let alone = try Program.run("quipu", ["import", "--runtime-dir", rig.runtime, usage])
        #expect(alone.status == 69)
        #expect(alone.errors.contains("quipud is not running"))
        let dry = try Program.run(
            "quipu", ["import", "--runtime-dir", rig.runtime, "--dry-run", "--verbose", usage])
        #expect(dry.status == 0)
        #expect(dry.output.contains("row 4711.records[0]: taken"))
        #expect(dry.output.contains("total_cost is $0.003000 for 3 requests"))
        #expect(
            dry.output.contains("quipu limits set --user 4711 --period day --usd 100"))
        #expect(try Program.run("quipu", ["import"]).status == 64)
        #expect(try Program.run("quipu", ["import", "--as", "what", usage]).status == 64)
        #expect(try Program.run("quipu", ["import", "--time-zone", "Nowhere", usage]).status == 64)
        #expect(try Program.run("quipu", ["import", "--help"]).output.contains("--dry-run"))
        #expect(try Program.run("quipu", ["help"]).output.contains("import"))
    }
}
