import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Tasks, documents and the overview through the real agent, the real daemon and the real CLI.
@Suite struct TaskTests {
    private func quipu(_ rig: Rig, _ arguments: [String], input: String? = nil) throws -> (
        status: Int32, output: String, errors: String
    ) {
        try Program.run("quipu", ["--runtime-dir", rig.runtime] + arguments, input: input)
    }

    private func error(_ rig: Rig, _ method: String, _ params: String) throws -> JSON? {
        let connection = try Connection(rig.querySocket)
        try connection.send("{\"method\":\"\(method)\",\"params\":\(params)}\n")
        return try connection.reply()?["error"]
    }

    @Test func datagramsHooksAndPutsMakeOneTask() throws {
        let rig = try Rig()
        try rig.start()
        try rig.send(
            #"{"event":"task","task":"t-1","name":"Fix","status":"running","attributes":{"workspace":"/srv"}}"#
        )
        try rig.send(
            #"{"event":"agent_status","task":"t-1","status":"tool_call","message":"Bash"}"#)
        try rig.append(
            #"""
            {"hook_event_name":"TaskCreated","session_id":"s","task_id":"7","task_subject":"Test"}
            {"hook_event_name":"TaskCompleted","session_id":"s","task_id":"7","task_subject":"Test"}
            {"tool_name":"Bash","tool_input":{},"tool_response":{},"session_id":"s","task_id":"t-1","hook_event_name":"PostToolUse","tool_use_id":"u"}

            """#, to: "hooks.jsonl")
        try rig.waitForLines(5)
        let listener = try Connection(rig.querySocket)
        try listener.send("{\"method\":\"subscribe\",\"params\":{\"kind\":\"task\"}}\n")
        #expect(try listener.line()?["result"] != nil)
        let put = try rig.ask(
            "tasks.put",
            ["task": "t-1", "status": "completed", "result": "well", "message": "done"])
        // What was committed just before may still be told first.
        var heard: JSON?
        repeat {
            heard = try listener.line()?["params"]?["data"]
        } while heard != nil && heard?["attributes"]?["message"] != "done"
        #expect(heard?["task"] == "t-1")
        #expect(put["status"] == "completed")
        #expect(put["name"] == "Fix")
        #expect(put["workspace"] == "/srv")
        let task = try rig.ask("tasks.get", ["task": "t-1"])
        #expect(task["activity"]?.array?.map { $0["message"] } == [.null, "Bash", "done"])
        #expect(task["tool_count"] == 1)
        #expect(task["timeline"]?.array?.count == 1)
        let hook = try rig.ask("tasks.get", ["task": "7", "session": "s"])
        #expect(hook["status"] == "completed")
        // The hook's number is the session's; somebody who says only the number means the same.
        #expect(try rig.ask("tasks.put", ["task": "7", "model": "m"])["name"] == "Test")
        let list = try rig.ask("tasks.list", ["status": "completed"])
        #expect(list["counts"]?["total"] == 2)
        #expect(list["success_rate_percent"] == 100)
        let feed = try rig.ask("tasks.activity", ["limit": 2])
        #expect(feed["activity"]?.array?.count == 2)
        #expect(feed["next_cursor"] != nil)
        // The puts are events like any other, and in an account of their own.
        let events = try rig.allEvents([JSON.Member("kind", "task")])
        #expect(events.last?["source"]?["path"] == "quipud:tasks.put")
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"]?.int == Int64(try rig.allEvents().count))
        let overview = try rig.ask("overview")
        #expect(overview["tasks"]?["completed"] == 2)
        #expect(overview["tool_calls"] == 1)
        #expect(overview["errors"] == 0)
        #expect(overview["sessions"]?["total"] == 1)
    }

    @Test func tasksSurviveARestartAndTheSwitchOfPersistence() throws {
        let rig = try Rig()
        try rig.start()
        try rig.send(#"{"event":"task","task":"t","status":"running","user":"ana"}"#)
        try rig.waitForLines(1)
        try rig.ask("documents.put", ["id": "d", "body": ["text": "kept words"]])
        rig.daemon?.stop()
        try rig.startDaemon()
        #expect(try rig.ask("tasks.get", ["task": "t"])["user"] == "ana")
        try rig.ask("admin.persistence", ["enabled": false])
        #expect(try rig.ask("tasks.put", ["task": "t", "status": "failed"])["user"] == "ana")
        #expect(
            try rig.ask("documents.search", ["query": "kept"])["documents"]?.array?.count == 1)
        try rig.ask("admin.persistence", ["enabled": true])
        #expect(try rig.ask("tasks.get", ["task": "t"])["status"] == "running")
        #expect(try rig.ask("ledger")["balanced"] == true)
        let copy = rig.directory("copy.db")
        #expect(try quipu(rig, ["backup", copy]).status == 0)
    }

    /// What the seed's architecture store was asked: saved, listed by provider, one, searched.
    @Test func theSeedsArchitectureStoreIsAnswered() throws {
        let rig = try Rig()
        try rig.startDaemon()
        for (id, provider, parts) in [
            ("gen-1", "aws", "Elastic load balancer"), ("gen-2", "gcp", "Pub/Sub queue"),
            ("gen-3", "aws", "SQS queue"),
        ] {
            let saved = try rig.ask(
                "documents.put",
                [
                    "id": .string(id), "kind": "architecture", "title": .string("Plan \(id)"),
                    "body": ["provider": .string(provider), "parts": [.string(parts)]],
                ])
            #expect(saved["version"] == 1)
        }
        func ids(_ method: String, _ params: JSON) throws -> [String] {
            (try rig.ask(method, params)["documents"]?.array ?? []).compactMap { $0["id"]?.string }
        }
        let aws: JSON = ["provider": "aws"]
        #expect(
            try ids("documents.list", ["kind": "architecture", "where": aws]) == ["gen-3", "gen-1"])
        #expect(try ids("documents.search", ["query": "queue"]).sorted() == ["gen-2", "gen-3"])
        #expect(try ids("documents.search", ["query": "queue", "where": aws]) == ["gen-3"])
        #expect(try ids("documents.list", ["until": "2020-01-01"]) == [])
        #expect(
            try rig.ask("documents.get", ["id": "gen-1"])["body"]
                == ["provider": "aws", "parts": ["Elastic load balancer"]])
        #expect(try rig.ask("documents.delete", ["id": "gen-1"])["deleted"] == "gen-1")
        #expect(try error(rig, "documents.get", #"{"id":"gen-1"}"#)?["code"] == -32001)
        #expect(try error(rig, "documents.delete", #"{"id":"gen-1"}"#)?["code"] == -32001)
        #expect(try error(rig, "tasks.get", #"{"task":"nobody"}"#)?["code"] == -32001)
        let large = String(repeating: "x", count: 800_000)
        #expect(
            try error(rig, "documents.put", #"{"id":"x","body":{"x":"\#(large)"}}"#)?["code"]
                == -32003)
        #expect(try error(rig, "tasks.list", #"{"where":{"colour":1}}"#)?["code"] == -32602)
    }

    @Test func theCommandsWork() throws {
        let rig = try Rig()
        try rig.startDaemon()
        #expect(
            try quipu(rig, ["task", "put", "t", "--status", "running", "--user", "7"]).status == 0)
        #expect(try quipu(rig, ["task", "put", "t", "--status", "odd"]).status == 64)
        #expect(try quipu(rig, ["task", "t"]).output.contains("running"))
        #expect(try quipu(rig, ["task", "nobody"]).status == 1)
        #expect(try quipu(rig, ["tasks", "--user", "7"]).output.contains("1 task"))
        #expect(try quipu(rig, ["docs", "put", "a"], input: #"{"w":"word"}"#).status == 0)
        #expect(try quipu(rig, ["docs", "search", "wo*"]).output.contains("[word]"))
        #expect(try quipu(rig, ["docs", "get", "a"]).output == #"{"w":"word"}"# + "\n")
        #expect(try quipu(rig, ["docs", "delete", "a"]).status == 0)
        #expect(try quipu(rig, ["docs", "get", "a"]).status == 1)
        #expect(try quipu(rig, ["overview"]).output.contains("running"))
    }
}
