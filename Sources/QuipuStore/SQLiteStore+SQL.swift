import GRDB
public import QuipuModel

extension SQLiteStore {
    /// Runs somebody's own SELECT, one at a time, on a connection that can do nothing else.
    public func sql(_ query: SQLQuery) async throws(StoreError) -> SQLRows {
        // The wait for one's turn does not count: it may be because of somebody else.
        do {
            if let path {
                return try await sqlRunner.run(query, path: path, milliseconds: queryMsMax)
            }
            return try await reader.read { [queryMsMax] db in
                guard let connection = db.sqliteConnection else { throw StoreError.closed }
                return try SQLRunner.run(
                    query, try SQLSandbox(copying: connection),
                    Deadline(milliseconds: queryMsMax))
            }
        } catch {
            throw StoreError(error)
        }
    }
}

/// Takes turns on a thread of its own, so that such questions never keep the others' readers.
actor SQLRunner {
    /// Leaves room for the reply's other members.
    private static let bytesMax = Limits.replyBytesMax - (64 << 10)

    private let executor = QueueExecutor(label: "quipu.store.sql")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    func run(_ query: SQLQuery, path: String, milliseconds: Int) async throws -> SQLRows {
        let deadline = Deadline(milliseconds: milliseconds)
        return try await withTaskCancellationHandler {
            try Self.run(query, try SQLSandbox(path: path), deadline)
        } onCancel: {
            deadline.withdraw()
        }
    }

    static func run(
        _ query: SQLQuery, _ sandbox: SQLSandbox, _ deadline: Deadline
    ) throws -> SQLRows {
        do {
            return try sandbox.run(query, bytesMax: bytesMax, until: deadline)
        } catch {
            throw deadline.reason(for: error)
        }
    }
}
