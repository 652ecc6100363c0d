public import QuipuModel

/// The row of `tasks` that a question stands on.
struct TaskRow {
    static let columns = """
        id, task, status, created, updated, started, ended, \(TaskWriter.textColumns)
        """
    private static let firstText: Int32 = 7

    let row: RawStatement

    var id: Int64 { row.int(0) }
    var updated: Int64 { row.int(4) }
    var status: TaskStatus { TaskStatus(rawValue: UInt8(clamping: row.int(2))) ?? .pending }

    func summary(_ context: ReadContext) throws -> TaskSummary {
        func time(_ column: Int32) -> Timestamp? {
            row.optionalInt(column).map { Timestamp(microseconds: $0) }
        }
        var texts: [TaskField: String] = [:]
        for field in TaskField.allCases { texts[field] = text(field) }
        return TaskSummary(
            id: id, task: try context.text(row.int(1)), status: status,
            created: Timestamp(microseconds: row.int(3)),
            updated: Timestamp(microseconds: updated), started: time(5), ended: time(6),
            texts: texts)
    }

    private func text(_ field: TaskField) -> String? {
        row.string(Self.firstText + Int32(field.rawValue))
    }

    /// What a filter tests.
    func value(_ path: String, _ context: ReadContext) throws -> Scalar {
        switch path {
        case "task": return .string(try context.text(row.int(1)))
        case "status": return .string(status.word)
        default:
            guard let field = TaskField.allCases.first(where: { $0.word == path }),
                let text = text(field)
            else { return .null }
            return field == .phaseNumber ? TaskRow.number(text) : .string(text)
        }
    }

    /// Phases are counted; what is no number stays as it was said.
    static func number(_ text: String) -> Scalar {
        Int64(text).map(Scalar.int) ?? Double(text).map(Scalar.double) ?? .string(text)
    }

    static let paths = ["task", "status"] + TaskField.allCases.map(\.word)
}

extension SQLiteStore {
    /// Tasks that changed in the range, the newest change first.
    public func tasks(_ query: TaskQuery) async throws(StoreError) -> TaskPage {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "k", numbers: 2) }
            for filter in query.filters {
                guard TaskRow.paths.contains(filter.path) else {
                    throw StoreError.invalid(
                        path: "where.\(filter.path)",
                        hint: "one of \(TaskRow.paths.joined(separator: ", "))")
                }
                try filter.test.check(path: filter.path)
            }
            let find = try context.prepare(
                """
                SELECT \(TaskRow.columns) FROM tasks WHERE updated >= ?1 AND updated < ?2
                ORDER BY updated DESC, id DESC
                """)
            find.bind(1, query.range.since.microseconds)
            find.bind(2, query.range.until.microseconds)
            let row = TaskRow(row: find)
            var answer = TaskPage(page: Page(rows: []), counts: TaskCounts())
            var bytes = 0
            while try find.step() {
                let passes = try query.filters.allSatisfy {
                    $0.test.matches(try row.value($0.path, context))
                }
                guard passes else { continue }
                answer.counts[row.status] += 1
                let isBefore = cursor.map {
                    [row.updated, row.id].lexicographicallyPrecedes($0.numbers)
                }
                guard isBefore ?? true, answer.page.nextCursor == nil,
                    query.status == nil || query.status == row.status
                else { continue }
                if let last = answer.page.rows.last,
                    answer.page.rows.count == query.page.rowsMax || bytes >= Self.pageAttributeBytes
                {
                    let key = [last.updated.microseconds, last.id]
                    answer.page.nextCursor = PageCursor(list: "k", numbers: key).text
                    continue
                }
                let summary = try row.summary(context)
                bytes += summary.texts.values.reduce(0) { $0 + $1.utf8.count }
                answer.page.rows.append(summary)
            }
            return answer
        }
    }

    /// What happened to tasks, newest first.
    public func activity(
        _ query: ActivityQuery
    ) async throws(StoreError) -> Page<TaskActivity> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "a", numbers: 2) }
            let task = try query.task.map { try context.id(of: $0) ?? 0 }
            let find = try context.prepare(
                """
                SELECT \(EventRow.columns(withAttributes: true)) FROM events
                WHERE flags & \(EventFlags.isTaskActivity.rawValue) != 0
                    AND time >= ?1 AND time < ?2 AND (time, id) < (?3, ?4)
                    \(task == nil ? "" : "AND task = ?5")
                ORDER BY time DESC, id DESC
                """)
            find.bind(1, query.range.since.microseconds)
            find.bind(2, query.range.until.microseconds)
            find.bind(3, cursor?.numbers[0] ?? .max)
            find.bind(4, cursor?.numbers[1] ?? .max)
            if let task { find.bind(5, task) }
            var rows: [TaskActivity] = []
            while try find.step() {
                if rows.count == query.page.rowsMax, let last = rows.last {
                    let key = [last.time.microseconds, last.seq]
                    return Page(rows: rows, nextCursor: PageCursor(list: "a", numbers: key).text)
                }
                rows.append(try EventRow(row: find).activity(context))
            }
            return Page(rows: rows)
        }
    }
}

extension EventRow {
    func activity(_ context: ReadContext) throws -> TaskActivity {
        func said(_ member: String) throws -> String? {
            switch try attribute(JSONPath(member), context) {
            case .string(let text): text
            case .int(let number): "\(number)"
            case .double(let number): "\(number)"
            case .bool, .null: nil
            }
        }
        return TaskActivity(
            seq: seq, time: time, task: try context.text(row.optionalInt(8)),
            kind: try context.text(kind), name: try context.text(name),
            agent: try context.text(row.optionalInt(9)), session: try context.text(session),
            status: try said("status") ?? status.word, message: try said("message"), error: error)
    }
}
