import GRDBSQLite
import QuipuModel

/// Documents into rows, and their words into the index.
struct DocumentWriter {
    let connection: OpaquePointer

    func put(_ update: DocumentUpdate, at now: Timestamp) throws {
        let put = try RawStatement(
            connection,
            """
            INSERT INTO documents (key, kind, title, task, session, created, updated, version,
                size_bytes, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, ?7, ?8)
            ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, title = excluded.title,
                task = excluded.task, session = excluded.session, updated = excluded.updated,
                version = version + 1, size_bytes = excluded.size_bytes, body = excluded.body
            RETURNING id
            """)
        put.bind(1, copying: update.id)
        put.bind(2, copying: update.kind)
        put.bind(3, copying: update.title)
        put.bind(4, copying: update.task)
        put.bind(5, copying: update.session)
        put.bind(6, now.microseconds)
        put.bind(7, Int64(update.body.utf8.count))
        put.bind(8, copying: DocumentBody.pack(Array(update.body.utf8)))
        guard try put.step() else { return }
        let id = put.int(0)
        put.reset()
        let index = try RawStatement(
            connection, "REPLACE INTO document_texts (rowid, title, body) VALUES (?1, ?2, ?3)")
        index.bind(1, id)
        index.bind(2, copying: update.title ?? "")
        index.bind(3, copying: update.text)
        try index.run()
    }

    /// False when there is none.
    func delete(_ id: String) throws -> Bool {
        try delete(where: "key = ?1") { $0.bind(1, copying: id) } > 0
    }

    /// Those that were last changed before `moment`, the oldest first.
    func delete(before moment: Int64, rows: Int) throws -> Int {
        try delete(
            where: """
                id IN (SELECT id FROM documents WHERE updated < ?1 ORDER BY updated LIMIT ?2)
                """
        ) {
            $0.bind(1, moment)
            $0.bind(2, Int64(rows))
        }
    }

    /// No less than all documents take: their text once as it is and once as its words.
    static func bytesAtMost(_ connection: OpaquePointer) throws -> Int64 {
        let pageBytes: Int64 = 4_096
        let find = try RawStatement(
            connection, "SELECT count(*), ifnull(sum(size_bytes), 0) FROM documents")
        guard try find.step() else { return 0 }
        return find.int(0) * 2 * pageBytes + 3 * find.int(1)
    }

    private func delete(where condition: String, _ bind: (RawStatement) -> Void) throws -> Int {
        let index = try RawStatement(
            connection,
            """
            DELETE FROM document_texts WHERE rowid IN (
                SELECT id FROM documents WHERE \(condition))
            """)
        bind(index)
        try index.run()
        let delete = try RawStatement(connection, "DELETE FROM documents WHERE \(condition)")
        bind(delete)
        try delete.run()
        return Int(sqlite3_changes(connection))
    }
}
