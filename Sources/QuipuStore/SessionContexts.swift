import GRDBSQLite
import QuipuModel

/// Where records belong, as ids of table `contexts`; the writer's side.
///
/// What a record does not say, its session says: the newest project, model, branch, parent and user
/// that a line of it named. A subagent's lines bear their session's id. So an agent's id is never
/// taken from the session, and what a subagent says about its model is no news about the session.
final class SessionContexts {
    /// Ids of texts; 0 for none.
    struct Members: Hashable {
        var project: Int64 = 0
        var model: Int64 = 0
        var branch: Int64 = 0
        var agentID: Int64 = 0
        var parent: Int64 = 0
        var user: Int64 = 0

        /// Takes what it lacks.
        mutating func fill(from other: Members) {
            if project == 0 { project = other.project }
            if model == 0 { model = other.model }
            if branch == 0 { branch = other.branch }
            if agentID == 0 { agentID = other.agentID }
            if parent == 0 { parent = other.parent }
            if user == 0 { user = other.user }
        }

        var withoutAgent: Members {
            var members = self
            members.agentID = 0
            return members
        }
    }

    private struct Session {
        var members = Members()
        /// What its last record said, and the context that this came to.
        var asked = Members()
        var answer: Int64?
    }

    /// Beyond these the caches start anew.
    private static let sessionsMax = 8_192
    private static let contextsMax = 8_192

    private let strings: StringTable
    private let connection: OpaquePointer
    private var sessions: [Int64: Session] = [:]
    private var changed: Set<Int64> = []
    private var ids: [Members: Int64] = [:]
    private var membersByID: [Int64: Members] = [:]
    private let find: RawStatement
    private let insert: RawStatement
    private let load: RawStatement
    private let loadSession: RawStatement
    private let updateSession: RawStatement

    init(_ connection: OpaquePointer, strings: StringTable) throws {
        self.connection = connection
        self.strings = strings
        find = try RawStatement(
            connection,
            """
            SELECT id FROM contexts WHERE project = ?1 AND model = ?2 AND branch = ?3
                AND agent_id = ?4 AND parent = ?5 AND user = ?6
            """)
        insert = try RawStatement(
            connection,
            """
            INSERT INTO contexts (project, model, branch, agent_id, parent, user)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        load = try RawStatement(
            connection, "SELECT \(Self.columns) FROM contexts WHERE id = ?1")
        loadSession = try RawStatement(
            connection,
            """
            SELECT \(Self.columns) FROM contexts
            WHERE id = (SELECT context FROM sessions WHERE session = ?1)
            """)
        updateSession = try RawStatement(
            connection, "UPDATE sessions SET context = ?2, parent = ?3 WHERE session = ?1")
    }

    static let columns = "project, model, branch, agent_id, parent, user"

    /// The context of a record whose slices point into `bytes`; 0 for none.
    ///
    /// - Parameter session: the record's session, as an id of `strings`.
    func resolve(
        _ context: RecordContext, _ bytes: UnsafeRawBufferPointer, session: Int64?
    ) throws -> Int64 {
        var members = try interned(context, bytes)
        guard let session else { return try id(of: members) }
        var known = try self.known(session)
        if members == known.asked, let answer = known.answer { return answer }
        known.asked = members
        let isAgent = members.agentID != 0
        var learned = isAgent ? known.members : members.withoutAgent
        if isAgent {
            var named = members.withoutAgent
            named.model = 0
            learned.fill(from: named)
        } else {
            learned.fill(from: known.members)
        }
        if learned != known.members {
            known.members = learned
            changed.insert(session)
        }
        var lent = known.members
        if isAgent { lent.model = 0 }
        members.fill(from: lent)
        let id = try id(of: members)
        known.answer = id
        sessions[session] = known
        return id
    }

    /// What two lines say of the same record: the first one's context, and from the second what
    /// that one lacks.
    func joined(_ first: Int64, _ second: Int64) throws -> Int64 {
        guard first != second, second != 0 else { return first }
        guard first != 0 else { return second }
        var members = try stored(first)
        members.fill(from: try stored(second))
        return try id(of: members)
    }

    /// The subagent that a context names, as an id of `strings`; 0 for none.
    func agent(of context: Int64) throws -> Int64 {
        context == 0 ? 0 : try stored(context).agentID
    }

    /// What a session is known by, as its row has it; nil where nothing was asked of it lately.
    func stored(ofSession session: Int64) throws -> (context: Int64, parent: Int64?)? {
        guard let members = sessions[session]?.members, members != Members() else { return nil }
        return (try id(of: members), members.parent == 0 ? nil : members.parent)
    }

    /// For sessions that have a row and no event in this transaction; a row that is made later
    /// takes what is known then.
    ///
    /// Has to be called before the transaction ends, after the sessions' rows are written.
    func flush() throws {
        for session in changed {
            guard let known = try stored(ofSession: session) else { continue }
            updateSession.bind(1, session)
            updateSession.bind(2, known.context)
            updateSession.bind(3, known.parent)
            try updateSession.run()
        }
        changed.removeAll(keepingCapacity: true)
        if sessions.count > Self.sessionsMax { sessions.removeAll(keepingCapacity: true) }
        if ids.count > Self.contextsMax {
            ids.removeAll(keepingCapacity: true)
            membersByID.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Look-ups

    private func interned(
        _ context: RecordContext, _ bytes: UnsafeRawBufferPointer
    ) throws -> Members {
        func id(_ slice: Slice) throws -> Int64 {
            guard !slice.isNone, slice.count > 0, slice.range.upperBound <= bytes.count else {
                return 0
            }
            return try strings.id(of: UnsafeRawBufferPointer(rebasing: bytes[slice.range]))
        }
        return Members(
            project: try id(context.project), model: try id(context.model),
            branch: try id(context.branch), agentID: try id(context.agentID),
            parent: try id(context.parent), user: try id(context.user))
    }

    private func known(_ session: Int64) throws -> Session {
        if let known = sessions[session] { return known }
        loadSession.bind(1, session)
        defer { loadSession.reset() }
        let known = Session(
            members: try loadSession.step() ? Self.members(loadSession) : Members())
        sessions[session] = known
        return known
    }

    private func id(of members: Members) throws -> Int64 {
        if members == Members() { return 0 }
        if let id = ids[members] { return id }
        let id = try storedID(of: members)
        ids[members] = id
        membersByID[id] = members
        return id
    }

    private func storedID(of members: Members) throws -> Int64 {
        Self.bind(members, to: find)
        defer { find.reset() }
        if try find.step() { return find.int(0) }
        Self.bind(members, to: insert)
        try insert.run()
        return sqlite3_last_insert_rowid(connection)
    }

    private func stored(_ id: Int64) throws -> Members {
        if let members = membersByID[id] { return members }
        load.bind(1, id)
        defer { load.reset() }
        return try load.step() ? Self.members(load) : Members()
    }

    private static func bind(_ members: Members, to statement: RawStatement) {
        statement.bind(1, members.project)
        statement.bind(2, members.model)
        statement.bind(3, members.branch)
        statement.bind(4, members.agentID)
        statement.bind(5, members.parent)
        statement.bind(6, members.user)
    }

    private static func members(_ row: RawStatement) -> Members {
        Members(
            project: row.int(0), model: row.int(1), branch: row.int(2), agentID: row.int(3),
            parent: row.int(4), user: row.int(5))
    }
}
