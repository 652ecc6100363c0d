import QuipuModel
import QuipuProtocol

/// A row as native line.
struct TranslatedRow {
    /// Within its kind; the same whenever the row is read again.
    var identity: String
    /// What may change while the row stays the same one, such as that a call has ended.
    var state: String
    var line: JSON
    var sums = RowSums()
    var isAmbiguous = false
    /// For a person.
    var summary: String
}

/// How rows of each kind become native lines.
enum RowTranslation {
    /// `task_id` of a tool call: a task of the system, or, for calls outside of any, a session.
    typealias Sessions = [String: String?]

    static func toolCall(
        _ row: RowReader, _ identities: inout RowIdentities, tasks: Sessions?
    ) throws(Refusal) -> TranslatedRow {
        let time = try row.requiredTime("timestamp")
        let tool = try row.required("tool_name")
        let task = try row.text("task_id")
        let success = try row.flag("success")
        let identity = identities.next(
            ["tool_usage", row.row["timestamp"]?.text ?? "", task ?? "", tool])
        var line = LineBuilder()
        line.set("hook_event_name", success == nil ? "PreToolUse" : "PostToolUse")
        line.set("timestamp", time, asWritten: row.value("timestamp"))
        line.set("tool_name", tool)
        line.set("tool_use_id", identity)
        if let task, let session = tasks?[task] {
            line.set("task_id", task)
            line.set("session_id", session ?? task)
        } else {
            line.set("session_id", task)
        }
        line.set("agent", try row.text("agent"))
        if success != nil { line.set("duration_ms", try row.number("duration_ms")) }
        if let success { line.set("has_error", JSON.bool(!success)) }
        if success == false { line.set("error", try row.text("error") ?? "failed") }
        line.set("error_category", try row.text("error_category").map(category))
        line.set("screenshot_path", try row.text("screenshot_path"))
        var sums = RowSums()
        sums.inputTokens = try row.count("input_tokens") ?? 0
        sums.outputTokens = try row.count("output_tokens") ?? 0
        sums.cacheWriteTokens = try row.count("cache_creation_tokens") ?? 0
        sums.cacheReadTokens = try row.count("cache_read_tokens") ?? 0
        for column in [
            "input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens",
        ] { line.set(column, try row.count(column)) }
        line.set("tool_input", row.json("parameters"))
        return TranslatedRow(
            identity: identity, state: success.map { "\($0)" } ?? "running", line: line.json,
            sums: sums, isAmbiguous: time.isAmbiguous,
            summary: "\(time.time.rfc3339) \(tool)")
    }

    /// The dashboards' words for what went wrong, in ours.
    private static func category(_ word: String) -> String {
        switch word {
        case "file_not_found": "not_found"
        case let word where word.hasSuffix("_error"): String(word.dropLast("_error".count))
        default: word
        }
    }

    static func status(
        _ row: RowReader, _ identities: inout RowIdentities
    ) throws(Refusal) -> TranslatedRow {
        let time = try row.requiredTime("timestamp")
        let status = try row.required("status")
        let task = try row.text("task_id")
        let message = try row.text("message")
        let identity = identities.next(
            [
                "agent_status", row.row["timestamp"]?.text ?? "", task ?? "", status,
                message ?? "",
            ])
        var line = LineBuilder()
        line.set("event", "agent_status")
        line.set("time", time, asWritten: row.value("timestamp"))
        line.set("name", status)
        line.set("uuid", identity)
        line.set("task_id", task)
        line.set("agent", try row.text("agent"))
        line.set("message", message)
        line.set("metadata", row.json("metadata"))
        return TranslatedRow(
            identity: identity, state: "", line: line.json, isAmbiguous: time.isAmbiguous,
            summary: "\(time.time.rfc3339) \(status)")
    }

    /// A row of `usage.json` or of `cost_tracking`, which have the same columns.
    static func usage(
        _ row: RowReader, user: String, _ identities: inout RowIdentities
    ) throws(Refusal) -> TranslatedRow {
        let time = try row.requiredTime("timestamp")
        let model = try row.required("model")
        guard let input = try row.count("input_tokens") else {
            throw Refusal(column: "input_tokens", reason: "is missing")
        }
        guard let output = try row.count("output_tokens") else {
            throw Refusal(column: "output_tokens", reason: "is missing")
        }
        let nanoUSD = try row.nanoUSD("cost")
        let cost = try row.number("cost")
        let identity = identities.next(
            [
                "usage", user, row.row["timestamp"]?.text ?? "", model, String(input),
                String(output), try row.text("request_type") ?? "",
            ])
        var line = LineBuilder()
        line.set("usage", model)
        line.set("id", identity)
        line.set("time", time, asWritten: row.value("timestamp"))
        line.set("user", user)
        line.set("session", try row.text("session_id"))
        line.set("request_type", try row.text("request_type"))
        line.set("input_tokens", input)
        line.set("output_tokens", output)
        line.set("cost_usd", cost)
        var sums = RowSums()
        (sums.inputTokens, sums.outputTokens) = (input, output)
        sums.costNanoUSD = nanoUSD ?? 0
        return TranslatedRow(
            identity: identity, state: "", line: line.json, sums: sums,
            isAmbiguous: time.isAmbiguous, summary: "\(time.time.rfc3339) \(model) of \(user)")
    }

    /// A file's counts as the original kept them: an event of its own, not calls of tools.
    static func file(
        _ row: RowReader, _ identities: inout RowIdentities
    ) throws(Refusal) -> TranslatedRow {
        let path = try row.required("file_path")
        let time = try row.requiredTime("last_accessed")
        let identity = identities.next(["files", row.row.text])
        var line = LineBuilder()
        line.set("event", "file")
        line.set("name", path)
        line.set("time", time, asWritten: row.value("last_accessed"))
        line.set("uuid", identity)
        line.set("first_seen", try row.time("first_seen")?.time.rfc3339Microseconds)
        for column in ["access_count", "file_size"] { line.set(column, try row.count(column)) }
        line.set("file_hash", try row.text("file_hash"))
        line.set("task_ids", row.json("task_ids"))
        line.set("operations", row.json("operations"))
        return TranslatedRow(
            identity: identity, state: "", line: line.json, isAmbiguous: time.isAmbiguous,
            summary: path)
    }
}
