import QuipuModel

/// Counts what tool calls did to files; collects changes and writes them once a transaction.
final class FileTouchWriter {
    private struct Key: Hashable {
        var path: Int64
        /// 0: none.
        var session: Int64
    }

    private struct Change {
        var first = Int64.max
        var last = Int64.min
        var reads: Int64 = 0
        var writes: Int64 = 0
        var edits: Int64 = 0
    }

    private var changes: [Key: Change] = [:]
    private let upsert: RawStatement

    init(_ connection: OpaquePointer) throws {
        upsert = try RawStatement(
            connection,
            """
            INSERT INTO file_touches VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET first = min(first, excluded.first),
                last = max(last, excluded.last), reads = reads + excluded.reads,
                writes = writes + excluded.writes, edits = edits + excluded.edits
            """)
    }

    /// One call; to be counted once, whichever of its lines names the file.
    func add(_ access: FileAccess, to path: Int64, session: Int64?, at time: Int64) {
        var change = changes[Key(path: path, session: session ?? 0)] ?? Change()
        switch access {
        case .none: return
        case .read: change.reads += 1
        case .write: change.writes += 1
        case .edit: change.edits += 1
        }
        change.first = min(change.first, time)
        change.last = max(change.last, time)
        changes[Key(path: path, session: session ?? 0)] = change
    }

    /// Has to be called before the transaction ends.
    func flush() throws {
        for (key, change) in changes {
            upsert.bind(1, key.path)
            upsert.bind(2, key.session)
            upsert.bind(3, change.first)
            upsert.bind(4, change.last)
            upsert.bind(5, change.reads)
            upsert.bind(6, change.writes)
            upsert.bind(7, change.edits)
            try upsert.run()
        }
        changes.removeAll(keepingCapacity: true)
    }
}
