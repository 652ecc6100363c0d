import Foundation
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

/// `quipu hook` as Claude Code runs it: one process an event, its JSON on standard input.
@Suite(.serialized) struct HookTests {
    private func hook(_ input: String, _ rig: Rig) throws {
        let done = try Program.run(
            "quipu", ["hook"], environment: ["QUIPU_RUNTIME_DIR": rig.runtime], input: input)
        #expect(done.status == 0 && done.output.isEmpty && done.errors.isEmpty)
    }

    private static let command = #""tool_input":{"command":"swift test","description":"…"}"#
    private static let pre =
        #"{"session_id":"s-1","transcript_path":"/t.jsonl","cwd":"/srv","hook_event_name":"PreToolUse","#
        + #""tool_name":"Bash","tool_use_id":"toolu_1",\#(command)}"#
    private static let post =
        #"{"session_id":"s-1","transcript_path":"/t.jsonl","cwd":"/srv","hook_event_name":"PostToolUse","#
        + #""tool_name":"Bash","tool_use_id":"toolu_1",\#(command),"tool_response":{"stdout":"ok"}}"#

    /// What a record says, without where it came from and when.
    private func facts(_ event: JSON) -> JSON {
        let own: Set<String> = ["seq", "time", "source", "duration_ms"]
        return .object((event.members ?? []).filter { !own.contains($0.name) })
    }

    @Test func aCallIsOneRecordAsFromAHookLog() throws {
        let rig = try Rig()
        try rig.start()
        try hook(Self.pre, rig)
        try rig.waitForLines(1)
        let opened = try rig.allEvents()
        #expect(opened.map { $0["status"] } == ["running"])
        #expect(opened.first?["time_is"] == nil)
        try hook(Self.post + "\n", rig)
        try rig.waitForLines(2)
        let closed = try rig.allEvents()
        #expect(closed.map { $0["status"] } == ["ok"])
        #expect(closed.first?["duration_ms"]?.double ?? -1 >= 0)

        // The same as lines of a log, with the time that a logger adds.
        let other = try Rig()
        try other.start()
        for (second, line) in [Self.pre, Self.post].enumerated() {
            let stamped = #"{"timestamp":"2026-11-20T15:00:0\#(second)Z","# + line.dropFirst()
            try other.append(stamped + "\n", to: "hooks.jsonl")
        }
        try other.waitForLines(2)
        #expect(try other.allEvents().map(facts) == closed.map(facts))
        #expect(try rig.ask("ledger")["total"]?["merged"] == 1)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }

    /// A prompt on several lines, a time of its own, a name that only looks like one.
    @Test func inputKeepsItsMeaning() throws {
        let rig = try Rig()
        try rig.start()
        try hook(
            """
            {
              "session_id": "s-2",\r
              "hook_event_name": "UserPromptSubmit",
              "prompt": "say \\"time\\": now\\n",
              "deep": {"timestamp": "no", "list": [{"ts": 1}]}
            }

            """, rig)
        try hook(
            #"{"hook_event_name":"Stop","session_id":"s-2","timestamp":"2026-11-20T15:00:00.000Z"}"#,
            rig)
        try hook("{}", rig)
        try hook(" \n", rig)
        try rig.waitForLines(3)
        let events = try rig.allEvents()
        #expect(Set(events.map { $0["kind"]?.string }) == ["prompt", "stop", "log"])
        #expect(events.allSatisfy { $0["time_is"] == nil })
        let prompt = events.first { $0["kind"] == "prompt" }
        #expect(prompt?["attributes"]?["prompt"] == "say \"time\": now\n")
        #expect(prompt?["attributes"]?["deep"]?["timestamp"] == "no")
        let stop = events.first { $0["kind"] == "stop" }
        #expect(stop?["time"] == "2026-11-20T15:00:00.000Z")
        #expect(try rig.ask("ledger")["total"]?["received"] == 3)
    }

    @Test func longInputGoesByTheStream() throws {
        let rig = try Rig()
        // So that the daemon cuts nothing of what arrives.
        try rig.startDaemon(environment: ["QUIPU_PAYLOAD_MAX_BYTES": "4000000"])
        try rig.startAgent()
        let sizes = [
            1_000, Limits.datagramBytesMax, 300_000, Limits.streamLineBytesMax - 300,
            Limits.streamLineBytesMax + 1, 3_000_000,
        ]
        for (number, size) in sizes.enumerated() {
            let text = String(repeating: "x", count: size)
            try hook(
                #"{"session_id":"s-3","hook_event_name":"PreToolUse","tool_name":"Write","#
                    + #""tool_use_id":"t\#(number)","tool_input":{"content":"\#(text)"}}"#, rig)
        }
        try rig.waitForLines(Int64(sizes.count))
        let ledger = try rig.ask("ledger")
        #expect(ledger["total"]?["stored"] == .int(Int64(sizes.count)))
        #expect(ledger["balanced"] == true)
        let contents = try rig.allEvents().map {
            $0["attributes"]?["tool_input"]?["content"]?.string ?? ""
        }
        let whole = sizes.filter { $0 < Limits.streamLineBytesMax }
        #expect(contents.prefix(whole.count).map(\.utf8.count) == whole)
        for (content, size) in zip(contents, sizes).dropFirst(whole.count) {
            #expect(content.hasPrefix("xxx") && content.hasSuffix("x… (\(size) bytes)"))
        }
    }

    @Test func aBrokenInputIsToldInTheLedgerAlone() throws {
        let rig = try Rig()
        try rig.start()
        try hook(#"{"hook_event_name":"Stop","#, rig)
        try hook("Traceback (most recent call last)", rig)
        try rig.waitForLines(2)
        let rejects = try rig.ask("ledger")["rejects"]?.array ?? []
        #expect(rejects.count == 2)
        #expect(try rig.allEvents().isEmpty)
    }

    @Test func withoutAnAgentNothingHappens() throws {
        let directory = try TemporaryDirectory()
        for arguments in [
            ["hook"], ["hook", "--runtime-dir", directory.path],
            ["--runtime-dir", directory.path, "hook"],
            // Whoever set it up made a mistake; whom it watches does not hear of it.
            ["hook", "--nonsense"], ["hook", "--user"], ["hook", "--patience-ms", "soon"],
        ] {
            let done = try Program.run(
                "quipu", arguments, environment: ["QUIPU_RUNTIME_DIR": directory.path],
                input: Self.pre)
            #expect(done.status == 0 && done.output.isEmpty && done.errors.isEmpty)
        }
        let help = try Program.run("quipu", ["hook", "--help"])
        #expect(help.output.contains("settings.json"))
    }
}
