/// What coding agents leave beside events, as of version 6.
extension Schema {
    /// Where events belong besides their session. 0 for none, since UNIQUE tells no NULLs apart.
    static let contextTables = """
        CREATE TABLE contexts (
            id INTEGER PRIMARY KEY,
            project INTEGER NOT NULL,
            model INTEGER NOT NULL,
            branch INTEGER NOT NULL,
            agent_id INTEGER NOT NULL,
            parent INTEGER NOT NULL,
            user INTEGER NOT NULL,
            UNIQUE (project, model, branch, agent_id, parent, user)
        ) STRICT;
        ALTER TABLE events ADD COLUMN context INTEGER;
        """

    /// Elements of arrays that are rewritten in place.
    static let elementTables = """
        CREATE TABLE elements (
            document INTEGER NOT NULL,
            hash INTEGER NOT NULL,
            count INTEGER NOT NULL,
            pass INTEGER NOT NULL,
            pass_count INTEGER NOT NULL,
            PRIMARY KEY (document, hash)
        ) STRICT, WITHOUT ROWID;
        """

    /// With a rowid a blob may lie on its row's page up to nearly all of it; without, all but a
    /// quarter goes to pages of its own, of which the last is half empty: a third of the file.
    static let rowsOfBlocks = """
        CREATE TABLE blocks (
            id INTEGER PRIMARY KEY,
            series INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            start INTEGER NOT NULL,
            points INTEGER NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (series, tier, start)
        ) STRICT;
        INSERT INTO blocks (series, tier, start, points, data)
        SELECT series, tier, start, points, data FROM rollup_blocks ORDER BY tier, start, series;
        DROP TABLE rollup_blocks;
        ALTER TABLE blocks RENAME TO rollup_blocks;
        """
}
