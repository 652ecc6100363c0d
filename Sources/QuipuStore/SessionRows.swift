import QuipuModel

/// Reads sessions with all that is counted for them; one for each question.
struct SessionRows {
    static let columns = """
        session, started, last_activity, events, tool_calls, errors, blocked, context, title
        """

    private let context: ReadContext
    private let tools: RawStatement
    private let files: RawStatement
    private let children: RawStatement
    private let usage: SessionUsageReader

    init(_ context: ReadContext) throws {
        self.context = context
        usage = try SessionUsageReader(context)
        tools = try context.prepare(
            "SELECT name, count FROM session_tools WHERE session = ?1 AND count > 0")
        files = try context.prepare("SELECT count(*) FROM file_touches WHERE session = ?1")
        children = try context.prepare(
            """
            SELECT (SELECT count(*) FROM session_agents WHERE session = ?1)
                + (SELECT count(*) FROM sessions WHERE parent = ?1 AND session <> ?1)
            """)
    }

    /// - Parameter row: one of `columns`.
    func summary(_ row: RawStatement) throws -> SessionSummary {
        let session = row.int(0)
        var summary = SessionSummary(
            session: try context.text(session), started: Timestamp(microseconds: row.int(1)),
            lastActivity: Timestamp(microseconds: row.int(2)), eventCount: Int(row.int(3)),
            toolCount: Int(row.int(4)), errors: Int(row.int(5)), blocked: Int(row.int(6)),
            tools: try tools(of: session))
        summary.context = try context.words(ofContext: row.int(7))
        summary.title = row.string(8)
        summary.fileCount = try count(files, session)
        summary.subagentCount = try count(children, session)
        summary.usage = try usage.usage(of: session)
        return summary
    }

    private func tools(of session: Int64) throws -> [SessionSummary.ToolCount] {
        tools.bind(1, session)
        defer { tools.reset() }
        var counts: [SessionSummary.ToolCount] = []
        while try tools.step() {
            counts.append(
                SessionSummary.ToolCount(
                    name: try context.text(tools.int(0)), count: Int(tools.int(1))))
        }
        return counts.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    }

    private func count(_ statement: RawStatement, _ session: Int64) throws -> Int {
        statement.bind(1, session)
        defer { statement.reset() }
        return try statement.step() ? Int(statement.int(0)) : 0
    }

    // MARK: Below a session

    /// Subagents within it and sessions that it started, the first started first.
    func subagents(of session: Int64) throws -> [SessionDetail.Subagent] {
        let find = try context.prepare(
            """
            SELECT agent, NULL, started, last_activity, events, tool_calls, errors
            FROM session_agents WHERE session = ?1
            UNION ALL
            SELECT NULL, session, started, last_activity, events, tool_calls, errors
            FROM sessions WHERE parent = ?1 AND session <> ?1
            ORDER BY 3 LIMIT \(Limits.sessionSubagentsMax)
            """)
        find.bind(1, session)
        var subagents: [SessionDetail.Subagent] = []
        while try find.step() {
            subagents.append(
                SessionDetail.Subagent(
                    agentID: try context.text(find.optionalInt(0)),
                    session: try context.text(find.optionalInt(1)),
                    started: Timestamp(microseconds: find.int(2)),
                    lastActivity: Timestamp(microseconds: find.int(3)),
                    eventCount: Int(find.int(4)), toolCount: Int(find.int(5)),
                    errors: Int(find.int(6))))
        }
        return subagents
    }

    /// The last touched first.
    func files(of session: Int64) throws -> [FileTouches] {
        let find = try context.prepare(
            """
            SELECT path, first, last, reads, writes, edits FROM file_touches
            WHERE session = ?1 ORDER BY last DESC, path LIMIT \(Limits.sessionFilesMax)
            """)
        find.bind(1, session)
        var files: [FileTouches] = []
        while try find.step() {
            files.append(
                FileTouches(
                    path: try context.text(find.int(0)), reads: Int(find.int(3)),
                    writes: Int(find.int(4)), edits: Int(find.int(5)),
                    firstSeen: Timestamp(microseconds: find.int(1)),
                    lastSeen: Timestamp(microseconds: find.int(2)), sessions: 1))
        }
        return files
    }
}
