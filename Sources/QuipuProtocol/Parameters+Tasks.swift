public import QuipuModel

extension Parameters {
    private static let statusWords = TaskStatus.allCases.map(\.word)

    /// `tasks.list`.
    public mutating func taskQuery() throws(RPCError) -> TaskQuery {
        let word = try string("status") ?? "all"
        let status = TaskStatus(word: word)
        guard status != nil || word == "all" else {
            throw .invalid("status", Parameters.oneOf(Parameters.statusWords + ["all"]))
        }
        let range = try timeRange()
        let filters = try filters(statuses: Parameters.statusWords)
        let page = try page()
        try finish()
        return TaskQuery(range: range, status: status, filters: filters, page: page)
    }

    /// `tasks.get`.
    public mutating func taskDetailQuery() throws(RPCError) -> TaskDetailQuery {
        let task = try requiredString("task")
        let session = try string("session")
        let limit = try int("limit", in: 1...Int64(Limits.rowsPerReplyMax))
        try finish()
        return TaskDetailQuery(
            task: task, session: session,
            limit: limit.map { Int($0) } ?? Limits.rowsPerReplyDefault)
    }

    /// `tasks.activity`.
    public mutating func activityQuery() throws(RPCError) -> ActivityQuery {
        let task = try string("task")
        let range = try timeRange()
        let page = try page()
        try finish()
        return ActivityQuery(range: range, task: task, page: page)
    }

    /// `tasks.put`: the line that would say the same.
    public mutating func taskLine() throws(RPCError) -> JSON {
        let task = try text("task", bytesMax: Limits.columnBytesMax)
        guard let task else { throw .invalid("task", "missing") }
        var line = [JSON.Member("event", "task"), JSON.Member("task", .string(task))]
        if let word = try string("status") {
            guard TaskStatus(word: word) != nil else {
                throw .invalid("status", Parameters.oneOf(Parameters.statusWords))
            }
            line.append(JSON.Member("status", .string(word)))
        }
        for field in TaskField.allCases {
            let value: JSON? =
                switch field {
                case .phaseNumber: try int(field.word, in: 0...Int64.max).map(JSON.int)
                default:
                    try text(field.word, bytesMax: Limits.taskTextBytesMax).map(JSON.string)
                }
            if let value { line.append(JSON.Member(field.word, value)) }
        }
        let time = try time("time") ?? now
        try finish()
        line.append(JSON.Member("time", .string(time.rfc3339)))
        return .object(line)
    }

    /// Text that is not empty and has its own bound.
    mutating func text(_ name: String, bytesMax: Int) throws(RPCError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else {
            throw .invalid(name, "a string, not \(Parameters.describe(value))")
        }
        guard !text.isEmpty else { throw .invalid(name, "must not be empty") }
        guard text.utf8.count <= bytesMax else {
            throw RPCError(.limitExceeded, path: name, hint: "at most \(bytesMax) bytes")
        }
        return text
    }

    /// `overview`.
    public mutating func overviewRange() throws(RPCError) -> TimeRange {
        let range = try timeRange()
        try finish()
        return range
    }
}
