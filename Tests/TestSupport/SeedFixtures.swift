import Foundation

/// Databases and files as the dashboards that Quipu replaces wrote them, made anew for each test.
public enum SeedFixtures {
    /// The tables of a schema version.
    public static func schema(_ version: Int) -> String {
        func since(_ first: Int, _ column: String) -> String {
            version >= first ? ", " + column : ""
        }
        return """
            CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT);
            INSERT INTO schema_version VALUES (\(version), '2025-10-18T12:00:00');
            CREATE TABLE tasks (
                task_id TEXT PRIMARY KEY, user_id INTEGER, description TEXT, status TEXT,
                created_at TEXT, updated_at TEXT, model TEXT, workspace TEXT,
                agent_type TEXT DEFAULT 'code_agent', result TEXT, error TEXT, pid INTEGER,
                activity_log TEXT\(since(3, "workflow TEXT"))\(since(4, "context TEXT"))
                \(since(9, "session_uuid TEXT"))
                \(since(11, "current_phase TEXT, phase_number INTEGER DEFAULT 0"))
                \(since(14, "last_agent_type TEXT")));
            CREATE TABLE tool_usage (
                id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, task_id TEXT,
                tool_name TEXT, duration_ms REAL, success BOOLEAN, error TEXT, parameters TEXT
                \(since(5, "error_category TEXT"))\(since(6, "screenshot_path TEXT"))
                \(since(10, "input_tokens INTEGER, output_tokens INTEGER"))
                \(since(10, "cache_creation_tokens INTEGER, cache_read_tokens INTEGER")));
            CREATE TABLE agent_status (
                id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, task_id TEXT, status TEXT,
                message TEXT, metadata TEXT);
            """
                + (version >= 7
                    ? """
                    CREATE TABLE files (
                        file_path TEXT PRIMARY KEY, first_seen TEXT, last_accessed TEXT,
                        access_count INTEGER, task_ids TEXT, operations TEXT, file_size INTEGER,
                        file_hash TEXT);
                    """ : "")
                + (version >= 8
                    ? """
                    CREATE TABLE users (user_id TEXT PRIMARY KEY, username TEXT);
                    INSERT INTO users VALUES ('1', 'ada');
                    """ : "")
    }

    /// Calls with their minute past 10:00 as their number; the fourth of each ten is still running,
    /// the eighth failed.
    public static func calls(_ numbers: Range<Int>) -> String {
        numbers.map { number in
            let minute = (number < 10 ? "0" : "") + "\(number)"
            let success = number % 10 == 3 ? "NULL" : number % 10 == 7 ? "0" : "1"
            let error = number % 10 == 7 ? "'File not found'" : "NULL"
            let task = number % 2 == 0 ? "t-1" : "cli-7"
            return """
                INSERT INTO tool_usage
                    (timestamp, task_id, tool_name, duration_ms, success, error, parameters)
                VALUES ('2026-11-10T10:\(minute):00.000250', '\(task)', 'Read', 12.5, \(success),
                    \(error), '{"file_path":"/srv/a\(number % 4).py"}');
                """
        }.joined(separator: "\n")
    }

    public static let task = """
        INSERT INTO tasks
            (task_id, user_id, description, status, created_at, updated_at, model, workspace,
            result, activity_log)
        VALUES ('t-1', 1, 'Fix it', 'completed', '2026-11-10T09:59:00', '2026-11-10T11:00:00',
            'sonnet', '/srv', 'fixed',
            '[{"timestamp":"2026-11-10T10:00:00","message":"started"}]');
        """

    public static let statuses = """
        INSERT INTO agent_status (timestamp, task_id, status, message)
        VALUES ('2026-11-10T10:00:00', 't-1', 'started', 'begins'),
            ('2026-11-10T10:00:00', 't-1', 'tool_call', 'reads'),
            ('2026-11-10T10:00:00', 't-1', 'tool_call', 'reads'),
            ('2026-11-10T11:00:00', 't-1', 'completed', 'done');
        """

    /// The last `kept` of `count` requests of a user, who paid a thousandth of a dollar for each.
    public static func usage(count: Int, kept: Int) -> String {
        let records = (max(0, count - kept)..<count).map { number -> String in
            let minute = (number / 60 % 60, number % 60)
            func two(_ value: Int) -> String { (value < 10 ? "0" : "") + "\(value)" }
            return """
                {"timestamp":"2026-11-10T\(two(8 + number / 3_600)):\(two(minute.0)):\(two(minute.1)).5",\
                "model":"haiku","input_tokens":100,"output_tokens":\(number),"cost":0.001,\
                "request_type":"chat"}
                """
        }
        let total = Double(count) / 1_000
        return """
            {"4711":{"user_id":4711,"total_requests":\(count),"total_cost":\(total),
            "daily_cost":\(total),"monthly_cost":\(total),
            "records":[\(records.joined(separator: ",\n"))],
            "limits":{"daily":100.0,"monthly":1000.0},"last_reset":"2026-11-10T00:00:00"}}
            """
    }
}
