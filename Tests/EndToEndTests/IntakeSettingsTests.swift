import Foundation
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

/// What a user may decide about reading lines, through a real daemon.
@Suite(.serialized) struct IntakeSettingsTests {
    private static let line =
        #"{"timestamp":"2026-07-01T12:00:00","session_id":"s","hook_event_name":"PostToolUse","#
        + #""tool_name":"Bash","tool_input":{"command":"curl https://ana:hunter2@example.com"},"#
        + #""tool_response":{"stdout":"\#(String(repeating: "x", count: 5_000))"}}"#

    private func event(config: String) throws -> (event: JSON, redacted: JSON?) {
        let rig = try Rig()
        let file = rig.directory("quipu.yaml")
        try config.write(toFile: file, atomically: true, encoding: .utf8)
        try rig.startDaemon(["--config", file])
        try rig.startAgent()
        try rig.append(Self.line + "\n", to: "hooks.jsonl")
        try rig.waitForLines(1)
        let event = try #require(try rig.allEvents().first)
        return (event, try rig.ask("stats")["ingest"]?["secrets_redacted"])
    }

    @Test func zoneRedactionAndPayloadSizeAreSet() throws {
        let (event, redacted) = try event(
            config: "time_zone: Europe/Berlin\npayload_max_bytes: 1024\n")
        #expect(event["time"] == "2026-07-01T10:00:00.000Z")
        #expect(event["attributes"]?["time_text"] == "2026-07-01T12:00:00")
        #expect(redacted == 1)
        let payload = event["attributes"]
        #expect(
            payload?["tool_input"]?["command"] == "curl https://ana:<redacted>@example.com")
        #expect(payload?["tool_response_bytes"]?.double == 5_013)
        #expect(payload?["tool_response"]?["stdout"]?.string?.utf8.count ?? 0 < 1_024)
    }

    @Test func redactionCanBeTurnedOff() throws {
        let (event, redacted) = try event(config: "redaction:\n  enabled: false\n")
        #expect(redacted == 0)
        #expect(
            event["attributes"]?["tool_input"]?["command"] == "curl https://ana:hunter2@example.com"
        )
    }

    /// What a request says passes the same settings as what a log says.
    @Test(arguments: [
        ("redaction:\n  keys: [workspace]\n", "<redacted>", "https://ana:<redacted>@example.com"),
        ("redaction:\n  enabled: false\n", "/srv/shop", "https://ana:hunter2@example.com"),
    ])
    func theyHoldForPutTasksToo(config: String, workspace: String, result: String) throws {
        let rig = try Rig()
        let file = rig.directory("quipu.yaml")
        try config.write(toFile: file, atomically: true, encoding: .utf8)
        try rig.startDaemon(["--config", file])
        _ = try rig.ask(
            "tasks.put",
            [
                "task": "t", "workspace": "/srv/shop",
                "result": "https://ana:hunter2@example.com",
            ])
        let event = try #require(try rig.allEvents().first)
        #expect(event["attributes"]?["workspace"]?.string == workspace)
        #expect(event["attributes"]?["result"]?.string == result)
    }
}
