import Foundation
import QuipuClient
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

/// Model calls, prices and limits through the real daemon, agent and CLI.
@Suite struct CostTests {
    private func usage(
        _ id: String, _ input: Int, session: String = "s", model: String = "claude-opus-4-5",
        ago seconds: Double = 0, more: String = ""
    ) -> String {
        let time = Timestamp(
            microseconds: Int64((Date().timeIntervalSince1970 - seconds) * 1_000_000))
        return #"{"usage":"\#(model)","id":"\#(id)","session":"\#(session)","user":"ada","#
            + #""project":"/srv/app","input_tokens":\#(input),"output_tokens":0,"#
            + #""time":"\#(time.rfc3339)"\#(more)}"# + "\n"
    }

    private func quipu(
        _ rig: Rig, _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        try Program.run("quipu", ["--runtime-dir", rig.runtime] + arguments, input: input)
    }

    @Test func callsAreThereOnceAndForGood() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(usage("1", 1_000_000) + usage("1", 400_000), to: "a.jsonl")
        try rig.append(usage("1", 400_000, session: "fork"), to: "fork.jsonl")
        try rig.append(usage("2", 100_000, model: "mystery-9"), to: "a.jsonl")
        try rig.waitForLines(4)
        func total() throws -> JSON? { try rig.ask("costs.summary")["total"] }
        #expect(try total()?["requests"] == 2)
        #expect(try total()?["cost_usd"] == 2)
        #expect(try total()?["unpriced_requests"] == 1)
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"] == 2 && ledger["total"]?["merged"] == 2)
        // The transcript is cleaned up; what it told stays.
        for name in ["a.jsonl", "fork.jsonl"] {
            try FileManager.default.removeItem(atPath: rig.logs + "/" + name)
        }
        rig.stop()
        try rig.start()
        #expect(try total()?["cost_usd"] == 2)

        let table = try quipu(rig, ["cost"]).output
        #expect(table.contains("opus-4-5") && table.contains("$2.00*"), "\(table)")
        #expect(try quipu(rig, ["prices"]).output.contains("no price: mystery-9, 1 call"))
        let set = try quipu(rig, ["prices", "set", "mystery-9", "--input", "10", "--output", "1"])
        #expect(set.status == 0, "\(set.errors)")
        #expect(try total()?["cost_usd"] == 3)
        #expect(try rig.ask("prices.list")["unpriced"] == [])
        let told = try rig.ask("costs.reconcile")
        #expect(told["calls"]?.array?.first?["rows"]?.array?.count == 3)
        let reconciled = try quipu(rig, ["cost", "reconcile"]).output
        #expect(reconciled.contains("in other files"), "\(reconciled)")
    }

    @Test func blocksAndTheStatusLine() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(
            usage("1", 1_000_000, ago: 60) + usage("2", 1_000_000, session: "t"), to: "a.jsonl")
        try rig.waitForLines(2)
        let blocks = try rig.ask("costs.blocks", ["token_limit": 1_000_000])["blocks"]?.array ?? []
        #expect(blocks.last?["active"] == true)
        #expect(blocks.reduce(0) { $0 + ($1["requests"]?.int ?? 0) } == 2)
        #expect(try quipu(rig, ["cost", "blocks"]).output.contains("left"))
        let line = try quipu(
            rig, ["statusline", "--patience-ms", "60000"],
            input:
                #"{"session_id":"t","model":{"display_name":"Opus"},"cost":{"total_cost_usd":9}}"#)
        #expect(line.output.hasPrefix("🤖 Opus | 💰 $5.00 session / $"), "\(line.output)")
        #expect(line.output.contains(" block ("))
    }

    @Test func limitsHoldAndSurvive() throws {
        let rig = try Rig()
        try rig.start()
        var client = try Client(path: rig.querySocket)
        _ = try client.call("subscribe", ["topics": ["alerts"]])
        let zone = try quipu(
            rig, ["limits", "set", "--user", "ada", "--period", "day", "--usd", "10"])
        #expect(zone.status == 0, "\(zone.errors)")
        _ = try rig.ask(
            "limits.set", ["scope": "all", "period": "session", "limit_usd": 7])
        try rig.append(usage("1", 1_700_000), to: "a.jsonl")
        let first = try client.nextNotification()
        let second = try client.nextNotification()
        let alerts = [first?["data"], second?["data"]].compactMap { $0?["alert"]?.string }
        #expect(alerts.sorted() == ["limit_passed", "limit_warning"])
        func check(_ params: JSON) throws -> JSON { try rig.ask("limits.check", params) }
        let ada = try check(["user": "ada"])
        #expect(ada["allowed"] == true)
        #expect(ada["limits"]?.array?.first?["spent_usd"] == 8.5)
        #expect(ada["limits"]?.array?.first?["warning"] == true)
        #expect(try check(["session": "s"])["allowed"] == false)
        #expect(try check(["session": "other"])["allowed"] == true)
        #expect(try check([:]) == ["allowed": true, "limits": []])

        let input =
            #"{"session_id":"s","cwd":"/srv/app","hook_event_name":"PreToolUse","tool_name":"Bash"}"#
        let guarded = try quipu(
            rig, ["hook", "--guard", "--patience-ms", "60000"], input: input)
        #expect(guarded.output.contains(#""permissionDecision":"deny""#), "\(guarded.output)")
        #expect(try quipu(rig, ["hook"], input: input).output.isEmpty)
        // The hook's line goes its way all the same.
        try rig.waitForLines(3)

        rig.daemon?.kill9()
        try rig.startDaemon()
        #expect(try check(["session": "s"])["allowed"] == false)
        #expect(try rig.ask("limits.list")["limits"]?.array?.count == 2)
        _ = try rig.ask("limits.set", ["scope": "all", "period": "session", "limit_usd": nil])
        #expect(try check(["session": "s"])["allowed"] == true)
        #expect(
            try quipu(rig, ["limits", "set", "--period", "session", "--none"]).status == 1)
    }

    /// A limit that is set late counts what was spent before; memory and the file agree.
    @Test func limitsCountWhatWasSpentBefore() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(usage("1", 1_000_000), to: "a.jsonl")
        try rig.waitForLines(1)
        _ = try rig.ask(
            "limits.set",
            ["scope": ["project": "/srv/app"], "period": "month", "limit_usd": 4])
        func check() throws -> JSON {
            try rig.ask("limits.check", ["project": "/srv/app"])
        }
        #expect(try check()["allowed"] == false)
        _ = try rig.ask("admin.persistence", ["enabled": false])
        #expect(try check()["allowed"] == false)
        #expect(try rig.ask("costs.summary")["total"]?["cost_usd"] == 5)
        _ = try rig.ask("admin.persistence", ["enabled": true])
        #expect(try check()["limits"]?.array?.first?["spent_usd"] == 5)
    }

    @Test func pricesComeFromAFile() throws {
        let rig = try Rig()
        let file = rig.directory("prices.json")
        let text = #"{"prices":[{"model":"mystery-9","input":2,"output":3}]}"#
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try rig.startDaemon([], environment: ["QUIPU_PRICES_FILE": file])
        try rig.startAgent()
        try rig.append(usage("1", 1_000_000, model: "mystery-9"), to: "a.jsonl")
        try rig.waitForLines(1)
        #expect(try rig.ask("costs.summary")["total"]?["cost_usd"] == 2)
        rig.stop()
        try #"{"prices":[{"model":"x","input":-1}]}"#
            .write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try Program.run(
            "quipud", ["--runtime-dir", rig.runtime, "--state-dir", rig.state],
            environment: ["QUIPU_PRICES_FILE": file, "XDG_CONFIG_HOME": rig.directory("c")])
        #expect(refused.status == 1)
        #expect(refused.errors.contains("prices.0.input"), "\(refused.errors)")
    }

    @Test func aFileOfPricesIsReadAgain() throws {
        let rig = try Rig()
        let file = rig.directory("prices.json")
        func write(_ prices: String) throws {
            try "{\"prices\":[\(prices)]}".write(toFile: file, atomically: true, encoding: .utf8)
        }
        try write("")
        try rig.startDaemon([], environment: ["QUIPU_PRICES_FILE": file])
        try rig.startAgent()
        try rig.append(usage("1", 1_000_000, model: "mystery-9"), to: "a.jsonl")
        try rig.waitForLines(1)
        #expect(try rig.ask("costs.summary")["total"]?["unpriced_requests"] == 1)
        try write(#"{"model":"mystery-9","input":2,"output":3}"#)
        rig.daemon?.signal(SIGHUP)
        try rig.waitUntil("the call has a price") {
            (try? rig.ask("costs.summary")["total"]?["cost_usd"]) == 2
        }
        try write(#"{"model":"mystery-9","input":-1}"#)
        rig.daemon?.signal(SIGHUP)
        try rig.waitUntil("the daemon says what is wrong") {
            rig.daemon?.log.contains("configuration kept as it was: prices_file") == true
        }
        #expect(try rig.ask("costs.summary")["total"]?["cost_usd"] == 2)
    }
}
