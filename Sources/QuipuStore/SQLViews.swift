import QuipuModel

/// What a `sql` question may read, apart from the tables behind it: names and columns stay when
/// tables change. `docs/sql.md` describes them.
///
/// `time` is text for people; `time_us` is the column that an index knows: filter by that one.
///
/// Each view has another one behind it, whose name begins with a secret: SQLite tells an authorizer
/// by name which view a table is read for, and a user can call a subquery whatever he likes.
enum SQLViews {
    static let names = [
        "events", "sessions", "tasks", "tools", "tools_hourly", "series", "metrics_10s",
        "metrics_1m", "metrics_1h", "metrics_1d", "ledger", "files",
    ]

    static func definitions(secret: String) -> String {
        bodies.replacing("CREATE TEMP VIEW ", with: "CREATE TEMP VIEW \(secret)")
            + names.map { "CREATE TEMP VIEW \($0) AS SELECT * FROM temp.\(secret)\($0);" }
            .joined()
    }

    /// The tables that these read.
    static let tables: Set<String> = [
        "events", "strings", "sources", "sessions", "tasks", "event_rollups", "series",
        "ledger_rejected", "ledger_lost", "open_rollups", "rollup_blocks", "contexts",
        "file_touches",
    ]

    private static let bodies = """
        CREATE TEMP VIEW events AS
        SELECT e.id AS seq, \(text(of: "e.time")) AS time, e.time AS time_us,
            kinds.text AS kind, names.text AS name, \(status(of: "e.status")) AS status,
            e.duration_us / 1000.0 AS duration_ms, session_names.text AS session,
            task_names.text AS task, agent_names.text AS agent, e.error AS error,
            sources.path AS source_path, e.offset AS source_offset,
            e.tool_use_id AS tool_use_id, e.attributes AS attributes,
            \(category(of: "e.error_category")) AS error_category, \(contextColumns)
        FROM main.events AS e
        JOIN main.strings AS kinds ON kinds.id = e.kind
        LEFT JOIN main.strings AS names ON names.id = e.name
        LEFT JOIN main.strings AS session_names ON session_names.id = e.session
        LEFT JOIN main.strings AS task_names ON task_names.id = e.task
        LEFT JOIN main.strings AS agent_names ON agent_names.id = e.agent
        LEFT JOIN main.sources AS sources ON sources.id = e.source
        \(contextJoins(of: "e.context"));

        CREATE TEMP VIEW sessions AS
        SELECT names.text AS session, \(text(of: "s.started")) AS started,
            s.started AS started_us, \(text(of: "s.last_activity")) AS last_activity,
            s.last_activity AS last_activity_us, s.events AS events, s.tool_calls AS tool_calls,
            s.errors AS errors, s.blocked AS blocked, s.title AS title, \(contextColumns)
        FROM main.sessions AS s JOIN main.strings AS names ON names.id = s.session
        \(contextJoins(of: "s.context"));

        CREATE TEMP VIEW files AS
        SELECT paths.text AS path, session_names.text AS session, f.reads AS reads,
            f.writes AS writes, f.edits AS edits, \(text(of: "f.first")) AS first_seen,
            f.first AS first_seen_us, \(text(of: "f.last")) AS last_seen, f.last AS last_seen_us
        FROM main.file_touches AS f JOIN main.strings AS paths ON paths.id = f.path
        LEFT JOIN main.strings AS session_names ON session_names.id = f.session;

        CREATE TEMP VIEW tasks AS
        SELECT names.text AS task, \(taskStatus(of: "t.status")) AS status,
            \(text(of: "t.created")) AS created, t.created AS created_us,
            \(text(of: "t.updated")) AS updated, t.updated AS updated_us,
            \(text(of: "t.started")) AS started, \(text(of: "t.ended")) AS ended, \(taskTexts)
        FROM main.tasks AS t JOIN main.strings AS names ON names.id = t.task;

        CREATE TEMP VIEW tools AS
        \(tools(columns: "", grouping: "r.name", width: 86_400));

        CREATE TEMP VIEW tools_hourly AS
        \(tools(columns: hour, grouping: "r.start, r.name", width: 3_600));

        CREATE TEMP VIEW series AS
        SELECT s.id AS id, s.name AS name, \(type(of: "s.type")) AS type, s.tags AS tags,
            hosts.text AS host, \(text(of: "s.first")) AS first, \(text(of: "s.last")) AS last,
            s.samples AS samples, s.value AS value
        FROM main.series AS s LEFT JOIN main.strings AS hosts ON hosts.id = s.host;

        \(MetricTier.allCases.map(metrics).joined(separator: "\n"))

        CREATE TEMP VIEW ledger AS
        SELECT s.path AS path, s.kind AS kind, s.incarnation AS incarnation,
            s.position AS position, s.size AS size, s.received AS received, s.stored AS stored,
            s.merged AS merged, s.blank AS blank,
            (SELECT CAST(total(count) AS INTEGER) FROM main.ledger_rejected WHERE source = s.id)
                AS rejected,
            (SELECT CAST(total(count) AS INTEGER) FROM main.ledger_lost WHERE source = s.id)
                AS lost,
            s.finished AS finished
        FROM main.sources AS s;
        """

    /// RFC 3339 with milliseconds.
    private static func text(of microseconds: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%fZ', \(microseconds) / 1000000.0, 'unixepoch')"
    }

    private static let contextColumns = ContextColumn.allCases
        .map { "in_\($0.rawValue).text AS \($0.rawValue)" }.joined(separator: ", ")

    private static func contextJoins(of column: String) -> String {
        "LEFT JOIN main.contexts AS c ON c.id = \(column)\n"
            + ContextColumn.allCases.map {
                "LEFT JOIN main.strings AS in_\($0.rawValue) ON in_\($0.rawValue).id = c.\($0.rawValue)"
            }.joined(separator: "\n")
    }

    private static func category(of column: String) -> String {
        choice(column, ErrorCategory.allCases.map { (Int($0.rawValue), $0.word) })
    }

    private static func status(of column: String) -> String {
        choice(column, EventStatus.allCases.map { (Int($0.rawValue), $0.word) })
    }

    private static func taskStatus(of column: String) -> String {
        choice(column, TaskStatus.allCases.map { (Int($0.rawValue), $0.word) })
    }

    private static let taskTexts = TaskField.allCases
        .map { "t.\($0.word) AS \($0.word)" }.joined(separator: ", ")

    private static func type(of column: String) -> String {
        choice(column, MetricType.allCases.map { (Int($0.rawValue), $0.word) })
    }

    private static func choice(_ column: String, _ words: [(Int, String?)]) -> String {
        let cases = words.compactMap { value, word in word.map { "WHEN \(value) THEN '\($0)'" } }
        return "CASE \(column) \(cases.joined(separator: " ")) END"
    }

    /// What is packed, and what is not yet. Series come first in both parts, so that a filter by
    /// name reads the blocks of these alone; hence the grouping by all of their columns.
    private static func metrics(_ tier: MetricTier) -> String {
        let columns = ["count", "sum", "min", "max", "last"]
        let unpacked = columns.enumerated().map { "p.value ->> \($0 + 1) AS \($1)" }
        let series = "s.id AS series, s.name AS name, s.type AS type, s.tags AS tags"
        return """
            CREATE TEMP VIEW metrics_\(tier.word) AS
            SELECT \(text(of: "bucket * 1000000")) AS time, bucket * 1000000 AS time_us, series,
                name, \(self.type(of: "type")) AS type, tags, count, sum,
                sum / nullif(count, 0) AS avg, min, max, last
            FROM (
                SELECT \(series), p.value ->> 0 AS bucket, \(unpacked.joined(separator: ", "))
                FROM main.series AS s CROSS JOIN main.rollup_blocks AS b,
                    json_each(\(SQLFunctions.points)(b.data, b.start, b.tier)) AS p
                WHERE b.series = s.id AND b.tier = \(tier.seconds)
                UNION ALL
                SELECT \(series), o.bucket - mod(o.bucket, \(tier.seconds)) AS bucket,
                    ifnull(\(SQLFunctions.distinct)(o.members), sum(o.count)), sum(o.sum),
                    min(o.min), max(o.max),
                    \(SQLFunctions.latest)(o.last, o.last_time)
                FROM main.series AS s CROSS JOIN main.open_rollups AS o
                WHERE o.series = s.id
                GROUP BY s.id, s.name, s.type, s.tags, o.bucket - mod(o.bucket, \(tier.seconds))
            );
            """
    }

    private static let hour =
        "\(text(of: "r.start * 1000000")) AS hour, r.start * 1000000 AS hour_us, "

    private static func tools(columns: String, grouping: String, width: Int) -> String {
        func count(_ status: EventStatus) -> String {
            "sum(r.count) FILTER (WHERE r.status = \(status.rawValue))"
        }
        return """
            SELECT \(columns)names.text AS name, sum(r.count) AS count,
                ifnull(\(count(.ok)), 0) AS ok, ifnull(\(count(.error)), 0) AS errors,
                ifnull(\(count(.blocked)), 0) AS blocked,
                ifnull(\(count(.running)), 0) AS running,
                min(r.min_us) FILTER (WHERE r.timed > 0) / 1000.0 AS min_ms,
                sum(r.sum_us) / nullif(sum(r.timed), 0) / 1000.0 AS avg_ms,
                max(r.max_us) FILTER (WHERE r.timed > 0) / 1000.0 AS max_ms,
                \(text(of: "max(r.last)")) AS last_used
            FROM main.event_rollups AS r LEFT JOIN main.strings AS names ON names.id = r.name
            WHERE r.width = \(width)
                AND r.kind = (SELECT id FROM main.strings WHERE text = 'tool_use')
            GROUP BY \(grouping)
            """
    }
}
