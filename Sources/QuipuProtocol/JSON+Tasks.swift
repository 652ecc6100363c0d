public import QuipuModel

extension TaskSummary {
    public var json: JSON { .object(members) }

    var members: [JSON.Member] {
        func time(_ moment: Timestamp?) -> JSON { .optional(moment?.rfc3339) }
        let spanMs = ended.map {
            Double($0.microseconds - (started ?? created).microseconds) / 1_000
        }
        return [
            JSON.Member("task", .string(task)), JSON.Member("status", .string(status.word)),
            JSON.Member("created", time(created)), JSON.Member("updated", time(updated)),
            JSON.Member("started", time(started)), JSON.Member("ended", time(ended)),
            JSON.Member("duration_ms", .optional(spanMs.map { max(0, $0) })),
        ] + TaskField.allCases.map { JSON.Member($0.word, value(of: $0)) }
    }

    /// Phases are counted; all else is text.
    private func value(of field: TaskField) -> JSON {
        guard field == .phaseNumber, let text = texts[field] else {
            return .optional(texts[field])
        }
        return Int64(text).map(JSON.int) ?? .string(text)
    }
}

extension TaskCounts {
    public var json: JSON {
        .object(
            [JSON.Member("total", .int(Int64(total)))]
                + TaskStatus.allCases.map { JSON.Member($0.word, .int(Int64(self[$0]))) })
    }

    var rate: JSON.Member {
        JSON.Member(
            "success_rate_percent", .optional(successRatePercent.map(Round.toHundredth)))
    }
}

extension TaskPage {
    public var json: JSON {
        let list = page.json("tasks") { $0.json }
        return .object(
            (list.members ?? []) + [JSON.Member("counts", counts.json), counts.rate])
    }
}

extension TaskActivity {
    public var json: JSON {
        [
            "seq": .int(seq), "time": .string(time.rfc3339), "task": .optional(task),
            "kind": .string(kind), "name": .optional(name), "status": .optional(status),
            "message": .optional(message), "agent": .optional(agent),
            "session": .optional(session), "error": .optional(error),
        ]
    }
}

extension TaskDetail {
    public var json: JSON {
        .object(
            summary.members + [
                JSON.Member("activity_count", .int(Int64(activityCount))),
                JSON.Member("activity", .array(activity.map(\.json))),
                JSON.Member("tool_count", .int(Int64(toolCount))),
                JSON.Member("tools", .array(tools.map(\.json))),
                JSON.Member("timeline", .array(timeline.map(\.json))),
                JSON.Member("documents", .array(documents.map(\.json))),
            ])
    }
}

extension Overview {
    public func json(since: Timestamp) -> JSON {
        let states = SessionState.allCases.map {
            JSON.Member($0.rawValue, .int(Int64(sessions[$0] ?? 0)))
        }
        let total = sessions.values.reduce(0, +)
        return .object([
            JSON.Member("since", .string(since.rfc3339)),
            JSON.Member("errors", .int(Int64(errors))), JSON.Member("tasks", tasks.json),
            tasks.rate, JSON.Member("api_cost_usd", .optional(costUSD)),
            JSON.Member("api_requests", .int(Int64(requests))),
            JSON.Member("unpriced_requests", .int(Int64(unpricedRequests))),
            JSON.Member("tool_calls", .int(Int64(toolCalls))),
            JSON.Member(
                "sessions", .object([JSON.Member("total", .int(Int64(total)))] + states)),
        ])
    }
}
