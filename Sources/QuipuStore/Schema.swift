import GRDB
import QuipuModel

/// Tables and how they came to be. `docs/database.md` explains them.
enum Schema {
    /// The version that this program writes. Each migration below makes one.
    static let version = 9

    /// Raises the file to `version`.
    ///
    /// Throws `StoreError.newerSchema` for a file that a later program made.
    static func migrate(_ database: any DatabaseWriter) throws {
        let found = try database.read { db in
            try db.tableExists("schema_version")
                ? Int.fetchOne(db, sql: "SELECT version FROM schema_version") : nil
        }
        if let found, found > version {
            throw StoreError.newerSchema(found: found, known: version)
        }
        var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
        migrator.registerMigration("1") { db in
            try db.execute(sql: ledgerTables)
            try db.execute(sql: eventTables)
            try db.execute(sql: metricTables)
            try db.execute(sql: "INSERT INTO schema_version VALUES (1)")
        }
        migrator.registerMigration("2") { db in
            try db.execute(sql: eventRollupTable)
            if let connection = db.sqliteConnection { try EventRollupWriter.fill(connection) }
            try db.execute(sql: "UPDATE schema_version SET version = 2")
        }
        migrator.registerMigration("3") { db in
            try db.execute(sql: retentionChanges)
            for tier in MetricTier.allCases.dropFirst() {
                try db.execute(sql: rollupTable("rollups_\(tier.word)"))
            }
            try db.execute(sql: "UPDATE schema_version SET version = 3")
        }
        migrator.registerMigration("4") { db in
            try db.execute(sql: idCounters)
            try db.execute(sql: "UPDATE schema_version SET version = 4")
        }
        migrator.registerMigration("5") { db in
            try db.execute(sql: rollupBlocks)
            if let connection = db.sqliteConnection { try RollupMigration.pack(connection) }
            try db.execute(sql: "UPDATE schema_version SET version = 5")
        }
        migrator.registerMigration("6") { db in
            try db.execute(sql: contextTables)
            try db.execute(sql: elementTables)
            try db.execute(sql: eventChanges)
            if let connection = db.sqliteConnection { try ErrorCategories.fill(connection) }
            try db.execute(sql: errorIndex)
            try db.execute(sql: sessionChanges)
            try db.execute(sql: fileTable)
            try db.execute(sql: taskTables)
            try db.execute(sql: documentTables)
            try db.execute(sql: rowsOfBlocks)
            try db.execute(sql: usageTables)
            try db.execute(sql: priceTables)
            try db.execute(sql: "UPDATE schema_version SET version = 6")
        }
        migrator.registerMigration("7") { db in
            try db.execute(sql: errorRollups)
            try db.execute(sql: "UPDATE schema_version SET version = 7")
        }
        migrator.registerMigration("8") { db in
            if let connection = db.sqliteConnection { try SourceKeyMigration.run(connection) }
            try db.execute(sql: "UPDATE schema_version SET version = 8")
        }
        migrator.registerMigration("9") { db in
            try db.execute(sql: Machines.table)
            try db.execute(sql: "UPDATE schema_version SET version = 9")
        }
        try migrator.migrate(database)
        try database.write { try $0.execute(sql: firstRetentionTime) }
    }

    /// Before anything is committed by a clock that may be wrong.
    private static let firstRetentionTime = """
        INSERT OR IGNORE INTO counters
        SELECT 'retention_time', iif(value > 0, value, 1000000 * CAST(unixepoch() AS INTEGER))
        FROM counters WHERE name = 'last_commit'
        """

    private static let ledgerTables = """
        CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;

        CREATE TABLE counters (
            name TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO counters VALUES
            ('events', 0), ('heartbeat', 0), ('last_commit', 0), ('series', 0),
            ('series_overflow', 0);

        CREATE TABLE strings (
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        ) STRICT;

        CREATE TABLE sources (
            id INTEGER PRIMARY KEY,
            host TEXT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            path TEXT NOT NULL,
            incarnation INTEGER NOT NULL,
            opened INTEGER NOT NULL,
            position INTEGER NOT NULL DEFAULT 0,
            size INTEGER NOT NULL,
            head_bytes INTEGER,
            head_hash INTEGER,
            finished INTEGER NOT NULL DEFAULT 0,
            received INTEGER NOT NULL DEFAULT 0,
            stored INTEGER NOT NULL DEFAULT 0,
            merged INTEGER NOT NULL DEFAULT 0,
            blank INTEGER NOT NULL DEFAULT 0,
            lost_bytes INTEGER NOT NULL DEFAULT 0,
            UNIQUE (host, kind, key, incarnation)
        ) STRICT;

        CREATE TABLE ledger_rejected (
            source INTEGER NOT NULL REFERENCES sources,
            reason TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (source, reason)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ledger_lost (
            source INTEGER NOT NULL REFERENCES sources,
            cause TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (source, cause)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE rejects (
            id INTEGER PRIMARY KEY,
            source INTEGER NOT NULL REFERENCES sources,
            offset INTEGER NOT NULL,
            reason TEXT NOT NULL,
            time INTEGER NOT NULL,
            head BLOB NOT NULL
        ) STRICT;
        CREATE INDEX rejects_by_source ON rejects (source);
        """

    /// No foreign keys here: they would cost a look-up for each of six columns of each event.
    private static let eventTables = """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            flags INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            name INTEGER,
            status INTEGER NOT NULL,
            duration_us INTEGER,
            session INTEGER,
            task INTEGER,
            agent INTEGER,
            error TEXT,
            source INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            tool_use_id TEXT,
            call_key INTEGER,
            open_key INTEGER,
            opening_block INTEGER,
            opening_at INTEGER,
            closing_block INTEGER,
            closing_at INTEGER,
            attributes TEXT
        ) STRICT;
        CREATE INDEX events_by_time ON events (time);
        CREATE INDEX errors_by_time ON events (time) WHERE status = 2;
        CREATE INDEX events_by_call ON events (call_key) WHERE call_key IS NOT NULL;
        CREATE INDEX events_open ON events (open_key, flags, time) WHERE open_key IS NOT NULL;

        CREATE TABLE payload_blocks (
            id INTEGER PRIMARY KEY,
            first_time INTEGER NOT NULL,
            last_time INTEGER NOT NULL,
            raw_bytes INTEGER NOT NULL,
            data BLOB NOT NULL
        ) STRICT;

        CREATE TABLE sessions (
            session INTEGER PRIMARY KEY,
            started INTEGER NOT NULL,
            last_activity INTEGER NOT NULL,
            events INTEGER NOT NULL,
            tool_calls INTEGER NOT NULL,
            errors INTEGER NOT NULL,
            blocked INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX sessions_by_activity ON sessions (last_activity);

        CREATE TABLE session_tools (
            session INTEGER NOT NULL,
            name INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (session, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// `name` is 0 for none, since a key has no NULL.
    private static let eventRollupTable = """
        CREATE TABLE event_rollups (
            width INTEGER NOT NULL,
            start INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            name INTEGER NOT NULL,
            status INTEGER NOT NULL,
            count INTEGER NOT NULL,
            last INTEGER NOT NULL,
            timed INTEGER NOT NULL,
            sum_us REAL NOT NULL,
            min_us INTEGER NOT NULL,
            max_us INTEGER NOT NULL,
            sketch BLOB,
            PRIMARY KEY (width, start, kind, name, status)
        ) STRICT, WITHOUT ROWID;
        """

    private static let metricTables = """
        CREATE TABLE series (
            id INTEGER PRIMARY KEY,
            host INTEGER NOT NULL,
            name TEXT NOT NULL,
            type INTEGER NOT NULL,
            tags TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            samples REAL NOT NULL,
            value REAL NOT NULL,
            value_time INTEGER NOT NULL,
            UNIQUE (name, type, tags, host)
        ) STRICT;

        \(rollupTable("rollups_10s"))
        """

    private static func rollupTable(_ name: String) -> String {
        """
        CREATE TABLE \(name) (
            series INTEGER NOT NULL,
            bucket INTEGER NOT NULL,
            count REAL NOT NULL,
            sum REAL NOT NULL,
            min REAL NOT NULL,
            max REAL NOT NULL,
            last REAL NOT NULL,
            last_time INTEGER NOT NULL,
            sketch BLOB,
            members BLOB,
            PRIMARY KEY (series, bucket)
        ) STRICT, WITHOUT ROWID;
        """
    }

    private static let retentionChanges = """
        CREATE INDEX payload_blocks_by_time ON payload_blocks (last_time);
        ALTER TABLE sources ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
        UPDATE sources SET touched = CAST(1000000 * unixepoch() AS INTEGER);
        """

    /// Ids that retention has freed are not given again: a cursor or an event may still name them.
    private static let idCounters = """
        INSERT INTO counters
        SELECT 'next_event', ifnull(max(id), 0) + 1 FROM events;
        INSERT INTO counters
        SELECT 'next_payload_block', max(
            ifnull((SELECT max(id) FROM payload_blocks), 0),
            ifnull((SELECT max(opening_block) FROM events), 0),
            ifnull((SELECT max(closing_block) FROM events), 0)) + 1;
        """

    private static let rollupBlocks = """
        ALTER TABLE rollups_10s RENAME TO open_rollups;
        CREATE TABLE rollup_blocks (
            series INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            start INTEGER NOT NULL,
            points INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (series, tier, start)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tier_floors (
            tier INTEGER PRIMARY KEY,
            start INTEGER NOT NULL
        ) STRICT;
        """
}

/// Rollups were rows, each in the tier of its age; now every tier has all of them, in blocks.
private enum RollupMigration {
    static func pack(_ connection: OpaquePointer) throws {
        let wider = Array(MetricTier.allCases.dropFirst())
        for (narrow, wide) in zip(MetricTier.allCases, wider) {
            // What a wider table has, a narrower one has no longer.
            let newest = try RawStatement(
                connection, "SELECT max(bucket) FROM rollups_\(wide.word)")
            guard try newest.step(), let bucket = newest.optionalInt(0) else { continue }
            let end = bucket + wide.seconds
            try TierFloors.raise(
                narrow, to: -narrow.blockStart(-end), connection)
        }
        let packer = try RollupPacker(connection)
        for (index, tier) in wider.enumerated() {
            let find = try RawStatement(
                connection,
                """
                SELECT series, bucket, \(OpenRollupTable.columns) FROM rollups_\(tier.word)
                ORDER BY series, bucket
                """)
            var points: [RollupPoint] = []
            var series: Int64 = 0
            func add() throws {
                for tier in wider[index...] { try packer.add(points, series: series, to: tier) }
                points.removeAll(keepingCapacity: true)
            }
            while try find.step() {
                if find.int(0) != series { try add() }
                series = find.int(0)
                points.append(
                    RollupPoint(bucket: find.int(1), pair: StoredRollup.Pair(find, from: 2)))
            }
            try add()
        }
        for tier in wider {
            try RawStatement(connection, "DROP TABLE rollups_\(tier.word)").run()
        }
    }
}
