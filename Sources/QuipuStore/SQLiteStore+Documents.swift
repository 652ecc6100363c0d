public import QuipuModel

extension SQLiteStore {
    public func put(
        _ document: DocumentUpdate, at now: Timestamp
    ) async throws(StoreError) {
        try await writer.put(document, at: now)
    }

    public func deleteDocument(_ id: String) async throws(StoreError) -> Bool {
        try await writer.deleteDocument(id)
    }

    public func document(_ id: String) async throws(StoreError) -> Document? {
        try await read { context in
            let find = try context.prepare(
                "SELECT \(Documents.columns) FROM documents AS d WHERE d.key = ?1")
            find.bind(1, copying: id)
            guard try find.step() else { return nil }
            let row = Documents(row: find)
            return Document(
                summary: row.summary, body: String(decoding: try row.body(), as: UTF8.self))
        }
    }

    /// Documents that were last changed in the range, the newest change first.
    public func documents(
        _ query: DocumentQuery
    ) async throws(StoreError) -> Page<DocumentSummary> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "d", numbers: 2) }
            let matcher = try DocumentMatcher(query.filters)
            let find = try context.prepare(
                """
                SELECT \(Documents.columns) FROM documents AS d
                WHERE d.updated >= ?1 AND d.updated < ?2 AND (d.updated, d.id) < (?3, ?4)
                ORDER BY d.updated DESC, d.id DESC
                """)
            find.bind(1, query.range.since.microseconds)
            find.bind(2, query.range.until.microseconds)
            find.bind(3, cursor?.numbers[0] ?? .max)
            find.bind(4, cursor?.numbers[1] ?? .max)
            let row = Documents(row: find)
            var page = Page<DocumentSummary>(rows: [])
            var last: [Int64] = []
            while try find.step() {
                guard try matcher.matches(row) else { continue }
                if page.rows.count == query.page.rowsMax {
                    page.nextCursor = PageCursor(list: "d", numbers: last).text
                    return page
                }
                page.rows.append(row.summary)
                last = [row.updated, row.id]
            }
            return page
        }
    }

    /// Documents that have all terms, the best fit first.
    public func search(
        _ search: DocumentSearch, _ query: DocumentQuery
    ) async throws(StoreError) -> Page<DocumentHit> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "h", numbers: 1) }
            let matcher = try DocumentMatcher(query.filters)
            // A hit in the title is worth five in the body. FTS5 itself sorts by its rank, by ids
            // alone, and looks at what else is asked for of the rows that are read.
            let find = try context.prepare(
                """
                SELECT \(Documents.columns), document_texts.rank,
                    snippet(document_texts, -1, '[', ']', '…', 16)
                FROM document_texts CROSS JOIN documents AS d ON d.id = document_texts.rowid
                WHERE document_texts MATCH ?1 AND rank MATCH 'bm25(5.0, 1.0)' AND d.updated >= ?2 AND d.updated < ?3
                ORDER BY document_texts.rank
                """)
            find.bind(1, copying: search.expression)
            find.bind(2, query.range.since.microseconds)
            find.bind(3, query.range.until.microseconds)
            let row = Documents(row: find)
            // Scores are of one moment: a page goes on after so many rows.
            let skipped = max(0, cursor?.numbers[0] ?? 0)
            var seen: Int64 = 0
            var page = Page<DocumentHit>(rows: [])
            while try find.step() {
                guard try matcher.matches(row) else { continue }
                seen += 1
                if seen <= skipped { continue }
                if page.rows.count == query.page.rowsMax {
                    page.nextCursor = PageCursor(list: "h", numbers: [seen - 1]).text
                    return page
                }
                page.rows.append(
                    DocumentHit(
                        summary: row.summary, score: -find.double(Documents.further),
                        snippet: find.string(Documents.further + 1) ?? ""))
            }
            return page
        }
    }
}

extension DocumentSearch {
    /// As FTS5 reads it. Every term is a string of that language, so that nothing a user types is
    /// taken for an operator.
    var expression: String {
        terms.map { term in
            let inside = term.text.unicodeScalars.reduce(into: "") { text, scalar in
                switch scalar {
                case "\"": text += "\"\""
                // FTS5 would take it for the end.
                case "\0": text += " "
                default: text.unicodeScalars.append(scalar)
                }
            }
            return "\"\(inside)\"" + (term.isPrefix ? "*" : "")
        }
        .joined(separator: " ")
    }
}
