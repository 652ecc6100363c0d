import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// `quipu hook`, as a coding agent runs it.
@Suite struct HookTests {
    /// Whatever comes, it ends with 0 and says nothing.
    private func hook(_ rig: Rig, _ input: String) throws {
        let result = try Program.run(
            "quipu", ["hook"], environment: ["QUIPU_RUNTIME_DIR": rig.runtime], input: input)
        #expect(result.status == 0)
        #expect(result.output.isEmpty)
        #expect(result.errors.isEmpty)
    }

    @Test func bothHalvesOfACallAreOneRecord() throws {
        let rig = try Rig()
        try rig.start()
        let call = #""session_id":"s-1","tool_name":"Bash","tool_use_id":"toolu_1""#
        try hook(
            rig,
            """
            {
              "hook_event_name": "PreToolUse",
              \(call),
              "tool_input": {"command": "printf 'a\\nb'"}
            }
            """)
        try hook(
            rig, #"{"hook_event_name":"PostToolUse",\#(call),"tool_response":{"stdout":"a\nb"}}"#)
        try rig.waitForLines(2)
        let events = try rig.allEvents()
        #expect(events.count == 1)
        let event = try #require(events.first)
        #expect(event["kind"] == "tool_use")
        #expect(event["name"] == "Bash")
        #expect(event["status"] == "ok")
        #expect(event["session"] == "s-1")
        #expect(event["time_is"] == nil)
        #expect((event["duration_ms"]?.double ?? -1) >= 0)
        #expect(event["attributes"]?["tool_input"]?["command"] == "printf 'a\nb'")
        #expect(event["attributes"]?["tool_response"]?["stdout"] == "a\nb")
    }

    @Test func aTimeOfItsOwnStays() throws {
        let rig = try Rig()
        try rig.start()
        try hook(
            rig,
            #"{"timestamp":"2026-01-02T03:04:05Z","hook_event_name":"Stop","session_id":"s"}"#)
        try hook(rig, #"{"hook_event_name":"Stop","session_id":"s","note":{"timestamp":1}}"#)
        try rig.waitForLines(2)
        let times = try rig.allEvents().compactMap { $0["time"]?.string }
        #expect(times.first == "2026-01-02T03:04:05.000Z")
        #expect(times.last?.hasPrefix("2026-01-02") == false)
    }

    @Test func longTextsAreCutAndSayHowLongTheyWere() throws {
        let rig = try Rig()
        try rig.start()
        let long = String(repeating: "ü", count: 200_000)
        try hook(
            rig,
            #"{"hook_event_name":"PostToolUse","tool_name":"Read","session_id":"s","#
                + #""tool_response":{"content":"\#(long)","lines":7}}"#)
        try rig.waitForLines(1)
        let response = try rig.allEvents().first?["attributes"]?["tool_response"]
        #expect(response?["lines"] == 7)
        let content = try #require(response?["content"]?.string)
        #expect(content.hasPrefix("üüü"))
        #expect(content.hasSuffix("… (400000 bytes)"))
    }

    @Test func nothingStopsTheWorkThatItWatches() throws {
        let rig = try Rig()
        // No agent, no directory even.
        try hook(rig, "{}")
        try rig.start()
        for input in ["", "\n", "nonsense", "{\"torn\":", "[1]", "{}"] { try hook(rig, input) }
        try rig.waitForLines(4)
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["received"] == 4)
    }
}
