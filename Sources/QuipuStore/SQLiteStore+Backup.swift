import GRDB
import GRDBSQLite
public import QuipuModel

extension SQLiteStore {
    public func backup(to path: String) async throws(StoreError) -> BackupReport {
        do {
            if let source = self.path {
                return try await BackupRunner().run(from: source, to: path)
            }
            return try await writer.backupOfMemory(to: path)
        } catch {
            throw StoreError(error)
        }
    }
}

/// Copies on a thread of its own. The copy is that of one moment; what is committed meanwhile is
/// not in it.
actor BackupRunner {
    private let executor = QueueExecutor(label: "quipu.store.backup")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    func run(from source: String, to path: String) throws -> BackupReport {
        let connection = try Self.open(source)
        defer { sqlite3_close_v2(connection) }
        try Self.copy(connection, to: path)
        return try Self.verify(path)
    }

    static func copy(_ connection: OpaquePointer, to path: String) throws {
        let copy = try RawStatement(connection, "VACUUM INTO ?1")
        copy.bind(1, copying: path)
        try copy.run()
    }

    /// Reads all of it.
    static func verify(_ path: String) throws -> BackupReport {
        let connection = try open(path)
        defer { sqlite3_close_v2(connection) }
        let check = try RawStatement(connection, "PRAGMA integrity_check(1)")
        let verdict = try check.step() ? check.string(0) ?? "" : ""
        guard verdict == "ok" else {
            throw SQLiteFailure(code: SQLITE_CORRUPT, message: "the copy is damaged: \(verdict)")
        }
        let count = try RawStatement(
            connection, "SELECT (SELECT count(*) FROM events), (SELECT version FROM schema_version)"
        )
        guard try count.step() else {
            throw SQLiteFailure(code: SQLITE_CORRUPT, message: "the copy is empty")
        }
        return BackupReport(events: count.int(0), schemaVersion: Int(count.int(1)))
    }

    static func open(_ path: String) throws -> OpaquePointer {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(
            path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw SQLiteFailure(code: code, message: "cannot open \(path)")
        }
        return handle
    }
}
