import GRDBSQLite
import QuipuModel

/// A row of `contexts`: ids of texts, nil for none.
struct ContextMembers {
    var project: Int64?
    var model: Int64?
    var branch: Int64?
    var agentID: Int64?
    var parent: Int64?
    var user: Int64?
}

/// Contexts by id, as readers and the writer need them.
final class ContextReader {
    private static let entriesMax = 8_192

    private var entries: [Int64: ContextMembers] = [:]
    private let find: RawStatement

    init(_ connection: OpaquePointer) throws {
        find = try RawStatement(
            connection,
            "SELECT project, model, branch, agent_id, parent, user FROM contexts WHERE id = ?1")
    }

    func members(of id: Int64) throws -> ContextMembers {
        if id == 0 { return ContextMembers() }
        if let known = entries[id] { return known }
        find.bind(1, id)
        defer { find.reset() }
        var members = ContextMembers()
        if try find.step() {
            func text(_ column: Int32) -> Int64? {
                find.int(column) == 0 ? nil : find.int(column)
            }
            members = ContextMembers(
                project: text(0), model: text(1), branch: text(2), agentID: text(3),
                parent: text(4), user: text(5))
        }
        if entries.count >= Self.entriesMax { entries.removeAll(keepingCapacity: true) }
        entries[id] = members
        return members
    }
}

/// Where usage rows belong, as ids of table `contexts`; the writer's side.
final class UsageContexts {
    private static let sessionsMax = 8_192

    private let strings: StringTable
    private let connection: OpaquePointer
    /// What each session's lines have named so far.
    private var sessions: [Int64: [Int64]] = [:]
    private let find: RawStatement
    private let insert: RawStatement

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
    }

    /// The context of a record whose slices point into `bytes`; 0 for none. What it lacks is filled
    /// from what its session is known by.
    func resolve(
        _ context: RecordContext, _ bytes: UnsafeRawBufferPointer, session: Int64?
    ) throws -> Int64 {
        var members = try [
            context.project, context.model, context.branch, context.agentID, context.parent,
            context.user,
        ].map { try id($0, bytes) }
        if let session {
            let known = sessions[session] ?? [0, 0, 0, 0, 0, 0]
            for index in members.indices where members[index] == 0 && index != 3 {
                members[index] = known[index]
            }
            if members[3] == 0 {
                if sessions.count >= Self.sessionsMax { sessions.removeAll() }
                sessions[session] = members
            }
        }
        guard members.contains(where: { $0 != 0 }) else { return 0 }
        for statement in [find, insert] {
            for (index, member) in members.enumerated() {
                statement.bind(Int32(index + 1), member)
            }
        }
        defer { find.reset() }
        if try find.step() {
            insert.reset()
            return find.int(0)
        }
        try insert.run()
        return sqlite3_last_insert_rowid(connection)
    }

    private func id(_ slice: Slice, _ bytes: UnsafeRawBufferPointer) throws -> Int64 {
        guard !slice.isNone, slice.count > 0, slice.range.upperBound <= bytes.count else {
            return 0
        }
        return try strings.id(of: UnsafeRawBufferPointer(rebasing: bytes[slice.range]))
    }
}
