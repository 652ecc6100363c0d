/// Tasks and documents, as of version 6.
extension Schema {
    /// `scope` is the session whose own numbering the id is of; 0 for none, since UNIQUE tells no
    /// NULLs apart. `stamps` says for each text, and for the status, when it was said.
    static let taskTables = """
        CREATE TABLE tasks (
            id INTEGER PRIMARY KEY,
            task INTEGER NOT NULL,
            scope INTEGER NOT NULL,
            status INTEGER NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            started INTEGER,
            ended INTEGER,
            name TEXT,
            description TEXT,
            user TEXT,
            session TEXT,
            model TEXT,
            workspace TEXT,
            agent_type TEXT,
            phase TEXT,
            phase_number TEXT,
            result TEXT,
            error TEXT,
            message TEXT,
            stamps BLOB NOT NULL,
            UNIQUE (task, scope)
        ) STRICT;
        CREATE INDEX tasks_by_update ON tasks (updated);
        CREATE INDEX events_by_task ON events (task, time) WHERE task IS NOT NULL;
        UPDATE events SET flags = flags | \(EventFlags.isTaskActivity.rawValue) WHERE kind IN (
            SELECT id FROM strings WHERE text IN ('task', 'agent_status'));
        CREATE INDEX task_activity_by_time ON events (time)
        WHERE flags & \(EventFlags.isTaskActivity.rawValue) != 0;
        """

    /// `body` is compressed where it is shorter than `size_bytes`.
    static let documentTables = """
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            kind TEXT,
            title TEXT,
            task TEXT,
            session TEXT,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            version INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE INDEX documents_by_update ON documents (updated);
        CREATE INDEX documents_by_task ON documents (task, updated) WHERE task IS NOT NULL;
        CREATE VIRTUAL TABLE document_texts USING fts5(
            title, body, tokenize = 'unicode61 remove_diacritics 2');
        """
}
