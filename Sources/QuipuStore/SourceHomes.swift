import QuipuModel

/// Agents used to name their host. A file that is known under a name that this machine, or a
/// container of it, had is this machine's.
struct SourceHomes {
    private let find: RawStatement
    private let move: RawStatement

    init(_ connection: OpaquePointer) throws {
        // By the index, which begins with the host: one look for each of the few hosts.
        find = try RawStatement(
            connection,
            """
            WITH RECURSIVE hosts (host) AS (
                SELECT min(host) FROM sources
                UNION ALL
                SELECT (SELECT min(host) FROM sources WHERE host > hosts.host) FROM hosts
                WHERE hosts.host IS NOT NULL)
            SELECT this.host FROM hosts CROSS JOIN sources AS this
            ON this.host = hosts.host AND this.kind = ?1 AND this.key = ?2
            ORDER BY touched DESC, position DESC, id DESC LIMIT 1
            """)
        move = try RawStatement(
            connection,
            """
            UPDATE sources SET host = ?4 WHERE host = ?1 AND kind = ?2 AND key = ?3 RETURNING id
            """)
    }

    /// The accounts that another host had of what `identity` names, from now on this host's.
    func bring(_ identity: SourceIdentity) throws -> [Int64] {
        find.bind(1, copying: identity.kind.rawValue)
        find.bind(2, copying: identity.key)
        defer { find.reset() }
        guard try find.step(), let host = find.string(0) else { return [] }
        move.bind(1, copying: host)
        move.bind(2, copying: identity.kind.rawValue)
        move.bind(3, copying: identity.key)
        move.bind(4, copying: identity.host)
        defer { move.reset() }
        var moved: [Int64] = []
        while try move.step() { moved.append(move.int(0)) }
        return moved
    }
}
