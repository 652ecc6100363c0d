import QuipuModel

/// The row of `documents` that a question stands on.
struct Documents {
    static let columns = """
        d.id, d.key, d.kind, d.title, d.task, d.session, d.created, d.updated, d.version,
        d.size_bytes, d.body
        """
    /// Of further columns that a question asks for.
    static let further: Int32 = 11

    let row: RawStatement

    var id: Int64 { row.int(0) }
    var updated: Int64 { row.int(7) }

    var summary: DocumentSummary {
        DocumentSummary(
            id: row.string(1) ?? "", kind: row.string(2), title: row.string(3),
            task: row.string(4), session: row.string(5),
            created: Timestamp(microseconds: row.int(6)),
            updated: Timestamp(microseconds: updated), version: row.int(8),
            sizeBytes: row.int(9))
    }

    func body() throws -> [UInt8] {
        guard let stored = row.bytes(10) else { return [] }
        return try DocumentBody.unpack(stored, sizeBytes: row.int(9))
    }

    static func ofTask(
        _ task: String, limit: Int, _ context: ReadContext
    ) throws -> [DocumentSummary] {
        let find = try context.prepare(
            """
            SELECT \(columns) FROM documents AS d WHERE d.task = ?1
            ORDER BY d.updated DESC, d.id DESC LIMIT ?2
            """)
        find.bind(1, copying: task)
        find.bind(2, Int64(limit))
        var rows: [DocumentSummary] = []
        while try find.step() { rows.append(Documents(row: find).summary) }
        return rows.reversed()
    }
}

/// The filters of a question about documents: columns first, then the body, which has to be
/// unpacked.
struct DocumentMatcher {
    private let columns: [Filter]
    private let members: [(path: JSONPath, test: Filter.Test)]

    init(_ filters: [Filter]) throws(StoreError) {
        for filter in filters { try filter.test.check(path: filter.path) }
        let names: Set<String> = [
            "id", "kind", "title", "task", "session", "version", "size_bytes",
        ]
        columns = filters.filter { names.contains($0.path) }
        members = filters.filter { !names.contains($0.path) }.map {
            (JSONPath($0.path.hasPrefix("body.") ? String($0.path.dropFirst(5)) : $0.path), $0.test)
        }
    }

    func matches(_ document: Documents) throws -> Bool {
        guard columns.allSatisfy({ $0.test.matches(Self.value($0.path, document.row)) }) else {
            return false
        }
        guard !members.isEmpty else { return true }
        return try document.body().withUnsafeBytes { body in
            members.allSatisfy { path, test in
                test.matches(path.find(in: body).map { JSONText.scalar($0) } ?? .null)
            }
        }
    }

    private static func value(_ path: String, _ row: RawStatement) -> Scalar {
        func text(_ column: Int32) -> Scalar { row.string(column).map(Scalar.string) ?? .null }
        return switch path {
        case "id": text(1)
        case "kind": text(2)
        case "title": text(3)
        case "task": text(4)
        case "session": text(5)
        case "version": .int(row.int(8))
        default: .int(row.int(9))
        }
    }
}
