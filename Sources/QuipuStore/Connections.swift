import GRDB
import GRDBSQLite
import QuipuModel

/// How connections are opened and set up.
enum Connections {
    /// How long to wait for another program that has locked the file, seconds.
    private static let busySeconds = 2.0
    /// One more than questions run at a time: `health` and `stats` wait for nobody.
    private static let readersMax = Limits.queriesRunningMax + 1
    /// Bounds of the page caches, so that the process stays small.
    private static let writerCacheKiB = 8_192
    private static let readerCacheKiB = 2_048
    /// "Quip": how `file` tells a database of ours.
    private static let applicationID = 0x5175_6970

    static func open(path: String?, logBytes: Int = Limits.logBytes) throws -> any DatabaseWriter {
        var configuration = Configuration()
        configuration.label = "quipu.store"
        configuration.busyMode = .timeout(busySeconds)
        configuration.maximumReaderCount = readersMax
        configuration.prepareDatabase { db in
            if db.configuration.readonly {
                try prepareReader(db)
            } else {
                try prepareWriter(db)
            }
        }
        guard let path else { return try DatabaseQueue(configuration: configuration) }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { db in
            // After the pool has set its own. FULL: a commit that was acknowledged survives a power
            // cut.
            try db.execute(
                sql: """
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA journal_size_limit = \(2 * logBytes);
                    """)
        }
        return pool
    }

    /// GRDB's authorizer is told of every column that a statement reads, which takes longer than
    /// most questions. GRDB wants it for observing changes, which nobody does, and to know a COMMIT
    /// that it lets pass when its task was cancelled: so no question's task ever is.
    private static func prepareReader(_ db: Database) throws {
        try db.execute(sql: "PRAGMA cache_size = -\(readerCacheKiB)")
        sqlite3_set_authorizer(db.sqliteConnection, nil, nil)
    }

    private static func prepareWriter(_ db: Database) throws {
        // Takes effect only before the first table.
        try db.execute(
            sql: """
                PRAGMA auto_vacuum = INCREMENTAL;
                PRAGMA cache_size = -\(writerCacheKiB);
                """)
        if try Int.fetchOne(db, sql: "PRAGMA application_id") == 0 {
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        }
    }
}
