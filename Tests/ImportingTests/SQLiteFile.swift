import GRDBSQLite

/// Runs SQL on a database file, as another system would.
enum SQLiteFile {
    struct Failure: Error { var message: String }

    static func run(_ sql: String, in path: String) throws {
        var connection: OpaquePointer?
        defer { sqlite3_close_v2(connection) }
        guard sqlite3_open(path, &connection) == SQLITE_OK,
            sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK
        else { throw Failure(message: String(cString: sqlite3_errmsg(connection))) }
    }
}

/// A connection that stays open while others read.
final class LiveDatabase {
    private var connection: OpaquePointer?

    init(_ path: String) throws {
        guard sqlite3_open(path, &connection) == SQLITE_OK else {
            throw SQLiteFile.Failure(message: "cannot open \(path)")
        }
    }

    deinit { sqlite3_close_v2(connection) }

    func run(_ sql: String) throws {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else {
            throw SQLiteFile.Failure(message: String(cString: sqlite3_errmsg(connection)))
        }
    }
}
