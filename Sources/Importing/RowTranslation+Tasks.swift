import QuipuModel
import QuipuProtocol

extension RowTranslation {
    static let taskStatuses: Set<String> = [
        "pending", "running", "completed", "failed", "stopped",
    ]

    /// A task's line, with all that its columns say of it, and before it one for each entry of its
    /// activity log.
    static func task(
        _ row: RowReader, key: String?, _ identities: inout RowIdentities
    ) throws(Refusal) -> [TranslatedRow] {
        let task = try row.text("task_id") ?? key
        guard let task else { throw Refusal(column: "task_id", reason: "is missing") }
        let status = try row.required("status")
        guard taskStatuses.contains(status) else {
            throw Refusal(
                column: "status",
                reason: "\"\(status)\" is none of \(taskStatuses.sorted().joined(separator: ", "))")
        }
        let created = try row.time("created_at")
        guard let updated = try row.time("updated_at") ?? created else {
            throw Refusal(column: "created_at", reason: "is missing")
        }
        var rows: [TranslatedRow] = []
        rows += try activity(task, row, &identities)
        let identity = identities.next(["task", task, row.row.text])
        var line = LineBuilder()
        line.set("event", "task")
        line.set("task", task)
        line.set("status", status)
        line.set("time", updated, asWritten: row.value("updated_at") ?? row.value("created_at"))
        line.set("uuid", identity)
        line.set("session", try row.text("session_uuid"))
        line.set("attributes", try facts(row))
        rows.append(
            TranslatedRow(
                identity: identity, state: "", line: line.json,
                isAmbiguous: updated.isAmbiguous, summary: "\(task) \(status)"))
        return rows
    }

    private static func facts(_ row: RowReader) throws(Refusal) -> JSON {
        var facts = LineBuilder()
        facts.set("created_at", try row.time("created_at")?.time.rfc3339Microseconds)
        facts.set("user", try row.text("user_id"))
        for column in [
            "description", "workspace", "model", "agent_type", "workflow", "last_agent_type",
            "result", "error", "context",
        ] { facts.set(column, try row.text(column)) }
        facts.set("phase", try row.text("current_phase"))
        for column in ["phase_number", "pid"] { facts.set(column, try row.count(column)) }
        return facts.json
    }

    /// `[{"timestamp","message","output_lines"?}]`
    private static func activity(
        _ task: String, _ row: RowReader, _ identities: inout RowIdentities
    ) throws(Refusal) -> [TranslatedRow] {
        guard let log = row.json("activity_log") else { return [] }
        guard let entries = log.array else {
            throw Refusal(column: "activity_log", reason: "is no JSON array")
        }
        var rows: [TranslatedRow] = []
        for (index, entry) in zip(entries.indices, entries) {
            let reader = RowReader(row: entry, label: row.label, times: row.times)
            let place = "activity_log[\(index)]"
            guard let message = entry["message"]?.string else {
                throw Refusal(column: place + ".message", reason: "is missing")
            }
            guard let time = try reader.time("timestamp") else {
                throw Refusal(column: place + ".timestamp", reason: "is missing")
            }
            let identity = identities.next(
                ["task activity", task, entry["timestamp"]?.text ?? "", message])
            var line = LineBuilder()
            line.set("event", "task")
            line.set("task", task)
            line.set("time", time, asWritten: entry["timestamp"])
            line.set("uuid", identity)
            line.set("message", message)
            line.set("output_lines", reader.value("output_lines"))
            rows.append(
                TranslatedRow(
                    identity: identity, state: "", line: line.json,
                    isAmbiguous: time.isAmbiguous, summary: "\(task) \(message)"))
        }
        return rows
    }

    /// An entry of `sessions.json`, as one event with what it says in single values.
    static func session(
        _ row: RowReader, key: String, _ identities: inout RowIdentities
    ) throws(Refusal) -> TranslatedRow {
        let columns = ["last_activity", "updated_at", "last_used", "created_at", "timestamp"]
        guard let column = columns.first(where: { row.value($0) != nil }) else {
            throw Refusal(column: columns[0], reason: "is missing, and so is every other time")
        }
        let time = try row.requiredTime(column)
        let identity = identities.next(["session", key, row.row.text])
        var line = LineBuilder()
        line.set("event", "session")
        line.set("name", "imported")
        line.set("time", time, asWritten: row.value(column))
        line.set("uuid", identity)
        let uuid = try row.text("session_uuid")
        line.set("session", try row.text("session_id") ?? uuid ?? key)
        line.set("user", try row.text("user_id"))
        let plain = (row.row.members ?? []).filter {
            $0.value.array == nil && $0.value.members == nil && $0.value != .null
        }
        line.set("attributes", .object(plain))
        return TranslatedRow(
            identity: identity, state: "", line: line.json, isAmbiguous: time.isAmbiguous,
            summary: key)
    }
}
