import GRDB
public import QuipuModel

extension SQLiteStore {
    /// Runs somebody's own SELECT, one at a time, on a connection that can do nothing else.
    public func sql(_ query: SQLQuery) async throws(StoreError) -> SQLRows {
        do {
            return try await sqlRunner.run(query, milliseconds: queryMsMax) {
                if let path { return try SQLSandbox(path: path) }
                // Copied in turn with everybody, asked of the copy without them.
                return try reader.read { db in
                    guard let connection = db.sqliteConnection else { throw StoreError.closed }
                    return try SQLSandbox(copying: connection)
                }
            }
        } catch {
            throw StoreError(error)
        }
    }
}
