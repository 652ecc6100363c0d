import GRDB

/// Under which host each machine's rows are: the name that it had when the database first met it. A
/// machine that was renamed is the same one still.
enum Machines {
    static let table = """
        CREATE TABLE machines (
            id TEXT PRIMARY KEY,
            host TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    static func host(of id: String, named name: String, _ db: Database) throws -> String {
        let find = "SELECT host FROM machines WHERE id = ?"
        if let host = try String.fetchOne(db, sql: find, arguments: [id]) { return host }
        try db.execute(sql: "INSERT INTO machines VALUES (?, ?)", arguments: [id, name])
        return name
    }
}
