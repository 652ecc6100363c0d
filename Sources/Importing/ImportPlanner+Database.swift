import QuipuModel
import QuipuProtocol

extension ImportPlanner {
    /// The newest version that was seen; a newer one may mean other things by the same names.
    static let schemaVersionMax: Int64 = 14

    mutating func addDatabase(_ path: String, isNamed: Bool) {
        do throws(SeedDatabase.Failure) {
            let database = try SeedDatabase(path: path)
            let tables = Set(try database.tables())
            // Ours says so in its header; another application's tables say nothing to us.
            if tables.isSuperset(of: ["sources", "strings", "events"]) {
                return refuse(
                    path, "is a database of Quipu itself; to put it in place: quipu restore")
            }
            let known = tables.intersection([
                "tasks", "tool_usage", "agent_status", "files", "cost_tracking", "user_limits",
            ])
            guard !known.isEmpty else {
                if isNamed { return refuse(path, "has none of the tables that are known") }
                return
            }
            if tables.contains("schema_version") {
                let versions = try database.rows(of: "schema_version")
                let version = versions.compactMap { $0["version"]?.int }.max() ?? 0
                if version > ImportPlanner.schemaVersionMax {
                    return refuse(
                        path,
                        "has schema \(version); the newest that is known is "
                            + "\(ImportPlanner.schemaVersionMax)")
                }
            }
            try addTables(of: database, known, others: tables.subtracting(known))
        } catch {
            refuse(path, error.reason)
        }
    }

    private mutating func addTables(
        of database: SeedDatabase, _ known: Set<String>, others: Set<String>
    ) throws(SeedDatabase.Failure) {
        func rows(_ table: String, _ id: String) throws(SeedDatabase.Failure) -> [Labelled] {
            guard known.contains(table) else { return [] }
            return try database.rows(of: table).enumerated().map { index, row in
                Labelled(row[id]?.string ?? row[id]?.int.map(String.init) ?? "#\(index + 1)", row)
            }
        }
        let tasks = try rows("tasks", "task_id")
        let calls = try rows("tool_usage", "id")
        let statuses = try rows("agent_status", "id")
        let files = try rows("files", "file_path")
        let costs = try rows("cost_tracking", "id")
        let limits = try rows("user_limits", "user_id")
        var notes: [String] = []
        for table in others.sorted() where table != "schema_version" {
            let count = try database.count(table)
            guard count > 0 else { continue }
            notes.append(
                "table \(table): its \(Plural.of(count, "row", "is", "are")) not read")
        }
        try database.verifyUnchanged()
        let path = database.path
        let first = plan.tables.count
        if known.contains("tasks") { addTasks(path, tasks) }
        if known.contains("tool_usage") { addCalls(path, calls, tasks) }
        if known.contains("agent_status") {
            add("agent_status", .agentStatus, path, statuses) { row, ids throws(Refusal) in
                [try RowTranslation.status(row, &ids)]
            }
        }
        if known.contains("files") { addFiles(path, files, calls) }
        if known.contains("cost_tracking") {
            add("cost_tracking", .usage, path, costs) { row, ids throws(Refusal) in
                [try RowTranslation.usage(row, user: try row.required("user_id"), &ids)]
            }
        }
        for limit in limits {
            guard let user = limit.row["user_id"]?.int.map(String.init) else { continue }
            for (column, period) in [("daily_limit", "day"), ("monthly_limit", "month")] {
                guard let amount = limit.row[column]?.double, amount > 0 else { continue }
                append([ImportedLimit(user: user, period: period, limitUSD: amount)])
            }
        }
        tell(notes, of: path, from: first)
    }

    /// With the database's first table, whichever that is; where only limits were read, there is
    /// none.
    private mutating func tell(_ notes: [String], of path: String, from first: Int) {
        guard !notes.isEmpty else { return }
        if plan.tables.count == first { append(ImportedTable(.database, path: path)) }
        annotate(table: first, notes)
    }

    /// A row and what it is called.
    private struct Labelled {
        var label: String
        var row: JSON

        init(_ label: String, _ row: JSON) {
            self.label = label
            self.row = row
        }
    }

    private mutating func add(
        _ name: String, _ kind: OriginalKind, _ path: String, _ rows: [Labelled],
        notes: [String] = [],
        _ translate: (RowReader, inout RowIdentities) throws(Refusal) -> [TranslatedRow]
    ) {
        var table = builder.table(
            kind, path: path + "#" + name, rows: rows.map { ($0.label, $0.row) }, translate)
        table.notes += notes
        append(table)
    }

    private mutating func addTasks(_ path: String, _ tasks: [Labelled]) {
        add("tasks", .tasks, path, tasks) { row, ids throws(Refusal) in
            try RowTranslation.task(row, key: nil, &ids)
        }
    }

    private mutating func addCalls(_ path: String, _ calls: [Labelled], _ tasks: [Labelled]) {
        var sessions: RowTranslation.Sessions = [:]
        for task in tasks {
            guard let id = task.row["task_id"]?.string else { continue }
            sessions[id] = .some(task.row["session_uuid"]?.string)
        }
        add("tool_usage", .toolUsage, path, calls) { row, ids throws(Refusal) in
            [try RowTranslation.toolCall(row, &ids, tasks: sessions)]
        }
    }

    /// The table counts how often files were used. Where the calls tell of less, it is said: calls
    /// that nobody logged are not made up.
    private mutating func addFiles(_ path: String, _ files: [Labelled], _ calls: [Labelled]) {
        var told: [String: Int64] = [:]
        for call in calls {
            guard let parameters = call.row["parameters"]?.string,
                let input = try? JSON.parse(parameters.utf8, nestingMax: RowReader.nestingMax),
                let file = input["file_path"]?.string ?? input["path"]?.string
            else { continue }
            told[file, default: 0] += 1
        }
        var unexplained: Int64 = 0
        var examples: [String] = []
        for file in files {
            guard let name = file.row["file_path"]?.string,
                let count = file.row["access_count"]?.int, count >= 0
            else { continue }
            let more = count - told[name, default: 0]
            guard more > 0 else { continue }
            unexplained = unexplained.addingClamped(more)
            if examples.count < 3 { examples.append("\(name) (\(more))") }
        }
        var notes: [String] = []
        if unexplained > 0 {
            notes.append(
                "\(Plural.of(unexplained, "use")) of files \(Plural.word(unexplained, "is", "are")) "
                    + "counted here and in no row of tool_usage; that stays a count: "
                    + "\(examples.joined(separator: ", "))"
            )
        }
        add("files", .database, path, files, notes: notes) { row, ids throws(Refusal) in
            [try RowTranslation.file(row, &ids)]
        }
    }
}
