public import QuipuModel

extension SQLiteStore {
    /// Sessions with activity in the range, the newest activity first. With filters: those with an
    /// event in the range that passes them; the figures are always the whole session's.
    public func sessions(
        _ query: SessionQuery
    ) async throws(StoreError) -> Page<SessionSummary> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "s", numbers: 2) }
            let passing = try Self.sessions(in: query, context)
            let spans = Self.activity(query)
            let reader = try SessionRows(context)
            let isKnownBy = try SessionFilter(query.contextFilters)
            let find = try context.prepare(
                """
                SELECT \(SessionRows.columns) FROM sessions
                WHERE last_activity >= ?1 AND last_activity <= ?2 AND started < ?3
                    AND (last_activity, session) < (?4, ?5)
                ORDER BY last_activity DESC, session DESC
                """)
            find.bind(1, spans.lowerBound)
            find.bind(2, spans.upperBound)
            find.bind(3, query.range.until.microseconds)
            find.bind(4, cursor?.numbers[0] ?? .max)
            find.bind(5, cursor?.numbers[1] ?? .max)
            var rows: [SessionSummary] = []
            var last: [Int64] = []
            while try find.step() {
                if let passing, !passing.contains(find.int(0)) { continue }
                guard try isKnownBy.matches(find.int(7), context) else { continue }
                if rows.count == query.page.rowsMax {
                    return Page(
                        rows: rows, nextCursor: PageCursor(list: "s", numbers: last).text)
                }
                rows.append(try reader.summary(find))
                last = [find.int(2), find.int(0)]
            }
            return Page(rows: rows)
        }
    }

    public func session(_ name: String) async throws(StoreError) -> SessionDetail? {
        try await read { context in
            let find = try context.prepare(
                """
                SELECT \(SessionRows.columns) FROM sessions
                WHERE session = (SELECT id FROM strings WHERE text = ?1)
                """)
            find.bind(1, copying: name)
            guard try find.step() else { return nil }
            let reader = try SessionRows(context)
            let session = find.int(0)
            return SessionDetail(
                summary: try reader.summary(find),
                subagents: try reader.subagents(of: session),
                files: try reader.files(of: session))
        }
    }

    /// Nil: all.
    private static func sessions(
        in query: SessionQuery, _ context: ReadContext
    ) throws -> Set<Int64>? {
        guard !query.filters.isEmpty else { return nil }
        var scan = try EventScan(
            context, query.range, query.filters, withAttributes: false, order: .any)
        var sessions: Set<Int64> = []
        while let row = try scan.next() {
            if let session = row.session { sessions.insert(session) }
        }
        return sessions
    }

    /// When the last activity must have been: not before the range, and as the asked state says
    /// (`SessionState.of`, whose seconds are whole).
    private static func activity(_ query: SessionQuery) -> ClosedRange<Int64> {
        func moment(_ secondsAgo: Int64) -> Int64 {
            let (moment, overflow) = query.now.microseconds.subtractingReportingOverflow(
                (secondsAgo + 1) * 1_000_000)
            return overflow ? .min : moment
        }
        let idleSince = moment(Limits.sessionActiveSeconds)
        let endedSince = moment(Limits.sessionIdleSeconds)
        let since = query.range.since.microseconds
        let (lower, upper): (Int64, Int64) =
            switch query.state {
            case nil: (since, .max)
            case .active: (max(since, idleSince + 1), .max)
            case .idle: (max(since, endedSince + 1), idleSince)
            case .ended: (since, endedSince)
            }
        return lower <= upper ? lower...upper : Int64.max...Int64.max
    }
}

/// Filters of what a session is known by.
private struct SessionFilter {
    private let filters: [(column: ContextColumn, test: Filter.Test)]

    init(_ filters: [Filter]) throws(StoreError) {
        var known: [(ContextColumn, Filter.Test)] = []
        for filter in filters {
            try filter.test.check(path: filter.path)
            if let column = ContextColumn(rawValue: filter.path) {
                known.append((column, filter.test))
            }
        }
        self.filters = known
    }

    func matches(_ id: Int64, _ context: ReadContext) throws -> Bool {
        try filters.allSatisfy { filter in
            let text = try context.text(context.id(of: filter.column, inContext: id))
            return filter.test.matches(text.map(Scalar.string) ?? .null)
        }
    }
}
