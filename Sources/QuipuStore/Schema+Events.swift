/// What versions 6 and 7 add to events and sessions.
extension Schema {
    /// A call's key begins with its session's id (it was a hash of it), and every event of a
    /// session has one: so the index that joins halves also finds a session's events. Errors can be
    /// counted by tool and category from their index alone.
    static let eventChanges = """
        ALTER TABLE events ADD COLUMN identity INTEGER;
        ALTER TABLE events ADD COLUMN access INTEGER;
        ALTER TABLE events ADD COLUMN error_category INTEGER;
        DROP INDEX events_by_call;
        UPDATE events
        SET call_key = \(CallKey.sql(session: "session", low: "ifnull(call_key, 0)"))
        WHERE session IS NOT NULL OR call_key IS NOT NULL;
        CREATE INDEX events_by_call ON events (call_key) WHERE call_key IS NOT NULL;
        CREATE INDEX events_by_identity ON events (identity) WHERE identity IS NOT NULL;
        """

    /// After the categories of errors are filled in.
    static let errorIndex = """
        DROP INDEX errors_by_time;
        CREATE INDEX errors_by_time ON events (time, kind, name, error_category) WHERE status = 2;
        """

    /// As of version 7. `name` and `category` are 0 for none, since a key has no NULL.
    static let errorRollups = """
        CREATE TABLE error_rollups (
            width INTEGER NOT NULL,
            start INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            name INTEGER NOT NULL,
            category INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (width, start, kind, name, category)
        ) STRICT, WITHOUT ROWID;
        """
        + EventRollup.widths.map { width in
            let scale = width * 1_000_000
            return """
                INSERT INTO error_rollups
                SELECT \(width), (time - (time % \(scale) + \(scale)) % \(scale)) / 1000000, kind,
                    ifnull(name, 0), ifnull(error_category, 0), count(*)
                FROM events INDEXED BY errors_by_time WHERE status = 2 GROUP BY 2, 3, 4, 5;
                """
        }.joined()

    /// `first` and `last` bound all of a session's events; `started` and `last_activity` are of
    /// times that lines told, if any did (`timed`).
    static let sessionChanges = """
        ALTER TABLE sessions ADD COLUMN context INTEGER;
        ALTER TABLE sessions ADD COLUMN parent INTEGER;
        ALTER TABLE sessions ADD COLUMN title TEXT;
        ALTER TABLE sessions ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN timed INTEGER NOT NULL DEFAULT 1;
        UPDATE sessions SET first = started, last = last_activity;
        CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;

        CREATE TABLE session_agents (
            session INTEGER NOT NULL,
            agent INTEGER NOT NULL,
            started INTEGER NOT NULL,
            last_activity INTEGER NOT NULL,
            events INTEGER NOT NULL,
            tool_calls INTEGER NOT NULL,
            errors INTEGER NOT NULL,
            PRIMARY KEY (session, agent)
        ) STRICT, WITHOUT ROWID;
        """

    /// `session` is 0 for none, since a key has no NULL.
    static let fileTable = """
        CREATE TABLE file_touches (
            path INTEGER NOT NULL,
            session INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            reads INTEGER NOT NULL,
            writes INTEGER NOT NULL,
            edits INTEGER NOT NULL,
            PRIMARY KEY (session, path)
        ) STRICT, WITHOUT ROWID;
        """
}
