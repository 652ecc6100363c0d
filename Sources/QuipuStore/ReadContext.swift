import GRDB
import GRDBSQLite
import QuipuModel

extension SQLiteStore {
    /// Runs one question on a reader, in one snapshot, until its deadline or until nobody waits.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (ReadContext) throws -> Answer
    ) async throws(StoreError) -> Answer {
        // The wait for a free reader counts: the asker waits either way.
        let deadline = Deadline(milliseconds: queryMsMax)
        do {
            // A task of its own, that nobody cancels: see `Connections.prepareReader`.
            let question = Task.immediate { [reader] in
                try await reader.read { db in
                    guard let connection = db.sqliteConnection else { throw StoreError.closed }
                    guard !deadline.isWithdrawn else { throw CancellationError() }
                    deadline.watch(connection)
                    defer { deadline.unwatch(connection) }
                    return try body(ReadContext(connection))
                }
            }
            return try await withTaskCancellationHandler {
                try await question.value
            } onCancel: {
                deadline.withdraw()
            }
        } catch {
            throw deadline.reason(for: error)
        }
    }
}

/// What one question needs: its connection, and texts, sources and payloads by their ids.
final class ReadContext {
    struct Source {
        var path: String
        var host: String
    }

    let connection: OpaquePointer
    private var texts: [Int64: String] = [:]
    private var sources: [Int64: Source] = [:]
    private var contexts: [Int64: [ContextColumn: Int64]] = [:]
    // Made when they are first needed, which for many questions is never.
    private var findText: RawStatement?
    private var findSource: RawStatement?
    private var findContext: RawStatement?
    private var payloads: PayloadBlockReader?

    init(_ connection: OpaquePointer) { self.connection = connection }

    func prepare(_ sql: String) throws -> RawStatement { try RawStatement(connection, sql) }

    private func kept(_ statement: inout RawStatement?, _ sql: String) throws -> RawStatement {
        if let statement { return statement }
        let made = try prepare(sql)
        statement = made
        return made
    }

    func text(_ id: Int64) throws -> String {
        if let known = texts[id] { return known }
        let find = try kept(&findText, "SELECT text FROM strings WHERE id = ?1")
        find.bind(1, id)
        defer { find.reset() }
        let text = try find.step() ? find.string(0) ?? "" : ""
        texts[id] = text
        return text
    }

    func text(_ id: Int64?) throws -> String? {
        guard let id else { return nil }
        return try text(id)
    }

    /// The id of `text`, if it stands for anything.
    func id(of text: String) throws -> Int64? {
        let find = try prepare("SELECT id FROM strings WHERE text = ?1")
        find.bind(1, copying: text)
        return try find.step() ? find.int(0) : nil
    }

    func source(_ id: Int64) throws -> Source {
        if let known = sources[id] { return known }
        let find = try kept(&findSource, "SELECT path, host FROM sources WHERE id = ?1")
        find.bind(1, id)
        defer { find.reset() }
        let source =
            try find.step()
            ? Source(path: find.string(0) ?? "", host: find.string(1) ?? "")
            : Source(path: "", host: "")
        sources[id] = source
        return source
    }

    // MARK: Contexts

    private static let contextColumns = ContextColumn.allCases.map(\.rawValue)
        .joined(separator: ", ")

    /// The id of the text of one column; nil for none.
    func id(of column: ContextColumn, inContext id: Int64) throws -> Int64? {
        try members(ofContext: id)[column]
    }

    /// What a context says.
    func words(ofContext id: Int64) throws -> [ContextColumn: String] {
        try members(ofContext: id).mapValues { try text($0) }
    }

    private func members(ofContext id: Int64) throws -> [ContextColumn: Int64] {
        guard id != 0 else { return [:] }
        if let known = contexts[id] { return known }
        let find = try kept(
            &findContext, "SELECT \(Self.contextColumns) FROM contexts WHERE id = ?1")
        find.bind(1, id)
        defer { find.reset() }
        var members: [ContextColumn: Int64] = [:]
        if try find.step() {
            for (index, column) in ContextColumn.allCases.enumerated() {
                let text = find.int(Int32(index))
                if text != 0 { members[column] = text }
            }
        }
        contexts[id] = members
        return members
    }

    /// The payload's bytes; nil when there is none or when it was dropped.
    func payload(_ reference: PayloadReference?) throws -> ArraySlice<UInt8>? {
        guard let reference else { return nil }
        let reader = try payloads ?? PayloadBlockReader(connection)
        payloads = reader
        return try reader.payload(reference)
    }
}
