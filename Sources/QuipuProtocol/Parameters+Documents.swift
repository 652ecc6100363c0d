public import QuipuModel

extension Parameters {
    /// `documents.get` and `documents.delete`: which.
    public mutating func documentID() throws(RPCError) -> String {
        let id = try readDocumentID()
        try finish()
        return id
    }

    private mutating func readDocumentID() throws(RPCError) -> String {
        guard let id = try text("id", bytesMax: Limits.columnBytesMax) else {
            throw .invalid("id", "missing")
        }
        return id
    }

    /// `documents.put`.
    public mutating func documentUpdate() throws(RPCError) -> DocumentUpdate {
        let id = try readDocumentID()
        let kind = try text("kind", bytesMax: Limits.columnBytesMax)
        let title = try text("title", bytesMax: Limits.columnBytesMax)
        let task = try text("task", bytesMax: Limits.columnBytesMax)
        let session = try text("session", bytesMax: Limits.columnBytesMax)
        let body = try required("body")
        try finish()
        guard body.members != nil || body.array != nil else {
            throw .invalid("body", "an object or a list, not \(Parameters.describe(body))")
        }
        let text = body.text
        guard text.utf8.count <= Limits.documentBytesMax else {
            throw RPCError(
                .limitExceeded, path: "body", hint: "at most \(Limits.documentBytesMax) bytes")
        }
        var words = ""
        Parameters.collect(body, into: &words)
        return DocumentUpdate(
            id: id, kind: kind, title: title, task: task, session: session, body: text,
            text: words)
    }

    /// All strings, each on a line. A request nests no deeper than `Limits.requestNestingMax`.
    private static func collect(_ value: JSON, into text: inout String) {
        switch value {
        case .string(let string):
            if !text.isEmpty { text += "\n" }
            text += string
        case .array(let values): for value in values { collect(value, into: &text) }
        case .object(let members): for member in members { collect(member.value, into: &text) }
        case .null, .bool, .int, .double, .raw: break
        }
    }

    /// `documents.list`.
    public mutating func documentQuery() throws(RPCError) -> DocumentQuery {
        let query = try documents()
        try finish()
        return query
    }

    /// `documents.search`.
    public mutating func documentSearch() throws(RPCError) -> (DocumentSearch, DocumentQuery) {
        let search = DocumentSearch(try requiredString("query"))
        guard !search.terms.isEmpty else {
            throw .invalid("query", "a word, part* of one, or \"a phrase\"")
        }
        guard search.terms.count <= Limits.searchTermsMax else {
            throw RPCError(
                .limitExceeded, path: "query",
                hint: "at most \(Limits.searchTermsMax) words and phrases")
        }
        let query = try documents()
        try finish()
        return (search, query)
    }

    /// Documents are kept: without `since`, all of them.
    private mutating func documents() throws(RPCError) -> DocumentQuery {
        let columns = try columnFilters(["kind", "task", "session"])
        let since = try time("since") ?? .earliest
        let until = try time("until") ?? .latest
        guard since <= until else { throw .invalid("until", "before since (\(since.rfc3339))") }
        let conditions = try filters()
        let page = try page()
        return DocumentQuery(
            range: TimeRange(since: since, until: until), filters: columns + conditions,
            page: page)
    }
}
