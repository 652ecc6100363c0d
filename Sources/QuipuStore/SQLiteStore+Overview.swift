public import QuipuModel

extension SQLiteStore {
    /// The footer's figures, of one moment.
    public func overview(
        _ range: TimeRange, now: Timestamp
    ) async throws(StoreError) -> Overview {
        try await read { context in
            var overview = Overview()
            try Self.countEvents(&overview, range, context)
            try Self.countTasks(&overview, context)
            try Self.countSessions(&overview, range, now, context)
            try Self.countCalls(&overview, range, context)
            return overview
        }
    }

    private static func countEvents(
        _ overview: inout Overview, _ range: TimeRange, _ context: ReadContext
    ) throws {
        let toolUse = try context.id(of: "tool_use")
        var ranges = [range]
        if var rollups = try EventRollupScan(context, range, []) {
            while let rollup = try rollups.next() {
                if rollup.status == .error { overview.errors += rollup.count }
                if rollup.kind == toolUse { overview.toolCalls += rollup.count }
            }
            ranges = rollups.edges
        }
        for range in ranges {
            var scan = try EventScan(context, range, [], withAttributes: false, order: .any)
            while let row = try scan.next() {
                if row.status == .error { overview.errors += 1 }
                if row.kind == toolUse { overview.toolCalls += 1 }
            }
        }
    }

    private static func countTasks(_ overview: inout Overview, _ context: ReadContext) throws {
        let find = try context.prepare("SELECT status, count(*) FROM tasks GROUP BY status")
        while try find.step() {
            if let status = TaskStatus(rawValue: UInt8(clamping: find.int(0))) {
                overview.tasks[status] = Int(find.int(1))
            }
        }
    }

    private static func countSessions(
        _ overview: inout Overview, _ range: TimeRange, _ now: Timestamp, _ context: ReadContext
    ) throws {
        let find = try context.prepare(
            "SELECT last_activity FROM sessions WHERE last_activity >= ?1 AND started < ?2")
        find.bind(1, range.since.microseconds)
        find.bind(2, range.until.microseconds)
        while try find.step() {
            let last = Timestamp(microseconds: find.int(0))
            overview.sessions[SessionState.of(lastActivity: last, now: now), default: 0] += 1
        }
    }

    /// Calls of models, by what their usage says.
    private static func countCalls(
        _ overview: inout Overview, _ range: TimeRange, _ context: ReadContext
    ) throws {
        let find = try context.prepare(
            """
            SELECT count(*), sum(cost_usd), count(*) - count(cost_usd) FROM usage_calls
            WHERE time >= ?1 AND time < ?2
            """)
        find.bind(1, range.since.microseconds)
        find.bind(2, range.until.microseconds)
        guard try find.step() else { return }
        overview.requests = Int(find.int(0))
        overview.costUSD = find.isNull(1) ? nil : find.double(1)
        overview.unpricedRequests = Int(find.int(2))
    }
}
