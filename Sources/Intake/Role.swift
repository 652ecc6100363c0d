internal import CSimdJSON

/// What a top-level member of a line can mean, whatever its writer calls it.
enum Role: Int, CaseIterable {
    case time
    // Names of the event, from the most to the least specific.
    case hookEvent, hook, event, type
    case tool, toolUseID, input, result
    case session, task, agent, agentID, name
    // Where the line belongs besides its session.
    case project, model, branch, parent, user, requestType
    case status, decision, isBlocked
    case error, hasError, success, isInterrupt, exitCode
    case durationMs
    case attributes
    case metric, value, values, tags, rate
    // What only rows of transcripts have.
    case uuid, message, subtype
    case metrics
    // What tells the usage of model calls apart from events.
    case payload, usage, tokens, inputTokens, outputTokens
}

/// Finds a member's role by its name.
struct RoleTable {
    /// Every known name, in the order of preference within its role.
    private static let names: [(StaticString, Role)] = [
        ("timestamp", .time), ("time", .time), ("ts", .time), ("t", .time), ("logged_at", .time),
        ("recorded_at", .time), ("analyzed_at", .time),
        ("hook_event_name", .hookEvent), ("hook_event", .hookEvent),
        ("hook_event_type", .hookEvent),
        ("hook", .hook), ("event", .event), ("event_type", .event), ("type", .type),
        ("tool_name", .tool), ("tool", .tool),
        ("tool_use_id", .toolUseID), ("toolUseID", .toolUseID), ("toolUseId", .toolUseID),
        ("tool_input", .input), ("parameters", .input), ("input", .input),
        ("tool_response", .result), ("tool_output", .result), ("output", .result),
        ("result", .result), ("response_preview", .result), ("tool_response_summary", .result),
        ("session_id", .session), ("session", .session), ("sessionId", .session),
        ("session_uuid", .session),
        ("task_id", .task), ("task", .task),
        ("agent", .agent), ("agent_type", .agent), ("attributionAgent", .agent),
        ("agent_id", .agentID), ("agentId", .agentID), ("subagent_id", .agentID),
        ("cwd", .project), ("project", .project), ("project_path", .project),
        ("project_name", .project),
        ("model", .model), ("model_name", .model),
        ("git_branch", .branch), ("gitBranch", .branch),
        ("parent_session", .parent), ("parent_session_id", .parent), ("forked_from_id", .parent),
        ("user_id", .user), ("user", .user), ("request_type", .requestType),
        ("name", .name),
        ("status", .status),
        ("decision", .decision), ("hook_decision", .decision),
        ("blocked", .isBlocked),
        ("error", .error), ("tool_error", .error), ("error_message", .error),
        ("has_error", .hasError), ("is_error", .hasError), ("isError", .hasError),
        ("isApiErrorMessage", .hasError),
        ("success", .success), ("exit_code", .exitCode), ("exitCode", .exitCode),
        ("is_interrupt", .isInterrupt), ("interrupted", .isInterrupt),
        ("duration_ms", .durationMs), ("durationMs", .durationMs), ("ms", .durationMs),
        ("execution_time_ms", .durationMs),
        ("attributes", .attributes),
        ("metric", .metric), ("value", .value), ("values", .values), ("tags", .tags),
        ("rate", .rate), ("sample_rate", .rate),
        ("uuid", .uuid),
        ("message", .message), ("subtype", .subtype),
        ("metrics", .metrics),
        ("payload", .payload), ("usage", .usage), ("tokens", .tokens),
        ("input_tokens", .inputTokens), ("output_tokens", .outputTokens),
    ]

    private static let slotCount = 256
    private var slots = [Int16](repeating: -1, count: slotCount)

    init() {
        for (index, (name, _)) in RoleTable.names.enumerated() {
            var slot = Int(truncatingIfNeeded: RoleTable.hash(name)) & (RoleTable.slotCount - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (RoleTable.slotCount - 1) }
            slots[slot] = Int16(index)
        }
    }

    /// The role of a member and its rank in it; a lower rank is preferred.
    func role(of member: Member) -> (role: Role, rank: Int)? {
        var slot = Int(truncatingIfNeeded: member.name_hash) & (RoleTable.slotCount - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            let (name, role) = RoleTable.names[index]
            if member.nameBytes.equals(name) { return (role, index) }
            slot = (slot + 1) & (RoleTable.slotCount - 1)
        }
        return nil
    }

    /// FNV-1a, as in CSimdJSON.
    static func hash(_ name: StaticString) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Bytes(name) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
