import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// What is asked about coding agents, through a real daemon and its agent.
@Suite struct CodingAgentAnswersTests {
    private static let lines: [String] = [
        #"{"hook_event_name":"UserPromptSubmit","session_id":"s1","cwd":"/p","prompt":"go"}"#,
        #"{"hook_event_name":"PreToolUse","session_id":"s1","cwd":"/p","tool_name":"Edit","#
            + #""tool_input":{"file_path":"/p/a.swift"},"tool_use_id":"toolu_0123456789abcd1"}"#,
        #"{"hook_event_name":"PostToolUse","session_id":"s1","cwd":"/p","tool_name":"Edit","#
            + #""tool_input":{"file_path":"/p/a.swift"},"tool_use_id":"toolu_0123456789abcd1","#
            + #""tool_response":{},"duration_ms":12}"#,
        #"{"hook_event_name":"PostToolUseFailure","session_id":"s1","cwd":"/p","#
            + #""tool_name":"Bash","tool_input":{"command":"x"},"#
            + #""tool_use_id":"toolu_0123456789abcd2","error":"Exit code 127\nx: command not found"}"#,
    ]

    @Test func everyQuestionIsAnswered() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(Self.lines.joined(separator: "\n") + "\n", to: "hooks.jsonl")
        try rig.waitForLines(4)
        let errors = try rig.ask("errors.list", ["where": ["error_category": "command_not_found"]])
        #expect(errors["errors"]?.array?.count == 1)
        #expect(errors["errors"]?.array?.first?["error_category"] == "command_not_found")
        let tools = try rig.ask("tools.stats", ["order": "errors", "session": "s1"])["tools"]?.array
        #expect(tools?.first?["name"] == "Bash")
        #expect(tools?.first?["errors_by_category"] == ["command_not_found": 1])
        let slowest = try rig.ask("events.query", ["order": "slowest"])["events"]?.array
        #expect(slowest?.map { $0["name"] } == ["Edit"])
        let groups = try rig.ask(
            "events.summary",
            [
                "group_by": ["session", "day"], "time_zone": "Europe/Berlin",
                "quantiles": "duration_ms",
            ])["groups"]?.array
        #expect(groups?.first?["quantiles"]?["duration_ms"]?["max"] == 12)
        #expect(groups?.first?["last"]?.string != nil)
        #expect(try rig.ask("files.list", ["where": ["edits": ["gte": 0]]])["files"]?.array != nil)
        let session = try rig.ask("sessions.get", ["session": "s1"])
        #expect(session["tool_count"] == 2)
        #expect(session["timeline"]?.array?.count == 3)
        #expect(session["files"]?.array != nil)
        #expect(try rig.ask("sessions.list", ["user": "nobody"])["sessions"] == [])
    }
}
