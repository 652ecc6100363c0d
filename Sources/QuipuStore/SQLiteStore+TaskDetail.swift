public import QuipuModel

extension SQLiteStore {
    /// One task with what happened for it; nil when there is none.
    public func task(_ query: TaskDetailQuery) async throws(StoreError) -> TaskDetail? {
        try await read { context in
            guard let task = try context.id(of: query.task) else { return nil }
            let session = try query.session.map { try context.id(of: $0) ?? 0 }
            let find = try context.prepare(
                """
                SELECT \(TaskRow.columns), scope FROM tasks
                WHERE task = ?1 AND (?2 IS NULL OR scope = ?2 OR (scope = 0 AND session = ?3))
                ORDER BY updated DESC, id DESC LIMIT 1
                """)
            find.bind(1, task)
            find.bind(2, session)
            find.bind(3, copying: query.session)
            guard try find.step() else { return nil }
            let row = TaskRow(row: find)
            var detail = TaskDetail(try row.summary(context))
            let scope = find.int(Int32(7 + TaskField.allCases.count))
            try Self.read(&detail, task: task, scope: scope, limit: query.limit, context)
            detail.documents = try Documents.ofTask(query.task, limit: query.limit, context)
            return detail
        }
    }

    /// Its events, from the newest on: all are counted, the newest are kept.
    private static func read(
        _ detail: inout TaskDetail, task: Int64, scope: Int64, limit: Int, _ context: ReadContext
    ) throws {
        let find = try context.prepare(
            """
            SELECT \(EventRow.columns(withAttributes: true)) FROM events
            WHERE task = ?1 \(scope == 0 ? "" : "AND session = ?2")
            ORDER BY time DESC, id DESC
            """)
        find.bind(1, task)
        if scope != 0 { find.bind(2, scope) }
        let toolUse = try context.id(of: "tool_use")
        let row = EventRow(row: find)
        var tools: [Int64?: ToolTally] = [:]
        var bytes = 0
        while try find.step() {
            if row.flags.contains(.isTaskActivity) {
                detail.activityCount += 1
                if detail.activity.count < limit {
                    detail.activity.append(try row.activity(context))
                }
            } else if row.kind == toolUse {
                detail.toolCount += 1
                tools[row.name, default: ToolTally()].add(row)
                if detail.timeline.count < limit, bytes < pageAttributeBytes {
                    let event = try row.event(context)
                    bytes += event.attributesJSON.utf8.count
                    detail.timeline.append(event)
                }
            }
        }
        detail.activity.reverse()
        detail.timeline.reverse()
        detail.tools = try tools.map { name, tool in
            try tool.statistics(name: context.text(name) ?? "unknown")
        }
        .sorted { ($1.counts.count, $0.name) < ($0.counts.count, $1.name) }
    }
}

/// Calls of one tool.
private struct ToolTally {
    private var counts = OutcomeCounts()
    private var durations = Durations()
    private var lastUsed = Timestamp(microseconds: .min)

    mutating func add(_ row: EventRow) {
        counts.add(row.status)
        if let duration = row.durationMs { durations.add(duration) }
        lastUsed = max(lastUsed, row.time)
    }

    func statistics(name: String) -> ToolStatistics {
        ToolStatistics(
            name: name, counts: counts, duration: durations.summary, lastUsed: lastUsed)
    }
}
