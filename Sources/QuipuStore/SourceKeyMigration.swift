import QuipuModel

/// Keys of files and spool segments named the device, which may have another number after each
/// start of the machine: a file could be stored under several keys, once from each.
enum SourceKeyMigration {
    /// One key as it was, in its newest incarnation.
    struct Account: Equatable {
        var id: Int64
        var key: String
        var position: UInt64
        /// When something was last stored of it.
        var touched: Int64
        var head: SourceHead?
    }

    private struct Group: Hashable {
        var host: String
        var kind: String
        var key: String
    }

    static func run(_ connection: OpaquePointer) throws {
        let find = try RawStatement(
            connection,
            """
            SELECT id, host, kind, key, position, touched, head_bytes, head_hash, max(incarnation)
            FROM sources WHERE kind IN ('file', 'datagrams')
            GROUP BY host, kind, key ORDER BY id
            """)
        var groups: [Group: [Account]] = [:]
        while try find.step() {
            let key = find.string(3) ?? ""
            let lasting = SourceKey.lasting(key)
            guard lasting != key else { continue }
            var head: SourceHead?
            if let bytes = find.optionalInt(6), let hash = find.optionalInt(7) {
                head = SourceHead(bytes: Int(bytes), hash: UInt64(bitPattern: hash))
            }
            let group = Group(
                host: find.string(1) ?? "", kind: find.string(2) ?? "", key: lasting)
            groups[group, default: []].append(
                Account(
                    id: find.int(0), key: key, position: UInt64(clamping: find.int(4)),
                    touched: find.int(5), head: head))
        }
        let rename = try RawStatement(
            connection,
            """
            UPDATE sources SET key = ?4 WHERE host = ?1 AND kind = ?2 AND key = ?3
                AND NOT EXISTS (
                    SELECT 1 FROM sources AS other
                    WHERE other.host = ?1 AND other.kind = ?2 AND other.key = ?4
                        AND other.incarnation = sources.incarnation)
            """)
        for (group, accounts) in groups {
            guard let account = furthest(accounts) else { continue }
            rename.bind(1, copying: group.host)
            rename.bind(2, copying: group.kind)
            rename.bind(3, copying: account.key)
            rename.bind(4, copying: group.key)
            try rename.run()
        }
    }

    /// The one to go on with: of those with the content that was read last, the one of which most
    /// is stored. The others keep their accounts, and their keys, by which only a twin asks.
    static func furthest(_ accounts: [Account]) -> Account? {
        let newest = accounts.max {
            ($0.touched, $0.position, $0.id) < ($1.touched, $1.position, $1.id)
        }
        return accounts.filter { $0.head == newest?.head }
            .max { ($0.position, $0.id) < ($1.position, $1.id) }
    }
}
