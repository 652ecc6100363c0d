internal import QuipuModel

/// What a hook event of Claude Code means for us.
struct Hook: Sendable {
    /// Where a record's name is taken from.
    enum Title: Sendable {
        case none
        case tool
        case word(StaticString)
        case member(StaticString)
    }

    /// In snake_case.
    let name: StaticString
    let kind: StaticString
    var half = CallHalf.whole
    /// The status that the event itself implies.
    var status = EventStatus.none
    var title = Title.none

    /// The hook of this name, written as `PreToolUse`, `pre_tool_use` or `pre-tool-use`.
    static func known(_ name: Bytes) -> Hook? {
        // The longest known name, in snake_case, has 21 bytes.
        guard (4...32).contains(name.count) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: name.count * 2, alignment: 1) { buffer in
            let count = snakeCase(name, into: buffer)
            let snake = Bytes(buffer).part(0, count)
            return all.first { snake.equals($0.name) }
        }
    }

    /// Writes `name` in snake_case and returns its length; `buffer` must hold twice the name.
    static func snakeCase(_ name: Bytes, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        for (index, byte) in name.enumerated() {
            if byte.isUppercase, index > 0, buffer[count - 1] != 0x5f {
                let afterSmall = name[index - 1].isLowercase || name[index - 1].isDigit
                let beforeSmall = index + 1 < name.count && name[index + 1].isLowercase
                if afterSmall || (beforeSmall && name[index - 1].isUppercase) {
                    buffer[count] = 0x5f
                    count += 1
                }
            }
            let isSeparator = byte == 0x2d || byte == 0x20 || byte == 0x2e
            buffer[count] = isSeparator ? 0x5f : byte.lowercased
            count += 1
        }
        return count
    }

    static let toolStart = Hook(
        name: "pre_tool_use", kind: "tool_use", half: .opening, status: .running, title: .tool)
    static let toolEnd = Hook(
        name: "post_tool_use", kind: "tool_use", half: .closing, status: .ok, title: .tool)

    static let all: [Hook] = [
        toolStart,
        toolEnd,
        Hook(
            name: "post_tool_use_failure", kind: "tool_use", half: .closing, status: .error,
            title: .tool),
        Hook(
            name: "permission_denied", kind: "tool_use", half: .closing, status: .blocked,
            title: .tool),
        Hook(name: "permission_request", kind: "permission", title: .tool),
        Hook(name: "user_prompt_submit", kind: "prompt"),
        Hook(name: "session_start", kind: "session", title: .word("start")),
        Hook(name: "session_end", kind: "session", title: .word("end")),
        Hook(name: "subagent_start", kind: "subagent", title: .word("start")),
        Hook(name: "subagent_stop", kind: "subagent", title: .word("stop")),
        Hook(name: "notification", kind: "notification", title: .member("notification_type")),
        Hook(name: "pre_compact", kind: "compact", title: .member("trigger")),
        Hook(name: "post_compact", kind: "compact", title: .member("trigger")),
        Hook(name: "stop", kind: "stop"),
        Hook(name: "stop_failure", kind: "stop", status: .error),
        Hook(name: "setup", kind: "setup", title: .member("trigger")),
        Hook(
            name: "user_prompt_expansion", kind: "user_prompt_expansion",
            title: .member("command_name")),
        Hook(name: "post_tool_batch", kind: "post_tool_batch"),
        Hook(name: "message_display", kind: "message_display"),
        Hook(name: "task_created", kind: "task", title: .member("task_subject")),
        Hook(
            name: "task_completed", kind: "task", status: .ok, title: .member("task_subject")),
        Hook(name: "teammate_idle", kind: "teammate_idle", title: .member("teammate_name")),
        Hook(
            name: "instructions_loaded", kind: "instructions_loaded", title: .member("memory_type")),
        Hook(name: "config_change", kind: "config_change", title: .member("source")),
        Hook(name: "cwd_changed", kind: "cwd_changed"),
        Hook(name: "directory_added", kind: "directory_added", title: .member("source")),
        Hook(name: "file_changed", kind: "file_changed", title: .member("event")),
        Hook(name: "worktree_create", kind: "worktree_create"),
        Hook(name: "worktree_remove", kind: "worktree_remove"),
        Hook(name: "elicitation", kind: "elicitation", title: .member("mcp_server_name")),
        Hook(
            name: "elicitation_result", kind: "elicitation_result",
            title: .member("mcp_server_name")),
        Hook(name: "pre_model_switch", kind: "pre_model_switch"),
        Hook(name: "post_model_switch", kind: "post_model_switch"),
    ]
}
