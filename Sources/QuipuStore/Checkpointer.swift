import GRDBSQLite

/// Moves the write-ahead log into the database beside the writer, over a connection and on a thread
/// of its own: commits go on meanwhile.
actor Checkpointer {
    private let executor = QueueExecutor(label: "quipu.store.checkpointer")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private let path: String
    private var connection: OpaquePointer?
    /// A run that was asked for before the end may come after it, when the file is another's.
    private var isClosed = false

    init(path: String) { self.path = path }

    /// Moves what no reader holds back. True when that was all there was.
    func run() -> Bool {
        guard let connection = opened() else { return false }
        var inLog: Int32 = 0
        var moved: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(
            connection, nil, SQLITE_CHECKPOINT_PASSIVE, &inLog, &moved)
        return code == SQLITE_OK && inLog == moved
    }

    /// Before the writer's own connection, which then is the last one.
    func close() {
        isClosed = true
        closeConnection()
    }

    private func closeConnection() {
        sqlite3_close(connection)
        connection = nil
    }

    private func opened() -> OpaquePointer? {
        guard !isClosed else { return nil }
        if let connection { return connection }
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &connection, flags, nil) == SQLITE_OK,
            sqlite3_exec(connection, "PRAGMA synchronous = FULL", nil, nil, nil) == SQLITE_OK
        else {
            closeConnection()
            return nil
        }
        return connection
    }
}
