import CQuestionMemory
import GRDBSQLite
import QuipuModel

/// A connection of its own for SQL that somebody else wrote: it can read the documented views and
/// do nothing else, and what it may cost is bounded.
final class SQLSandbox {
    /// One value, and so one row of a sorter or a recursion.
    private static let valueBytesMax: Int32 = 1 << 20
    /// What SQLite may take for one question; no honest statement of 64 KiB needs it.
    private static let memoryBytesMax: Int64 = 64 << 20
    /// Fewer than elsewhere: a step may be a function over a value of 1 MiB.
    private static let stepsBetweenLooks: Int32 = 200
    private static let cacheKiB = 2_048
    /// A database in memory is copied for each question.
    private static let copiedBytesMax: Int64 = 64 << 20

    /// Bounds of what a function is given and makes.
    static let valueLimits: [(Int32, Int32)] = [
        (SQLITE_LIMIT_LENGTH, valueBytesMax), (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    ]

    private static let limits: [(Int32, Int32)] =
        valueLimits + [
            (SQLITE_LIMIT_SQL_LENGTH, Int32(Limits.sqlTextBytesMax)),
            (SQLITE_LIMIT_COLUMN, 200), (SQLITE_LIMIT_EXPR_DEPTH, 100),
            (SQLITE_LIMIT_COMPOUND_SELECT, 50), (SQLITE_LIMIT_VDBE_OP, 100_000),
            (SQLITE_LIMIT_FUNCTION_ARG, 32), (SQLITE_LIMIT_ATTACHED, 0),
            (SQLITE_LIMIT_VARIABLE_NUMBER, 0), (SQLITE_LIMIT_TRIGGER_DEPTH, 0),
            (SQLITE_LIMIT_WORKER_THREADS, 0),
        ]

    /// Functions that reach outside, in this build of SQLite or another.
    private static let deniedFunctions: Set<String> = [
        "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer",
    ]

    private static let tableFunctions: Set<String> = ["json_each", "json_tree"]

    let connection: OpaquePointer
    private let secret =
        "view_\(UInt64.random(in: .min ... .max))_\(UInt64.random(in: .min ... .max))_"
    private let functions: SQLBoundedFunctions
    /// All that a name may stand for that no statement gave it, in small letters.
    private var knownNames: Set<String> = []
    /// What the last statement was refused for.
    private(set) var refusal: String?

    /// On the file at `path`.
    convenience init(path: String) throws {
        try self.init(opening: path, flags: SQLITE_OPEN_READONLY)
        try prepareViews()
    }

    /// On a copy of a database in memory.
    convenience init(copying source: OpaquePointer) throws {
        var size: sqlite3_int64 = 0
        guard let image = sqlite3_serialize(source, "main", &size, 0) else {
            throw SQLiteFailure(code: SQLITE_NOMEM, message: "no memory for a copy")
        }
        guard size <= Self.copiedBytesMax else {
            sqlite3_free(image)
            throw StoreError.tooLarge(
                hint: "the database in memory has over \(Self.copiedBytesMax >> 20) MiB")
        }
        try self.init(opening: ":memory:", flags: SQLITE_OPEN_READWRITE)
        // The image belongs to the connection from here on, whatever the outcome.
        let flags = UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY)
        guard
            sqlite3_deserialize(connection, "main", image, size, size, flags) == SQLITE_OK
        else { throw failure() }
        try prepareViews()
    }

    private init(opening path: String, flags: Int32) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw SQLiteFailure(code: code, message: "cannot open a connection for SQL")
        }
        connection = handle
        do {
            functions = try SQLBoundedFunctions()
        } catch {
            sqlite3_close_v2(handle)
            throw error
        }
    }

    deinit { sqlite3_close_v2(connection) }

    private func prepareViews() throws {
        let settings = """
            PRAGMA cache_size = -\(Self.cacheKiB);
            PRAGMA busy_timeout = 1000;
            PRAGMA trusted_schema = OFF;
            """
        guard SQLFunctions.register(on: connection), functions.register(on: connection),
            sqlite3_exec(connection, settings + SQLViews.definitions(secret: secret), nil, nil, nil)
                == SQLITE_OK,
            sqlite3_exec(connection, "PRAGMA query_only = ON", nil, nil, nil) == SQLITE_OK
        else { throw failure() }
        knownNames = try readKnownNames()
        for name in Self.tableFunctions {
            // The first use of each reads and writes SQLite's schema, which no statement may.
            _ = try RawStatement(connection, "SELECT 1 FROM \(name)('[]')")
        }
        for (limit, value) in Self.limits { sqlite3_limit(connection, limit, value) }
        sqlite3_set_authorizer(
            connection,
            { context, action, first, second, schema, view in
                guard let context else { return SQLITE_DENY }
                func text(_ pointer: UnsafePointer<CChar>?) -> String {
                    pointer.map { String(cString: $0) } ?? ""
                }
                return Unmanaged<SQLSandbox>.fromOpaque(context).takeUnretainedValue().judge(
                    action, text(first), text(second), schema: text(schema),
                    view: view.map { String(cString: $0) })
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func readKnownNames() throws -> Set<String> {
        let find = try RawStatement(
            connection,
            """
            SELECT lower(name) FROM main.sqlite_schema
            UNION SELECT lower(name) FROM temp.sqlite_schema
            UNION SELECT lower(name) FROM pragma_module_list
            """)
        var names: Set<String> = []
        while try find.step() { find.string(0).map { _ = names.insert($0) } }
        return names
    }

    /// Whether only a statement's own WITH can have made a table of this name.
    private func isOwnName(_ name: String) -> Bool {
        let name = name.lowercased()
        return !knownNames.contains(name) && !name.hasPrefix("sqlite_")
            && !name.hasPrefix("pragma_")
    }

    /// Called by SQLite for all that a statement would do.
    private func judge(
        _ action: Int32, _ first: String, _ second: String, schema: String, view: String?
    ) -> Int32 {
        switch action {
        case SQLITE_SELECT, SQLITE_RECURSIVE: return SQLITE_OK
        case SQLITE_READ:
            let isView =
                schema == "temp" && (SQLViews.names.contains(first) || first.hasPrefix(secret))
            // Tables are read through a view alone.
            if isView || view?.hasPrefix(secret) == true { return SQLITE_OK }
            // Said of a view's table of which no column is read, without the view's name.
            if second.isEmpty, schema == "main", SQLViews.tables.contains(first) {
                return SQLITE_OK
            }
            // Said of a common table expression of which no column is read.
            if second.isEmpty, schema.isEmpty, isOwnName(first) { return SQLITE_OK }
            if Self.tableFunctions.contains(first) { return SQLITE_OK }
            refusal = "\(first) is no view; there are \(Self.viewList)"
        case SQLITE_FUNCTION:
            guard Self.deniedFunctions.contains(second.lowercased()) else { return SQLITE_OK }
            refusal = "the function \(second) is not for this"
        default:
            refusal = "one SELECT over \(Self.viewList), and nothing else"
        }
        return SQLITE_DENY
    }

    private static var viewList: String { SQLViews.names.joined(separator: ", ") }

    private func failure() -> SQLiteFailure {
        SQLiteFailure(
            code: sqlite3_extended_errcode(connection),
            message: String(cString: sqlite3_errmsg(connection)))
    }

    // MARK: Questions

    /// Runs one SELECT.
    ///
    /// - Throws: `StoreError.invalid` for what is no SELECT over the views, or no SQL.
    func run(_ query: SQLQuery, bytesMax: Int, until deadline: Deadline) throws -> SQLRows {
        deadline.watch(connection, every: Self.stepsBetweenLooks)
        functions.deadline = deadline
        defer { deadline.unwatch(connection) }
        // Preparing calls nobody back; that it needs memory is how it is stopped.
        guard
            quipu_question_memory_begin(
                Self.memoryBytesMax, Deadline.look, Unmanaged.passUnretained(deadline).toOpaque())
        else {
            quipu_question_memory_end()
            throw SQLiteFailure(code: SQLITE_MISUSE, message: "SQLite's memory is not bounded")
        }
        do {
            let rows = try answer(query, bytesMax: bytesMax)
            quipu_question_memory_end()
            return rows
        } catch {
            let failure = error as? SQLiteFailure
            guard quipu_question_memory_end() || failure?.code == SQLITE_NOMEM else { throw error }
            if deadline.hasEnded {
                throw SQLiteFailure(code: SQLITE_INTERRUPT, message: "the deadline has passed")
            }
            throw invalid("it needs more than \(Self.memoryBytesMax >> 20) MiB of memory")
        }
    }

    private func answer(_ query: SQLQuery, bytesMax: Int) throws -> SQLRows {
        let statement = try prepare(query.text)
        defer { sqlite3_finalize(statement) }
        let columnCount = sqlite3_column_count(statement)
        let columns = (0..<columnCount).map {
            sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? ""
        }
        var result = SQLRows(columns: columns, rows: [], isTruncated: false)
        var bytes = 0
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_DONE: return result
            case SQLITE_ROW:
                let row = (0..<columnCount).map { value(statement, $0) }
                bytes += row.reduce(0) { $0 + $1.replyBytes }
                guard result.rows.count < query.rowsMax, bytes <= bytesMax else {
                    result.isTruncated = true
                    return result
                }
                result.rows.append(row)
            case let code: throw wrong(code)
            }
        }
    }

    private func prepare(_ text: String) throws -> OpaquePointer {
        refusal = nil
        var statement: OpaquePointer?
        var isWhole = false
        let code = text.withCString { start in
            var rest: UnsafePointer<CChar>?
            let code = sqlite3_prepare_v2(connection, start, -1, &statement, &rest)
            isWhole =
                rest.map { String(cString: $0).allSatisfy { " \t\r\n;".contains($0) } } ?? true
            return code
        }
        guard code == SQLITE_OK else { throw wrong(code) }
        guard let statement else { throw invalid("there is no statement") }
        guard isWhole else {
            sqlite3_finalize(statement)
            throw invalid("one statement, not several")
        }
        guard sqlite3_stmt_readonly(statement) != 0, sqlite3_stmt_isexplain(statement) == 0 else {
            sqlite3_finalize(statement)
            throw invalid("one SELECT over \(Self.viewList), and nothing else")
        }
        return statement
    }

    /// What went wrong with a statement: its author's fault, unless the disk's.
    private func wrong(_ code: Int32) -> any Error {
        let failure = failure()
        switch code & 0xff {
        case SQLITE_AUTH: return invalid(refusal ?? failure.message)
        case SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_RANGE, SQLITE_MISMATCH, SQLITE_READONLY:
            return invalid(refusal ?? failure.message)
        default: return failure
        }
    }

    private func invalid(_ hint: String) -> StoreError { .invalid(path: "query", hint: hint) }

    private func value(_ row: OpaquePointer, _ column: Int32) -> Scalar {
        switch sqlite3_column_type(row, column) {
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(row, column))
        case SQLITE_FLOAT:
            let value = sqlite3_column_double(row, column)
            return value.isFinite ? .double(value) : .null
        case SQLITE_NULL: return .null
        case SQLITE_TEXT:
            let start = UnsafeRawPointer(sqlite3_column_text(row, column))
            return .string(String(decoding: bytes(row, column, from: start), as: UTF8.self))
        default:
            let start = sqlite3_column_blob(row, column)
            return .string(Self.hexadecimal(bytes(row, column, from: start)))
        }
    }

    /// None where there was no memory for them; the next step tells.
    private func bytes(
        _ row: OpaquePointer, _ column: Int32, from start: UnsafeRawPointer?
    ) -> UnsafeRawBufferPointer {
        let count = start == nil ? 0 : Int(sqlite3_column_bytes(row, column))
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Blobs as SQLite's own `hex` writes them.
    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

extension Scalar {
    /// About what it takes in a reply; characters may be escaped.
    fileprivate var replyBytes: Int {
        if case .string(let text) = self { text.utf8.count * 2 + 3 } else { 20 }
    }
}
