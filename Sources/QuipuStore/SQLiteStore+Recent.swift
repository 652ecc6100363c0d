import GRDB
public import QuipuModel

extension SQLiteStore {
    /// Fills an empty database in memory with the recent hours of a file, and with every account,
    /// series and id, so that it can go on where the file is.
    public func copyRecent(from path: String, since: Timestamp) async throws(StoreError) {
        try await writer.copyRecent(from: path, since: since)
    }
}

extension Writer {
    func copyRecent(from path: String, since: Timestamp) throws(StoreError) {
        do {
            try writeOutsideTransaction { db in
                try db.execute(sql: "ATTACH DATABASE ? AS disk", arguments: [path])
                defer { try? db.execute(sql: "DETACH DATABASE disk") }
                try db.inTransaction {
                    try RecentRows.copy(db, since: since)
                    return .commit
                }
            }
        } catch {
            throw StoreError(error)
        }
        // The file has met this machine before.
        try meet(hostName: defaultHost)
    }
}

private enum RecentRows {
    /// Tables that are small, or that ids depend on.
    private static let whole = [
        "strings", "contexts", "machines", "sources", "ledger_rejected", "ledger_lost",
        "rejects", "series", "counters", "elements", "prices", "limits", "usage_counters",
        "usage_totals",
    ]

    static func copy(_ db: Database, since: Timestamp) throws {
        for table in whole {
            try db.execute(sql: "INSERT OR REPLACE INTO main.\(table) SELECT * FROM disk.\(table)")
        }
        let microseconds = since.microseconds
        let seconds = since.bucket(seconds: 1)
        for (table, condition, moment) in [
            ("events", "time >= ?", microseconds),
            ("usage_calls", "time >= ?", microseconds),
            ("usage_rows", "time >= ?", microseconds),
            ("payload_blocks", "last_time >= ?", microseconds),
            ("sessions", "last_activity >= ?", microseconds),
            ("session_agents", "last_activity >= ?", microseconds),
            ("file_touches", "last >= ?", microseconds),
            ("tasks", "updated >= ? OR ended IS NULL", microseconds),
            ("documents", "updated >= ?", microseconds),
            ("event_rollups", "start + width > ?", seconds),
            ("error_rollups", "start + width > ?", seconds),
            ("open_rollups", "bucket >= ?", seconds),
        ] {
            try db.execute(
                sql: "INSERT INTO main.\(table) SELECT * FROM disk.\(table) WHERE \(condition)",
                arguments: [moment])
        }
        try db.execute(
            sql: """
                INSERT INTO main.session_tools SELECT t.* FROM disk.session_tools AS t
                JOIN main.sessions USING (session);
                INSERT INTO main.document_texts (rowid, title, body)
                SELECT t.rowid, t.title, t.body FROM disk.document_texts AS t
                JOIN main.documents AS d ON d.id = t.rowid;
                UPDATE main.counters SET value = (SELECT count(*) FROM main.events)
                WHERE name = 'events';
                """)
        for tier in MetricTier.allCases {
            let start = tier.blockStart(seconds)
            try db.execute(
                sql: """
                    INSERT INTO main.rollup_blocks SELECT * FROM disk.rollup_blocks
                    WHERE tier = ? AND start >= ?
                    """, arguments: [tier.seconds, start])
            guard let connection = db.sqliteConnection else { continue }
            try TierFloors.raise(tier, to: start, connection)
        }
    }
}
