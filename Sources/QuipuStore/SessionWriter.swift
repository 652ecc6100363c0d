import QuipuModel

/// What one event counts for in its session.
struct SessionShare: Equatable {
    var isError = false
    var isBlocked = false
    var isToolCall = false
    /// The tool's name, where this is a tool call that has one.
    var tool: Int64?
}

/// Keeps the sessions' spans and counts up; collects changes and writes them once a transaction.
final class SessionWriter {
    private struct Change {
        var started = Int64.max
        var lastActivity = Int64.min
        var events: Int64 = 0
        var toolCalls: Int64 = 0
        var errors: Int64 = 0
        var blocked: Int64 = 0
        var tools: [Int64: Int64] = [:]

        mutating func add(_ share: SessionShare, _ sign: Int64) {
            if share.isToolCall { toolCalls += sign }
            if share.isError { errors += sign }
            if share.isBlocked { blocked += sign }
            if let tool = share.tool { tools[tool, default: 0] += sign }
        }
    }

    private var changes: [Int64: Change] = [:]
    private let upsert: RawStatement
    private let upsertTool: RawStatement

    init(_ connection: OpaquePointer) throws {
        upsert = try RawStatement(
            connection,
            """
            INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET started = min(started, excluded.started),
                last_activity = max(last_activity, excluded.last_activity),
                events = events + excluded.events, tool_calls = tool_calls + excluded.tool_calls,
                errors = errors + excluded.errors, blocked = blocked + excluded.blocked
            """)
        upsertTool = try RawStatement(
            connection,
            """
            INSERT INTO session_tools VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET count = count + excluded.count
            """)
    }

    /// A new event.
    func add(_ share: SessionShare, to session: Int64, at time: Int64) {
        touch(session, at: time)
        changes[session]?.events += 1
        changes[session]?.add(share, 1)
    }

    /// An event that another line completed.
    func replace(
        _ old: SessionShare, with new: SessionShare, in session: Int64, at time: Int64
    ) {
        touch(session, at: time)
        guard old != new else { return }
        changes[session]?.add(old, -1)
        changes[session]?.add(new, 1)
    }

    private func touch(_ session: Int64, at time: Int64) {
        var change = changes[session] ?? Change()
        change.started = min(change.started, time)
        change.lastActivity = max(change.lastActivity, time)
        changes[session] = change
    }

    /// Has to be called before the transaction ends.
    func flush() throws {
        for (session, change) in changes {
            upsert.bind(1, session)
            upsert.bind(2, change.started)
            upsert.bind(3, change.lastActivity)
            upsert.bind(4, change.events)
            upsert.bind(5, change.toolCalls)
            upsert.bind(6, change.errors)
            upsert.bind(7, change.blocked)
            try upsert.run()
            for (tool, count) in change.tools where count != 0 {
                upsertTool.bind(1, session)
                upsertTool.bind(2, tool)
                upsertTool.bind(3, count)
                try upsertTool.run()
            }
        }
        changes.removeAll(keepingCapacity: true)
    }
}
