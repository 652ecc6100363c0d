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
