import Foundation
import TestSupport
import Testing

/// `quipu top` as a person starts it, at a terminal.
@Suite struct TopTests {
    private let rig: Rig

    init() throws { rig = try Rig() }

    private func top(
        _ arguments: [String] = [], environment: [String: String] = [:], columns: Int = 80,
        rows: Int = 24
    ) throws -> TerminalProgram {
        try TerminalProgram(
            "quipu", ["--runtime-dir", rig.runtime, "top", "--interval", "0.1"] + arguments,
            environment: environment, columns: columns, rows: rows)
    }

    private func call(_ tool: String, _ number: Int, error: String? = nil) throws {
        let now = Date().ISO8601Format()
        let end = error.map { #""status":"error","error":"\#($0)""# } ?? #""status":"ok""#
        try rig.append(
            #"{"event":"tool_use","name":"\#(tool)","time":"\#(now)","session":"s-\#(number)","#
                + #""duration_ms":\#(number),\#(end)}"# + "\n", to: "calls.jsonl")
    }

    private func expectGivenBack(_ top: TerminalProgram) {
        #expect(!top.screen.isAlternate)
        #expect(top.screen.isCursorShown)
        #expect(top.screen.wraps)
        #expect(top.isRestored)
        #expect(top.screen.strange == [])
    }

    @Test func showsWhatHappensAsItHappens() throws {
        try rig.start()
        let top = try top()
        try top.waitUntil("a frame") { $0.text.contains("no tool calls") }
        #expect(top.screen.isAlternate)
        #expect(!top.screen.isCursorShown)
        #expect(!top.isRestored)
        for number in 1...20 { try call("Bash", number) }
        try top.waitUntil("the calls") { $0.text.contains(/Bash +20 +0/) }
        try call("Edit", 400, error: #"no \u001b]0;way\u0007\nout"#)
        try top.waitUntil("the error, made visible") {
            $0.text.contains(#"no \x1b]0;way\x07\nout"#)
        }
        try top.waitUntil("rates") { !$0.text.contains(/events +-/) }
        #expect(top.screen.attributes.contains("31"))
        top.press("q")
        #expect(try top.wait() == 0)
        expectGivenBack(top)
    }

    @Test func keysChangeTheView() throws {
        try rig.start()
        for number in 1...3 { try call("Bash", number) }
        try call("Edit", 9_000, error: "no way")
        let top = try top(environment: ["NO_COLOR": "1"])
        try top.waitUntil("by calls") {
            $0.text.contains(/by calls[^\n]*\n[^\n]*\n *Bash +3 [^\n]*\n *Edit/)
        }
        top.press("s")
        try top.waitUntil("by failures") { $0.text.contains(/by failures[^\n]*\n[^\n]*\n *Edit/) }
        top.press("ss+")
        try top.waitUntil("a longer interval") { $0.text.contains("every 200 ms") }
        top.press("-?")
        try top.waitUntil("help") { $0.text.contains("sort the tools by calls") }
        // An arrow is one key, and closes the help.
        top.press("\u{1b}[A")
        try top.waitUntil("the view again") { $0.text.contains("every 100 ms") }
        top.press("p")
        try top.waitUntil("it stands still") { $0.text.contains("PAUSED") }
        try call("Write", 1)
        try rig.waitForLines(5)
        #expect(!top.screen.text.contains("Write"))
        top.press("p")
        try top.waitUntil("it goes on") { $0.text.contains(/Write +1/) }
        #expect(top.screen.attributes.isSubset(of: ["0"]))
        top.press("\u{3}")
        #expect(try top.wait() == 0)
        expectGivenBack(top)
    }

    @Test func followsTheTerminalsSize() throws {
        try rig.start()
        try call("Bash", 412)
        let top = try top()
        try top.waitUntil("80 columns") {
            $0.text.contains(/RUNNING.*P99/) && $0.text.contains("lag")
        }
        top.resize(columns: 40, rows: 10)
        try top.waitUntil("40 columns") {
            $0.rows[0].hasSuffix("UTC") && $0.rows.contains { $0.hasPrefix("Bash") }
                && !$0.text.contains("RUNNING")
        }
        top.resize(columns: 120, rows: 40)
        try top.waitUntil("120 columns") {
            $0.text.contains("version") && $0.rows[39].hasPrefix("q quit")
        }
        top.resize(columns: 1, rows: 1)
        top.resize(columns: 80, rows: 24)
        try top.waitUntil("80 columns again") { $0.rows[23].hasPrefix("q quit") }
        top.press("q")
        #expect(try top.wait() == 0)
        expectGivenBack(top)
    }

    @Test func outlivesTheDaemon() throws {
        try rig.startDaemon()
        let top = try top()
        try top.waitUntil("a frame") { $0.text.contains("no agent is connected") }
        rig.daemon?.kill9()
        try top.waitUntil("it says so") { $0.text.contains("quipud does not answer, trying again") }
        try rig.startDaemon()
        try top.waitUntil("it goes on") { $0.rows[0].hasPrefix("quipu top  ok") }
        try rig.startAgent()
        try call("Bash", 412)
        try top.waitUntil("what is new") { $0.text.contains(/Bash +1/) }
        // A daemon that hangs does not keep the keys from being heard.
        rig.daemon?.signal(SIGSTOP)
        top.press("?")
        try top.waitUntil("help") { $0.text.contains("sort the tools by calls") }
        top.press("q")
        top.press("q")
        #expect(try top.wait() == 0)
        rig.daemon?.signal(SIGCONT)
        expectGivenBack(top)
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func aSignalEndsItWell(_ signal: Int32) throws {
        try rig.startDaemon()
        let top = try top()
        try top.waitUntil("a frame") { $0.text.contains("errors, newest first") }
        top.signal(signal)
        #expect(try top.wait() == 0)
        expectGivenBack(top)
    }

    @Test func takesTheTerminalAgainAfterItWasStopped() throws {
        try rig.startDaemon()
        let top = try top()
        try top.waitUntil("a frame") { $0.text.contains("errors, newest first") }
        top.signal(SIGSTOP)
        #expect(top.waitUntilStopped())
        top.signal(SIGCONT)
        top.press("s")
        try top.waitUntil("it goes on") { $0.text.contains("by failures") }
        // No shell is there to let it go on, so the kernel does not stop it.
        top.press("\u{1a}s")
        try top.waitUntil("it went on") { $0.text.contains("by time") && $0.isAlternate }
        top.press("q")
        #expect(try top.wait() == 0)
        expectGivenBack(top)
    }

    @Test func withoutADaemonTheTerminalIsNotTaken() throws {
        let top = try top()
        #expect(try top.wait() == 69)
        #expect(top.screen.text.contains("quipud is not running"))
        #expect(top.screen.attributes == [])
        #expect(top.isRestored)
    }

    @Test func printsOneFrame() throws {
        try rig.start()
        try call("Bash", 412)
        try rig.waitForLines(1)
        let arguments = ["--runtime-dir", rig.runtime, "top", "--interval", "0.1"]
        for more in [[], ["--once"]] {
            let result = try Program.run("quipu", arguments + more)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains(/Bash +1 +0/))
            #expect(result.output.contains(/events +[0-9.]+\/s/))
            #expect(!result.output.contains("\u{1b}"))
        }
        let dumb = try top(environment: ["TERM": "dumb"])
        #expect(try dumb.wait() == 0)
        #expect(!dumb.screen.isAlternate)
        let json = try Program.run("quipu", arguments + ["--json"])
        #expect(json.output.contains(#""tools.stats":{"tools":[{"name":"Bash""#))
    }
}
