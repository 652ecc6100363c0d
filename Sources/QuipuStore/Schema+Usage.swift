/// Model calls, what they cost, and what may be spent; as of version 6.
extension Schema {
    static let usageTables = """
        CREATE TABLE usage_calls (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            flags INTEGER NOT NULL,
            message_key INTEGER,
            message_id TEXT,
            request_id TEXT,
            session INTEGER,
            task INTEGER,
            context INTEGER NOT NULL,
            model INTEGER,
            request_type INTEGER,
            input INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL,
            cache_write_1h INTEGER NOT NULL,
            cache_read INTEGER NOT NULL,
            output INTEGER NOT NULL,
            cost_usd REAL,
            price INTEGER,
            stated_usd REAL,
            source INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            rows INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX usage_calls_by_time ON usage_calls (time);
        CREATE INDEX usage_calls_by_session ON usage_calls (session, time);
        CREATE INDEX usage_calls_by_message ON usage_calls (message_key)
            WHERE message_key IS NOT NULL;
        CREATE INDEX usage_calls_unpriced ON usage_calls (time) WHERE cost_usd IS NULL;

        CREATE TABLE usage_rows (
            id INTEGER PRIMARY KEY,
            call INTEGER,
            source INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            time INTEGER NOT NULL,
            flags INTEGER NOT NULL,
            input INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL,
            cache_write_1h INTEGER NOT NULL,
            cache_read INTEGER NOT NULL,
            output INTEGER NOT NULL,
            stated_usd REAL
        ) STRICT;
        CREATE INDEX usage_rows_by_call ON usage_rows (call);
        CREATE INDEX usage_rows_by_time ON usage_rows (time);

        CREATE TABLE usage_counters (
            session INTEGER PRIMARY KEY,
            parent INTEGER,
            started INTEGER,
            source INTEGER,
            has_own INTEGER NOT NULL DEFAULT 0,
            input INTEGER NOT NULL DEFAULT 0,
            cache_write_5m INTEGER NOT NULL DEFAULT 0,
            cache_write_1h INTEGER NOT NULL DEFAULT 0,
            cache_read INTEGER NOT NULL DEFAULT 0,
            output INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE usage_totals (
            session INTEGER NOT NULL,
            hash INTEGER NOT NULL,
            call INTEGER,
            PRIMARY KEY (session, hash)
        ) STRICT, WITHOUT ROWID;
        """

    static let priceTables = """
        CREATE TABLE prices (
            id INTEGER PRIMARY KEY,
            model TEXT NOT NULL,
            valid_from INTEGER,
            source INTEGER NOT NULL,
            note TEXT NOT NULL,
            input REAL NOT NULL,
            output REAL NOT NULL,
            cache_write_5m REAL NOT NULL,
            cache_write_1h REAL NOT NULL,
            cache_read REAL NOT NULL,
            tier_tokens INTEGER,
            tier_input REAL,
            tier_output REAL,
            tier_cache_write_5m REAL,
            tier_cache_write_1h REAL,
            tier_cache_read REAL,
            fast_multiplier REAL NOT NULL,
            batch_multiplier REAL NOT NULL,
            is_current INTEGER NOT NULL DEFAULT 1
        ) STRICT;

        CREATE TABLE limits (
            scope TEXT NOT NULL,
            name TEXT NOT NULL,
            period TEXT NOT NULL,
            limit_usd REAL NOT NULL,
            time_zone TEXT,
            PRIMARY KEY (scope, name, period)
        ) STRICT, WITHOUT ROWID;
        """
}
