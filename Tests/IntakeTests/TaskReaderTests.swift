import QuipuModel
import Testing

/// What lines say of tasks.
@Suite struct TaskReaderTests {
    private func told(_ change: TaskChange, of batch: DecodedBatch) -> [String: String] {
        var told: [String: String] = [:]
        for field in TaskField.allCases { told[field.word] = batch.string(change[field]) }
        return told
    }

    private func only(
        _ line: String, path: String = "/var/log/app.jsonl"
    ) throws -> (change: TaskChange, batch: DecodedBatch) {
        let batch = decode(line + "\n", path: path)
        #expect(batch.events.count == 1)
        #expect(batch.closes)
        return (try #require(batch.taskChanges.first), batch)
    }

    @Test func aLineTellsAtTheTopOrInItsAttributes() throws {
        let line = #"""
            {"event":"task","task":"t-17","name":"Fix","status":"completed","message":"done","session":"s",
            "time":"2026-11-20T15:17:28Z","user":42,"attributes":{"workspace":"/srv","model":"m","agent_type":"code",
            "phase":"test","phase_number":3,"result":{"ok":true},"error":"","description":"long","name":"other"}}
            """#.filter { $0 != "\n" }
        let (change, batch) = try only(line)
        #expect(batch.string(change.task) == "t-17")
        #expect(change.status == .completed)
        #expect(!change.isOfSession)
        #expect(
            told(change, of: batch) == [
                "name": "Fix", "message": "done", "session": "s", "user": "42",
                "workspace": "/srv", "model": "m", "agent_type": "code", "phase": "test",
                "phase_number": "3", "result": #"{"ok":true}"#, "description": "long",
            ])
        let event = try #require(batch.events.first)
        #expect(batch.string(event.kind) == "task")
        #expect(event.status == .ok)
        #expect(change.time == event.time)
    }

    @Test(arguments: [
        ("ok", TaskStatus.completed), ("Completed", .completed), ("error", .failed),
        ("failed", .failed), ("started", .running), ("in_progress", .running),
        ("pending", .pending), ("cancelled", .stopped), ("stopped", .stopped),
    ])
    func statusesHaveManyWords(_ word: String, _ status: TaskStatus) throws {
        let (change, _) = try only(#"{"event":"task","task":"t","status":"\#(word)"}"#)
        #expect(change.status == status)
        #expect(!change.statusIsImplied)
    }

    @Test func aStatusLineNamesNoTask() throws {
        let (change, batch) = try only(
            #"{"event":"agent_status","name":"started","task":"t","message":"go"}"#)
        #expect(told(change, of: batch) == ["message": "go"])
    }

    @Test func textsOfTasksKeepNoSecrets() throws {
        let key = "sk-ant-" + String(repeating: "a1", count: 20)
        let (change, batch) = try only(
            #"{"event":"task","task":"t","result":{"password":"x"},"error":"bad key \#(key)"}"#)
        let texts = told(change, of: batch)
        #expect(texts["error"]?.contains(key) == false)
        #expect(texts["result"] == #"{"password":"<redacted>"}"#)
    }

    @Test func aToolCallOnlyImpliesThatTheTaskRuns() throws {
        let (change, batch) = try only(
            #"{"event":"agent_status","task_id":"t","status":"tool_call","message":"Bash"}"#)
        #expect(change.status == .running)
        #expect(change.statusIsImplied)
        #expect(batch.string(batch.events[0].kind) == "agent_status")
        let (other, _) = try only(#"{"event":"task","task":"t","status":"odd"}"#)
        #expect(other.status == nil)
    }

    @Test func hooksMakeAndCompleteTasks() throws {
        func hook(_ name: String, _ id: String) -> String {
            #"""
            {"hook_event_name":"\#(name)","session_id":"s","cwd":"/srv","task_id":\#(id),"task_subject":"Write tests",
            "task_description":"All","teammate_name":"ana"}
            """#.filter { $0 != "\n" }
        }
        let (made, batch) = try only(hook("TaskCreated", "\"17\""))
        #expect(made.status == .pending)
        // Each session counts its tasks from 1.
        #expect(made.isOfSession)
        #expect(
            told(made, of: batch) == [
                "name": "Write tests", "description": "All", "agent_type": "ana",
                "workspace": "/srv", "session": "s",
            ])
        #expect(batch.string(batch.events[0].kind) == "task")
        #expect(batch.events[0].status == .none)
        let (done, after) = try only(hook("TaskCompleted", "\"task-001\""))
        #expect(done.status == .completed)
        #expect(!done.isOfSession)
        #expect(after.events[0].status == .ok)
    }

    @Test func rowsOfADashboardsTablesAreKnownByTheirMembers() throws {
        let (task, batch) = try only(
            #"""
            {"task_id":"a1","user_id":7,"description":"d","status":"running","created_at":"2025-10-18T10:00:00Z",
            "updated_at":"2025-10-18T11:00:00Z","model":"haiku","current_phase":"plan"}
            """#.filter { $0 != "\n" })
        #expect(batch.string(batch.events[0].kind) == "task")
        #expect(task.status == .running)
        #expect(task.created == Timestamp.seconds(1_760_781_600))
        #expect(task.time == Timestamp.seconds(1_760_785_200))
        #expect(batch.events[0].time == task.time)
        #expect(!batch.events[0].timeIsArrival)
        let (status, rows) = try only(
            #"{"timestamp":"2025-10-18T11:00:00Z","task_id":"a1","status":"failed","message":"m"}"#)
        #expect(rows.string(rows.events[0].kind) == "agent_status")
        #expect(status.status == .failed)
    }

    @Test(arguments: [
        #"{"task_id":"a","status":"ok","message":"m"}"#, #"{"event":"task","name":"no id"}"#,
        #"{"event":"deploy","task":"t","status":"completed"}"#,
        #"{"tool":"Bash","task_id":"a","status":"completed","message":"m","parameters":{}}"#,
        #"{"event":"task","task":null,"status":"completed"}"#,
    ])
    func otherLinesTellNothingOfTasks(_ line: String) {
        #expect(decode(line + "\n").taskChanges.isEmpty)
    }

    @Test func textsAreCutAtTheirBound() throws {
        let long = String(repeating: "é", count: Limits.taskTextBytesMax)
        let (change, batch) = try only(#"{"event":"task","task":"t","result":"\#(long)"}"#)
        #expect(batch.string(change[.result])?.utf8.count == Limits.taskTextBytesMax)
    }
}
