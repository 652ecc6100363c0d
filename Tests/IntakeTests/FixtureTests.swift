import Foundation
import Intake
import QuipuModel
import QuipuProtocol
import Sketches
import Testing

/// Each log of Tests/Fixtures/Intake against what stands in `<log>.expected`. To write those anew
/// after an intended change, run with QUIPU_WRITE_EXPECTED=1 and read the difference.
@Suite struct FixtureTests {
    @Test(arguments: Fixtures.logs)
    func givesTheExpectedRecords(path: String) throws {
        let batch = decode(try Fixtures.read(path), path: "/srv/" + path)
        #expect(batch.closes)
        #expect(batch.tally.rejected.isEmpty)
        var lines = batch.described + batch.describedUsages
        for delta in batch.rollups {
            let key = batch.series[delta.series]
            let tags = batch.string(key.tags) ?? ""
            let rollup = delta.rollup
            lines.append(
                "\(key.type.word) \(batch.string(key.name) ?? "") [\(tags)] at \(delta.bucketStart):"
                    + " count=\(rollup.count) sum=\(rollup.sum) last=\(rollup.last)"
                    + " distinct=\(delta.members?.estimate ?? 0)")
        }
        let text = lines.joined(separator: "\n") + "\n"
        let expected = Fixtures.root.appending(path: path + ".expected")
        if ProcessInfo.processInfo.environment["QUIPU_WRITE_EXPECTED"] != nil {
            try text.write(to: expected, atomically: true, encoding: .utf8)
        }
        let wanted = try String(contentsOf: expected, encoding: .utf8)
        let (found, all) = (text.split(separator: "\n"), wanted.split(separator: "\n"))
        #expect(found.count == all.count)
        for (line, other) in zip(found, all) { #expect(line == other) }
    }

    /// Columns, attributes and payload together hold every member of the line.
    @Test(arguments: Fixtures.logs)
    func losesNoMember(path: String) throws {
        let bytes = try Fixtures.read(path)
        let batch = decode(bytes, path: "/srv/" + path)
        let lines = bytes.split(separator: 0x0a)
        guard batch.events.count == lines.count else { return }
        for (line, event) in zip(lines, batch.events) {
            let names = Set(try JSON.parse(line).members?.map(\.name) ?? [])
            var held = Set<String>()
            for text in [batch.string(event.attributes), batch.payload(of: event)] {
                guard let text else { continue }
                let members = try JSON.parse(Array(text.utf8)).members ?? []
                #expect(Set(members.map(\.name)).count == members.count)
                held.formUnion(members.map(\.name))
            }
            let columns: Set = [
                "timestamp", "time", "ts", "t", "session_id", "session", "sessionId",
                "session_uuid", "task_id", "task", "agent", "agent_type", "tool", "tool_name",
                "name", "hook", "event", "type", "status", "duration_ms", "durationMs", "ms",
                "error", "tool_error", "notification_type", "trigger", "source", "command_name",
                "task_subject", "teammate_name", "memory_type", "mcp_server_name", "subtype",
                "attributes", "cwd", "model", "agent_id", "agentId", "gitBranch", "user_id", "user",
                "uuid", "parentUuid", "isSidechain", "version", "message", "requestId", "leafUuid",
                "analyzed_at", "subagent_id", "project_name", "attributionAgent", "userType",
                "toolUseResult",
            ]
            #expect(names.subtracting(held).subtracting(columns) == [])
        }
    }
}
