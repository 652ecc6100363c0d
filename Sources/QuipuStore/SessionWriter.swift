import QuipuModel

/// A moment, as a line told it or as it arrived.
struct EventTime {
    var microseconds: Int64
    var isArrival: Bool
}

/// What one event counts for in its session.
struct SessionShare: Equatable {
    var isError = false
    var isBlocked = false
    var isToolCall = false
    /// The tool's name, where this is a tool call that has one.
    var tool: Int64?
    /// The subagent whose event it is; 0 for none.
    var subagent: Int64 = 0
}

/// Keeps the sessions' spans and counts up. A session's span is that of the times that its lines
/// told; times of arrival count only as long as no line told one, since a log may be read long
/// after it was written; collects changes and writes them once a transaction.
final class SessionWriter {
    private struct Change {
        /// Of the times that lines told.
        var started = Int64.max
        var lastActivity = Int64.min
        /// Of all times.
        var first = Int64.max
        var last = Int64.min
        var events: Int64 = 0
        var toolCalls: Int64 = 0
        var errors: Int64 = 0
        var blocked: Int64 = 0
        var tools: [Int64: Int64] = [:]
        var title: String?

        mutating func touch(at time: EventTime) {
            first = min(first, time.microseconds)
            last = max(last, time.microseconds)
            guard !time.isArrival else { return }
            started = min(started, time.microseconds)
            lastActivity = max(lastActivity, time.microseconds)
        }

        var isTimed: Bool { started <= lastActivity }

        mutating func add(_ share: SessionShare, _ sign: Int64) {
            if share.isToolCall { toolCalls += sign }
            if share.isError { errors += sign }
            if share.isBlocked { blocked += sign }
            if let tool = share.tool { tools[tool, default: 0] += sign }
        }
    }

    private struct Subagent: Hashable {
        var session: Int64
        var agent: Int64
    }

    private var changes: [Int64: Change] = [:]
    private var subagents: [Subagent: Change] = [:]
    private let contexts: SessionContexts
    private let upsert: RawStatement
    private let upsertTool: RawStatement
    private let upsertSubagent: RawStatement
    private let updateTitle: RawStatement

    init(_ connection: OpaquePointer, contexts: SessionContexts) throws {
        self.contexts = contexts
        upsert = try RawStatement(
            connection,
            """
            INSERT INTO sessions (session, started, last_activity, events, tool_calls, errors,
                blocked, first, last, timed, context, parent)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT DO UPDATE SET
                started = CASE WHEN timed = excluded.timed THEN min(started, excluded.started)
                    WHEN timed THEN started ELSE excluded.started END,
                last_activity = CASE
                    WHEN timed = excluded.timed THEN max(last_activity, excluded.last_activity)
                    WHEN timed THEN last_activity ELSE excluded.last_activity END,
                first = min(first, excluded.first), last = max(last, excluded.last),
                timed = max(timed, excluded.timed),
                context = ifnull(excluded.context, context),
                parent = ifnull(excluded.parent, parent),
                events = events + excluded.events, tool_calls = tool_calls + excluded.tool_calls,
                errors = errors + excluded.errors, blocked = blocked + excluded.blocked
            """)
        upsertTool = try RawStatement(
            connection,
            """
            INSERT INTO session_tools VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET count = count + excluded.count
            """)
        upsertSubagent = try RawStatement(
            connection,
            """
            INSERT INTO session_agents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET started = min(started, excluded.started),
                last_activity = max(last_activity, excluded.last_activity),
                events = events + excluded.events, tool_calls = tool_calls + excluded.tool_calls,
                errors = errors + excluded.errors
            """)
        updateTitle = try RawStatement(
            connection, "UPDATE sessions SET title = ?2 WHERE session = ?1")
    }

    /// A model call: what is known of a session may be what it cost and no more.
    func touch(_ session: Int64, at time: EventTime) {
        changes[session, default: Change()].touch(at: time)
    }

    /// A new event.
    func add(_ share: SessionShare, to session: Int64, at time: EventTime) {
        changes[session, default: Change()].touch(at: time)
        changes[session]?.events += 1
        changes[session]?.add(share, 1)
        guard share.subagent != 0 else { return }
        let subagent = Subagent(session: session, agent: share.subagent)
        subagents[subagent, default: Change()].touch(at: time)
        subagents[subagent]?.events += 1
        subagents[subagent]?.add(share, 1)
    }

    /// An event that another line completed.
    func replace(
        _ old: SessionShare, with new: SessionShare, in session: Int64, at time: EventTime
    ) {
        changes[session, default: Change()].touch(at: time)
        guard old != new else { return }
        changes[session]?.add(old, -1)
        changes[session]?.add(new, 1)
        for (share, sign) in [(old, Int64(-1)), (new, 1)] where share.subagent != 0 {
            let subagent = Subagent(session: session, agent: share.subagent)
            subagents[subagent, default: Change()].touch(at: time)
            subagents[subagent]?.add(share, sign)
            if old.subagent != new.subagent { subagents[subagent]?.events += sign }
        }
    }

    func entitle(_ session: Int64, _ title: String) {
        changes[session]?.title = title
    }

    /// Has to be called before the transaction ends.
    func flush() throws {
        for (session, change) in changes {
            upsert.bind(1, session)
            upsert.bind(2, change.isTimed ? change.started : change.first)
            upsert.bind(3, change.isTimed ? change.lastActivity : change.last)
            upsert.bind(4, change.events)
            upsert.bind(5, change.toolCalls)
            upsert.bind(6, change.errors)
            upsert.bind(7, change.blocked)
            upsert.bind(8, change.first)
            upsert.bind(9, change.last)
            upsert.bind(10, Int64(change.isTimed ? 1 : 0))
            let known = try contexts.stored(ofSession: session)
            upsert.bind(11, known?.context)
            upsert.bind(12, known?.parent)
            try upsert.run()
            for (tool, count) in change.tools where count != 0 {
                upsertTool.bind(1, session)
                upsertTool.bind(2, tool)
                upsertTool.bind(3, count)
                try upsertTool.run()
            }
            if let title = change.title {
                updateTitle.bind(1, session)
                updateTitle.bind(2, copying: title)
                try updateTitle.run()
            }
        }
        for (subagent, change) in subagents {
            upsertSubagent.bind(1, subagent.session)
            upsertSubagent.bind(2, subagent.agent)
            upsertSubagent.bind(3, change.isTimed ? change.started : change.first)
            upsertSubagent.bind(4, change.isTimed ? change.lastActivity : change.last)
            upsertSubagent.bind(5, change.events)
            upsertSubagent.bind(6, change.toolCalls)
            upsertSubagent.bind(7, change.errors)
            try upsertSubagent.run()
        }
        subagents.removeAll(keepingCapacity: true)
        changes.removeAll(keepingCapacity: true)
    }
}
