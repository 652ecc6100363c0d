import QuipuProtocol
import TestSupport
import Testing

/// The thinnest thread through all parts: a line and a datagram in, answers out.
@Suite(.serialized) struct MainThreadTests {
    @Test func aLineAndADatagramBecomeAnswers() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(
            """
            {"session_id":"s1","hook_event_name":"PostToolUse","tool_name":"Bash",\
            "tool_input":{"command":"ls"},"tool_response":{"stdout":"a"},"tool_use_id":"t1",\
            "duration_ms":12}

            """, to: "hooks.jsonl")
        try rig.send("page.views:3|c|#site:a")
        try rig.waitForLines(2)

        let events = try rig.ask("events.query")["events"]?.array ?? []
        try #require(events.count == 1)
        #expect(events[0]["kind"] == "tool_use")
        #expect(events[0]["name"] == "Bash")
        #expect(events[0]["status"] == "ok")
        #expect(events[0]["session"] == "s1")
        #expect(events[0]["duration_ms"] == 12)
        #expect(events[0]["attributes"]?["tool_input"]?["command"] == "ls")

        let reply = try rig.ask(
            "metrics.query", ["metric": "page.views", "aggregate": ["sum"], "step": "10s"])
        let points = reply["series"]?.array?.first?["points"]?["sum"]?.array
        #expect(points?.first?.array?.last == 3)

        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"] == 2)
        rig.stop()
    }
}
