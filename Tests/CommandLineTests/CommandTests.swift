import Foundation
import Platform
import QuipuProtocol
import TestSupport
import Testing

/// The real program against a daemon that answers with the protocol's examples.
@Suite struct CommandTests {
    private let directory: TemporaryDirectory
    private let daemon: FakeDaemon

    init() throws {
        directory = try TemporaryDirectory()
        daemon = try FakeDaemon(at: directory("query.sock"), answers: Canned.answers())
    }

    private func quipu(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        try Program.run(
            "quipu", ["--runtime-dir", directory.path] + arguments,
            environment: ["COLUMNS": "100"].merging(environment) { $1 }, input: input)
    }

    @Test(arguments: [
        (["health"], "persistent"), (["stats"], "28.3 MB"), (["ledger"], "balanced"),
        (["events"], "Bash"), (["events", "--group-by", "provider,day"], "aws"),
        (["sessions"], "3f2c"), (["files"], "Main.swift"), (["session", "3f2c"], "a17"),
        (["session", "3f2c"], "TIME (UTC)"), (["tools"], "Bash"),
        (["errors"], "exit status 1"), (["metrics"], "diagram.render_ms"),
        (["metrics", "list", "diagram.*"], "provider=aws"),
        (["metrics", "query", "diagram.render_ms"], "183 ms"),
        (["metrics", "chart", "diagram.render_ms"], "└"), (["discover"], "health"),
        (["tasks"], "3 tasks: 0 pending, 1 running"), (["tasks", "activity"], "done"),
        (["task", "t-17"], "Fix the login"), (["task", "put", "t-17"], "completed"),
        (["overview"], "$1.23"), (["docs"], "Shop on AWS"), (["docs", "get", "gen-42"], "aws"),
        (["docs", "search", "load"], "[queue]"),
    ])
    func showsWhatADaemonAnswers(_ arguments: [String], _ expected: String) throws {
        let result = try quipu(arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(expected), "\(result.output)")
        #expect(!result.output.contains("\u{1b}"), "colours in a file")
        for line in result.output.split(separator: "\n") {
            #expect(line.count <= 100, "\(line)")
        }
    }

    @Test(arguments: [
        (["health"], "health/well"), (["ledger"], "ledger/one_source"),
        (["events", "--limit", "1"], "events.query/page"),
        (["session", "3f2c"], "sessions.get/one"), (["tools"], "tools.stats/all"),
    ])
    func jsonIsTheResultUntouched(_ arguments: [String], _ example: String) throws {
        let result = try quipu(arguments + ["--json"])
        #expect(result.status == 0)
        #expect(result.output == (try Canned.result(example).text) + "\n")
        // And before the command too.
        #expect(try quipu(["--json"] + arguments).output == result.output)
    }

    @Test func optionsBecomeParams() throws {
        _ = try quipu([
            "events", "--kind", "tool_use", "--name", "Bash", "--name", "Edit", "--since", "7d",
            "--until", "1795188000", "--limit", "5", "--oldest-first", "--where",
            "duration_ms>=100", "--where", "duration_ms<1000", "--where", "provider=aws",
            "--where", "session!=7", "--where", #"{"a.b":{"like":"x%"}}"#,
        ])
        let expected = try JSON.parse(
            #"""
            {"kind":"tool_use","name":["Bash","Edit"],
             "where":{"duration_ms":{"gte":100,"lt":1000},"provider":"aws",
                      "session":{"not":"7"},"a.b":{"like":"x%"}},
             "since":"7d","until":1795188000,"limit":5,"order":"asc"}
            """#.utf8)
        #expect(daemon.requests.last?["params"] == expected)
        #expect(daemon.requests.last?["method"] == "events.query")
    }

    /// `null`, which a refusal of another word names, is no word but nothing.
    @Test func noStatusCanBeAskedFor() throws {
        for (arguments, expected) in [
            (["--status", "null"], #"{"status":null}"#),
            (["--status", "ok", "--status", "null"], #"{"status":["ok",null]}"#),
            (["--where", "status=null"], #"{"where":{"status":null}}"#),
            (["--where", "status!=null"], #"{"where":{"status":{"not":null}}}"#),
            (["--where", "status=ok"], #"{"where":{"status":"ok"}}"#),
        ] {
            _ = try quipu(["events"] + arguments)
            #expect(daemon.requests.last?["params"] == (try JSON.parse(expected.utf8)))
        }
    }

    @Test func tasksAndDocumentsAreAskedForAsTyped() throws {
        _ = try quipu([
            "tasks", "--status", "failed", "--user", "42", "--agent-type", "code_agent",
            "--where", "phase_number>2",
        ])
        #expect(
            daemon.requests.last?["params"] == [
                "status": "failed",
                "where": [
                    "phase_number": ["gt": 2], "user": "42", "agent_type": "code_agent",
                ],
            ])
        _ = try quipu(["docs", "put", "a", "--kind", "spec", "-"], input: #"{"x":[1,"y"]}"#)
        #expect(
            daemon.requests.last?["params"] == [
                "id": "a", "kind": "spec", "body": ["x": [1, "y"]],
            ])
        _ = try quipu(["docs", "search", "\"load balancer\"", "que*"])
        #expect(daemon.requests.last?["params"] == ["query": "\"load balancer\" que*"])
        let before = daemon.requests.count
        let wrong = try quipu(["docs", "put", "a"], input: "no JSON")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("not JSON"))
        let missing = try quipu(["docs", "put", "a", directory("nowhere.json")])
        #expect(missing.status == 1)
        #expect(daemon.requests.count == before)
    }

    @Test func callAsksAnything() throws {
        let result = try quipu(["call", "tools.stats", #"{"name":"Bash"}"#])
        #expect(result.output == (try Canned.result("tools.stats/all").text) + "\n")
        #expect(daemon.requests.last?["params"] == ["name": "Bash"])
    }

    @Test(arguments: [
        ["call", "tools.stats", "{"], ["call", "tools.stats", "[1]"], ["events", "--limit", "x"],
        ["events", "--sum", "tokens"], ["events", "--where", "kind"], ["nosuch"],
        ["metrics", "chart"], ["metrics", "chart", "a", "--height", "1"], ["session"], ["send"],
        ["send", "--name", "x"], ["send", "{"], ["send", "no colon"],
        ["send", "--event", "deploy", "--status", "failed"], ["tail", "--lines", "-1"],
        ["limits", "set", "--period", "day"], ["cost", "blocks", "--token-limit", "few"],
        ["limits", "set", "--period", "day", "--usd", "1", "--user", "a", "--project", "b"],
        ["call", "subscribe"], ["top", "--interval", "0"], ["top", "--interval", "3601"],
    ])
    func wrongUsageEndsWith64(_ arguments: [String]) throws {
        let result = try quipu(arguments)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(!result.errors.isEmpty)
    }

    @Test func aRefusalIsToldWithItsMember() throws {
        let other = try TemporaryDirectory()
        let error = RPCError.invalid("since", "a time")
        let refusing = try FakeDaemon(
            at: other("query.sock"),
            answers: [
                "events.query": [#"{"jsonrpc":"2.0","id":$ID,"error":\#(error.json.text)}"#],
                "tools.stats": [
                    #"{"jsonrpc":"2.0","id":$ID,"error":\#(RPCError(.timeout).json.text)}"#
                ],
                "errors.list": ["garbage"],
            ])
        defer { refusing.stop() }
        let place = ["--runtime-dir", other.path]
        var result = try Program.run("quipu", place + ["events", "--since", "yesterday"])
        #expect(result.status == 64)
        #expect(result.errors == "quipu: Invalid params: since: a time\n")
        result = try Program.run("quipu", place + ["tools"])
        #expect(result.status == 1)
        result = try Program.run("quipu", place + ["errors"])
        #expect(result.status == 1)
        // The fake closes where it knows no answer.
        result = try Program.run("quipu", place + ["health"])
        #expect(result.status == 69)
    }

    @Test(arguments: [["health"], ["events"], ["tail"], ["top"], ["metrics", "chart", "a"]])
    func withoutADaemonItSaysWhatToDo(_ arguments: [String]) throws {
        let empty = try TemporaryDirectory()
        let result = try Program.run("quipu", ["--runtime-dir", empty.path] + arguments)
        #expect(result.status == 69)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("quipud is not running at \(empty.path)/query.sock"))
        #expect(result.errors.contains("start it with `quipud`"))
    }

    @Test func theEnvironmentNamesTheRuntimeDirectory() throws {
        let result = try Program.run(
            "quipu", ["health"], environment: ["QUIPU_RUNTIME_DIR": directory.path])
        #expect(result.status == 0)
    }

    @Test func aDegradedDaemonEndsWith1() throws {
        let other = try TemporaryDirectory()
        let degraded = try FakeDaemon(
            at: other("query.sock"), answers: ["health": [Canned.reply("health/disk_failed")]])
        defer { degraded.stop() }
        for format in [[], ["--json"]] {
            let result = try Program.run(
                "quipu", ["--runtime-dir", other.path, "health"] + format)
            #expect(result.status == 1)
            #expect(result.output.contains("the disk is full"))
        }
    }

    @Test func aClosedPipeEndsQuietly() throws {
        let log = directory("err")
        let shell = try Program.run(
            "/bin/sh",
            [
                "-c",
                "'\(Program.directory)/quipu' --runtime-dir '\(directory.path)' discover --json "
                    + "2>'\(log)' | true",
            ])
        #expect(shell.status == 0)
        #expect(FileManager.default.contents(atPath: log)?.isEmpty == true)
    }
}
