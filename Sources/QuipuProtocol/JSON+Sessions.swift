public import QuipuModel

// Answers about sessions and files as they go over the wire.

extension SessionSummary {
    /// - Parameter now: the moment against which the state is told.
    public func json(now: Timestamp) -> JSON {
        let state = SessionState.of(lastActivity: lastActivity, now: now)
        var members: [JSON.Member] = [
            JSON.Member("session", .string(session)),
            JSON.Member("started", .string(started.rfc3339)),
            JSON.Member("last_activity", .string(lastActivity.rfc3339)),
            JSON.Member("state", .string(state.rawValue)),
            JSON.Member("event_count", .int(Int64(eventCount))),
            JSON.Member("tool_count", .int(Int64(toolCount))),
            JSON.Member("errors", .int(Int64(errors))),
            JSON.Member("blocked", .int(Int64(blocked))),
            JSON.Member(
                "tools", .object(tools.map { JSON.Member($0.name, .int(Int64($0.count))) })),
            JSON.Member("file_count", .int(Int64(fileCount))),
            JSON.Member("subagent_count", .int(Int64(subagentCount))),
            JSON.Member("tokens", usage?.tokens.json ?? .null),
            JSON.Member("cost_usd", .optional(usage?.costUSD)),
        ]
        if let title { members.append(JSON.Member("title", .string(title))) }
        return .object(members + context.json)
    }
}

extension SessionDetail {
    /// Everything but the timeline.
    public func members(now: Timestamp) -> [JSON.Member] {
        (summary.json(now: now).members ?? []) + [
            JSON.Member("subagents", .array(subagents.map(\.json))),
            JSON.Member("files", .array(files.map(\.json))),
        ]
    }
}

extension SessionDetail.Subagent {
    public var json: JSON {
        [
            "agent_id": .optional(agentID), "session": .optional(session),
            "started": .string(started.rfc3339), "last_activity": .string(lastActivity.rfc3339),
            "event_count": .int(Int64(eventCount)), "tool_count": .int(Int64(toolCount)),
            "errors": .int(Int64(errors)),
        ]
    }
}

extension FileTouches {
    public var json: JSON {
        [
            "path": .string(path), "reads": .int(Int64(reads)), "writes": .int(Int64(writes)),
            "edits": .int(Int64(edits)), "first_seen": .string(firstSeen.rfc3339),
            "last_seen": .string(lastSeen.rfc3339), "sessions": .int(Int64(sessions)),
        ]
    }
}
