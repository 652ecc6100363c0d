import Foundation
import Platform
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import quipu

@Suite struct CostCommandTests {
    private let directory: TemporaryDirectory
    private let daemon: FakeDaemon
    private let now = Timestamp(rfc3339: "2026-11-20T10:15:00Z") ?? .seconds(0)

    init() throws {
        directory = try TemporaryDirectory()
        daemon = try FakeDaemon(at: directory("query.sock"), answers: Canned.answers())
    }

    private func quipu(
        _ arguments: [String], columns: Int = 120, input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        try Program.run(
            "quipu", ["--runtime-dir", directory.path] + arguments,
            environment: ["COLUMNS": "\(columns)"], input: input)
    }

    @Test func dailyHasTheColumnsPeopleKnow() throws {
        let result = try quipu(["cost"])
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n").map(String.init)
        let heading = lines[0].split(separator: "  ").map {
            $0.trimmingCharacters(in: .whitespaces)
        }.filter { !$0.isEmpty }
        #expect(
            heading == [
                "Date", "Models", "Input", "Output", "Cache Create", "Cache Read",
                "Total Tokens", "Cost (USD)",
            ])
        #expect(lines[1].contains("2026-11-19") && lines[1].contains("$0.72"))
        #expect(lines.last?.contains("Total") == true && lines.last?.contains("$2.46") == true)
        let params = daemon.requests.last?["params"]
        #expect(params?["group_by"] == "day" && params?["since"] == 0)
    }

    @Test(arguments: [40, 60, 80, 100]) func fitsNarrowTerminals(_ columns: Int) throws {
        for arguments in [
            ["cost"], ["cost", "blocks"], ["limits"], ["prices"], ["cost", "model"],
        ] {
            let result = try quipu(arguments, columns: columns)
            #expect(result.status == 0)
            for line in result.output.split(separator: "\n").prefix(4) {
                #expect(line.count <= columns, "\(arguments): \(line)")
            }
        }
        #expect(try quipu(["cost"], columns: columns).output.contains("$2.46"))
    }

    @Test(arguments: [
        (["cost", "weekly"], "Week"), (["cost", "monthly"], "Month"),
        (["cost", "session"], "Session"), (["cost", "project"], "Project"),
        (["cost", "model"], "Model"), (["cost", "blocks"], "gap, 9h 50m"),
        (["cost", "blocks", "--active"], "burn rate    2,401 tokens/min"),
        (["cost", "blocks", "--token-limit", "max"], "token limit  71.1 %"),
        (["cost", "reconcile"], "1 call from 2 rows"), (["limits"], "user ada"),
        (["limits", "check", "--user", "ada"], "allowed"),
        (["limits", "set", "--user", "ada", "--period", "day", "--usd", "100"], "$81.20"),
        (["prices"], "no price: minimax-m2, 3 calls"),
        (["prices", "set", "minimax-m2", "--input", "0.3", "--output", "1.2"], "minimax-m2"),
    ])
    func showsWhatADaemonAnswers(_ arguments: [String], _ expected: String) throws {
        let result = try quipu(arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(expected), "\(result.output)")
    }

    @Test func optionsBecomeParams() throws {
        _ = try quipu([
            "cost", "monthly", "--since", "20261101", "--until", "2026-12-01", "-z",
            "Europe/Berlin", "--project", "/srv", "--where", "user=ada", "--breakdown",
        ])
        let expected = try JSON.parse(
            #"""
            {"since":"2026-11-01","until":"2026-12-01","time_zone":"Europe/Berlin",
             "where":{"project":["/srv"],"user":"ada"},"group_by":["month","model"],"limit":10000}
            """#.utf8)
        #expect(daemon.requests.last?["params"] == expected)
        _ = try quipu(["limits", "set", "--period", "month", "--none"])
        #expect(
            daemon.requests.last?["params"]
                == ["scope": "all", "period": "month", "limit_usd": nil])
        #expect(
            try quipu(["cost", "--json"]).output == (try Canned.result("costs.summary/by_day").text)
                + "\n")
    }

    /// JSON has no such numbers, and null takes a limit away.
    @Test(arguments: ["nan", "inf", "-inf", "infinity", "1e999"])
    func numbersThatJSONCannotTellAreWrongUsage(_ number: String) throws {
        let price = ["prices", "set", "m", "--input=1", "--output=2"]
        for arguments in [
            ["limits", "set", "--period", "day", "--usd=\(number)"],
            ["prices", "set", "m", "--input=\(number)", "--output=2"],
            ["prices", "set", "m", "--input=1", "--output=\(number)"],
            price + ["--cache-write-5m=\(number)"], price + ["--cache-write-1h=\(number)"],
            price + ["--cache-read=\(number)"],
            ["send", "--event", "deploy", "--duration-ms=\(number)"],
        ] {
            let result = try quipu(arguments)
            #expect(result.status == 64, "\(arguments): \(result.errors)")
        }
        #expect(daemon.requests.isEmpty)
        // As a time it is the daemon's to refuse.
        _ = try quipu(["cost", "--since=\(number)"])
        #expect(daemon.requests.last?["params"]?["since"] == .string(number))
    }

    @Test(arguments: [(true, Int32(0)), (false, 1)])
    func checkingALimitEndsAsItWasAnswered(_ isAllowed: Bool, _ status: Int32) throws {
        let place = try TemporaryDirectory()
        let daemon = try FakeDaemon(
            at: place("query.sock"),
            answers: [
                "limits.check": [
                    #"{"jsonrpc":"2.0","id":$ID,"result":{"allowed":\#(isAllowed),"limits":[]}}"#
                ]
            ])
        defer { daemon.stop() }
        for arguments in [
            ["limits", "check"], ["--json", "limits", "check"], ["limits", "check", "--json"],
        ] {
            let result = try Program.run("quipu", ["--runtime-dir", place.path] + arguments)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            #expect(result.output.contains("allowed"))
        }
    }

    @Test func countsOfOneHaveOneNoun() throws {
        #expect(Units.grouped(1, "task") == "1 task" && Units.grouped(0, "task") == "0 tasks")
        #expect(Units.grouped(1_234, "call") == "1,234 calls")
        let counts: JSON = ["counts": ["total": 1, "failed": 1]]
        #expect(TaskRows.totals(counts) == ["", "1 task: 1 failed"])
        var told = Reconciliation()
        told.unpricedRequests = 1
        #expect(told.explanations.contains { $0.hasPrefix("1 call has a model without") })
        told.unpricedRequests = 2
        #expect(told.explanations.contains { $0.hasPrefix("2 calls have a model without") })
    }

    // MARK: Status line

    private static let input = #"""
        {"session_id":"3f2c","model":{"id":"claude-opus-4-1","display_name":"Opus 4.1"},
         "cost":{"total_cost_usd":0.1},
         "context_window":{"context_window_size":200000,
          "current_usage":{"input_tokens":1000,"cache_creation_input_tokens":4000,
                           "cache_read_input_tokens":20000,"output_tokens":10}}}
        """#

    @Test func statusLineInOneLine() throws {
        let input = try JSON.parse(Self.input.utf8)
        let answers: [JSON] = try [
            JSON.parse(#"{"total":{"requests":3,"cost_usd":0.23}}"#.utf8),
            JSON.parse(#"{"total":{"requests":9,"cost_usd":1.234}}"#.utf8),
            JSON.parse(
                #"""
                {"blocks":[{"active":true,"cost_usd":0.45,"end":"2026-11-20T13:00:00.000Z",
                            "burn_rate":{"cost_usd_per_hour":0.12}}]}
                """#.utf8),
        ]
        #expect(
            Statusline.text(input, answers: answers, now: now)
                == "🤖 Opus 4.1 | 💰 $0.23 session / $1.23 today / $0.45 block (2h 45m left) "
                + "| 🔥 $0.12/hr | 🧠 25,000 (12%)")
        #expect(
            Statusline.text(input, answers: [], now: now)
                == "🤖 Opus 4.1 | 💰 $0.10 session | 🧠 25,000 (12%)")
        #expect(Statusline.text([:], answers: [], now: now) == "🤖 unknown")
    }

    @Test func statusLineWithoutADaemon() throws {
        let empty = try TemporaryDirectory()
        for input in [Self.input, "", "{", "[1]"] {
            let result = try Program.run(
                "quipu", ["--runtime-dir", empty.path, "statusline"], input: input)
            #expect(result.status == 0 && result.output.hasPrefix("🤖 "))
        }
    }

    // MARK: Guard

    private func hook(
        _ event: String, _ verdict: String
    ) throws -> (status: Int32, output: String, errors: String) {
        let directory = try TemporaryDirectory()
        let answer = "[{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":\(verdict)}]"
        let daemon = try FakeDaemon(at: directory("query.sock"), answers: ["": [answer]])
        defer { daemon.stop() }
        return try Program.run(
            "quipu",
            [
                "hook", "--guard", "--patience-ms", "60000", "--runtime-dir", directory.path,
                "--user", "ada",
            ], input: "{\"session_id\":\"s\",\"cwd\":\"/p\",\"hook_event_name\":\"\(event)\"}")
    }

    private static let passed = #"""
        {"allowed":false,"limits":[{"scope":{"user":"ada"},"period":"day","limit_usd":100,"spent_usd":101.2,"used_percent":101.2,"warning":true,"resets":"2026-11-21T00:00:00.000Z"}]}
        """#

    @Test func theGuardStopsWhoHasSpentTooMuch() throws {
        let denied = try hook("PreToolUse", Self.passed)
        #expect(denied.status == 0 && denied.errors.isEmpty)
        let decision = try JSON.parse(Array(denied.output.utf8.dropLast()))["hookSpecificOutput"]
        #expect(decision?["permissionDecision"] == "deny")
        #expect(
            decision?["permissionDecisionReason"]?.string?.contains("user ada: $101.20 of $100.00")
                == true)
        let stopped = try JSON.parse(
            Array(try hook("UserPromptSubmit", Self.passed).output.utf8.dropLast()))
        #expect(stopped["continue"] == false && stopped["stopReason"]?.string != nil)
    }

    @Test func theGuardLetsPassWhatItCannotTell() throws {
        for verdict in [#"{"allowed":true,"limits":[]}"#, "null", "7", "{}"] {
            let result = try hook("PreToolUse", verdict)
            #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty)
        }
        let empty = try TemporaryDirectory()
        let away = try Program.run(
            "quipu", ["hook", "--guard", "--runtime-dir", empty.path], input: "{}")
        #expect(away.status == 0 && away.output.isEmpty && away.errors.isEmpty)
    }
}
