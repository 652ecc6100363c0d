import GRDBSQLite
import Platform
import QuipuModel
import QuipuProtocol

/// A dashboard's SQLite database, opened so that nothing beside it changes.
final class SeedDatabase {
    struct Failure: Error {
        var reason: String
    }

    let path: String
    private let connection: OpaquePointer
    private let status: FileStatus
    /// Read without its log and without locks; what changes meanwhile is noticed at the end.
    private let isImmutable: Bool

    init(path: String) throws(Failure) {
        self.path = path
        do throws(SystemError) {
            status = try FileStatus(path: path, followingLinks: true)
        } catch {
            throw Failure(reason: error.description)
        }
        isImmutable = !SeedDatabase.companions(of: path).contains(where: Files.exists)
        var opened: OpaquePointer?
        let uri = "file:" + SeedDatabase.escaped(path) + (isImmutable ? "?immutable=1" : "?mode=ro")
        let code = sqlite3_open_v2(
            uri, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
            sqlite3_close_v2(opened)
            throw Failure(reason: reason)
        }
        connection = opened
        sqlite3_busy_timeout(connection, 5_000)
        // One moment for all tables.
        guard sqlite3_exec(connection, "BEGIN", nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    deinit { sqlite3_close_v2(connection) }

    /// A log or a journal: somebody writes, or was stopped while writing.
    private static func companions(of path: String) -> [String] {
        [path + "-wal", path + "-journal"]
    }

    private static func escaped(_ path: String) -> String {
        path.unicodeScalars.map { scalar in
            ["%", "?", "#"].contains(scalar)
                ? "%" + String(scalar.value, radix: 16) : String(scalar)
        }.joined()
    }

    private var failure: Failure { Failure(reason: String(cString: sqlite3_errmsg(connection))) }

    /// Throws when the file was written to while it was read without locks.
    func verifyUnchanged() throws(Failure) {
        guard isImmutable else { return }
        let now = try? FileStatus(path: path, followingLinks: true)
        let isSame =
            now?.changeNanoseconds == status.changeNanoseconds
            && now?.sizeBytes == status.sizeBytes
        guard isSame, !SeedDatabase.companions(of: path).contains(where: Files.exists) else {
            throw Failure(reason: "was written to while it was read; import it again")
        }
    }

    // MARK: Tables

    func tables() throws(Failure) -> [String] {
        try rows(
            """
            SELECT name FROM sqlite_schema
            WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name
            """
        ).compactMap { $0["name"]?.string }
    }

    func count(_ table: String) throws(Failure) -> Int64 {
        try rows("SELECT count(*) AS n FROM \(SeedDatabase.quoted(table))").first?["n"]?.int ?? 0
    }

    /// All rows in the order in which they were written.
    func rows(of table: String) throws(Failure) -> [JSON] {
        try rows("SELECT * FROM \(SeedDatabase.quoted(table)) ORDER BY rowid")
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }

    private func rows(_ sql: String) throws(Failure) -> [JSON] {
        var prepared: OpaquePointer?
        guard sqlite3_prepare_v2(connection, sql, -1, &prepared, nil) == SQLITE_OK,
            let statement = prepared
        else { throw failure }
        defer { sqlite3_finalize(statement) }
        var rows: [JSON] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: rows.append(SeedDatabase.row(statement))
            case SQLITE_DONE: return rows
            default: throw failure
            }
        }
    }

    private static func row(_ statement: OpaquePointer) -> JSON {
        .object(
            (0..<sqlite3_column_count(statement)).map { index in
                let name = sqlite3_column_name(statement, index).map { String(cString: $0) } ?? ""
                return JSON.Member(name, value(statement, index))
            })
    }

    /// Text also where a column holds bytes: what is no UTF-8 in it shows as U+FFFD.
    private static func value(_ statement: OpaquePointer, _ index: Int32) -> JSON {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .double(sqlite3_column_double(statement, index))
        case SQLITE_NULL: return .null
        default:
            guard let start = sqlite3_column_blob(statement, index) else { return .string("") }
            let count = Int(sqlite3_column_bytes(statement, index))
            return .string(
                String(
                    decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self))
        }
    }
}
