import GRDB
import GRDBSQLite
import QuipuModel

extension SQLiteStore {
    /// Runs one question on a reader, in one snapshot, until its deadline.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (ReadContext) throws -> Answer
    ) async throws(StoreError) -> Answer {
        // The wait for a free reader counts: the asker waits either way.
        let deadline = Deadline(milliseconds: queryMsMax)
        do {
            return try await reader.read { db in
                guard let connection = db.sqliteConnection else { throw StoreError.closed }
                deadline.watch(connection)
                defer { deadline.unwatch(connection) }
                return try body(try ReadContext(connection))
            }
        } catch let failure as SQLiteFailure where failure.isInterrupt && deadline.hasPassed {
            throw .timeout
        } catch {
            throw StoreError(error)
        }
    }
}

/// Ends a question that takes too long.
final class Deadline: Sendable {
    /// How many steps of SQLite's machine lie between two looks at the clock.
    private static let stepsBetweenLooks: Int32 = 2_000

    private let end: ContinuousClock.Instant

    init(milliseconds: Int) { end = .now + .milliseconds(milliseconds) }

    var hasPassed: Bool { ContinuousClock.now >= end }

    func watch(_ connection: OpaquePointer) {
        sqlite3_progress_handler(
            connection, Self.stepsBetweenLooks,
            { context in
                guard let context else { return 0 }
                let deadline = Unmanaged<Deadline>.fromOpaque(context).takeUnretainedValue()
                return deadline.hasPassed ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func unwatch(_ connection: OpaquePointer) {
        sqlite3_progress_handler(connection, 0, nil, nil)
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
    private let findText: RawStatement
    private let findSource: RawStatement
    private let findContext: RawStatement
    private let payloads: PayloadBlockReader

    init(_ connection: OpaquePointer) throws {
        self.connection = connection
        findText = try RawStatement(connection, "SELECT text FROM strings WHERE id = ?1")
        findSource = try RawStatement(connection, "SELECT path, host FROM sources WHERE id = ?1")
        findContext = try RawStatement(
            connection, "SELECT \(Self.contextColumns) FROM contexts WHERE id = ?1")
        payloads = try PayloadBlockReader(connection)
    }

    func prepare(_ sql: String) throws -> RawStatement { try RawStatement(connection, sql) }

    func text(_ id: Int64) throws -> String {
        if let known = texts[id] { return known }
        findText.bind(1, id)
        defer { findText.reset() }
        let text = try findText.step() ? findText.string(0) ?? "" : ""
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
        findSource.bind(1, id)
        defer { findSource.reset() }
        let source =
            try findSource.step()
            ? Source(path: findSource.string(0) ?? "", host: findSource.string(1) ?? "")
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
        findContext.bind(1, id)
        defer { findContext.reset() }
        var members: [ContextColumn: Int64] = [:]
        if try findContext.step() {
            for (index, column) in ContextColumn.allCases.enumerated() {
                let text = findContext.int(Int32(index))
                if text != 0 { members[column] = text }
            }
        }
        contexts[id] = members
        return members
    }

    /// The payload's bytes; nil when there is none or when it was dropped.
    func payload(_ reference: PayloadReference?) throws -> ArraySlice<UInt8>? {
        guard let reference else { return nil }
        return try payloads.payload(reference)
    }
}
