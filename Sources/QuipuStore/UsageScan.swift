import QuipuModel

/// All model calls in a range that pass the filters, in the order of time.
struct UsageScan {
    private static let columns = """
        id, time, session, task, context, model, request_type, input, cache_write_5m, cache_write_1h,
        cache_read, output, cost_usd, stated_usd
        """

    private var filters: [CompiledFilter] = []
    private let statement: RawStatement
    private let context: ReadContext
    private let contexts: ContextReader

    private struct CompiledFilter {
        var column: UsageColumn
        var test: Filter.Test
        /// Verdicts by the column's id.
        var verdicts: [Int64: Bool] = [:]
    }

    init(_ context: ReadContext, _ range: TimeRange, _ filters: [Filter]) throws {
        self.context = context
        contexts = try ContextReader(context.connection)
        for filter in filters {
            try filter.test.check(path: filter.path)
            guard let column = UsageColumn(rawValue: filter.path) else {
                let words = UsageColumn.allCases.map(\.rawValue).joined(separator: ", ")
                throw StoreError.invalid(path: "where.\(filter.path)", hint: "one of \(words)")
            }
            self.filters.append(CompiledFilter(column: column, test: filter.test))
        }
        let session = try Self.onlySession(filters, context)
        let table = session == nil ? "" : "INDEXED BY usage_calls_by_session"
        let condition = session == nil ? "" : "AND session = ?3"
        statement = try context.prepare(
            """
            SELECT \(Self.columns) FROM usage_calls \(table)
            WHERE time >= ?1 AND time < ?2 \(condition) ORDER BY time, id
            """)
        statement.bind(1, range.since.microseconds)
        statement.bind(2, range.until.microseconds)
        if let session { statement.bind(3, session) }
    }

    /// The id of the one session that can pass; -1 where its name stands for nothing.
    private static func onlySession(
        _ filters: [Filter], _ context: ReadContext
    ) throws -> Int64? {
        for filter in filters where filter.path == "session" {
            if let names = filter.test.onlyTexts, names.count == 1 {
                return try context.id(of: names[0]) ?? -1
            }
        }
        return nil
    }

    /// True when it stands on a call.
    mutating func next() throws -> Bool {
        while try statement.step() {
            var passes = true
            for index in filters.indices where passes { passes = try matches(index) }
            if passes { return true }
        }
        return false
    }

    private mutating func matches(_ index: Int) throws -> Bool {
        let filter = filters[index]
        let id = try id(of: filter.column) ?? -1
        if let verdict = filter.verdicts[id] { return verdict }
        let verdict = filter.test.matches(try value(of: filter.column))
        filters[index].verdicts[id] = verdict
        return verdict
    }

    // MARK: The call

    var call: Int64 { statement.int(0) }
    var time: Timestamp { Timestamp(microseconds: statement.int(1)) }
    var session: Int64? { statement.optionalInt(2) }
    var costUSD: Double? { statement.optionalDouble(12) }

    func entry() throws -> UsageEntry {
        UsageEntry(
            time: time, model: try context.text(statement.optionalInt(5)),
            tokens: statement.tokens(7), costUSD: statement.optionalDouble(12),
            statedUSD: statement.optionalDouble(13))
    }

    /// An id that stands for the column's value; a provider's is its model's.
    func id(of column: UsageColumn) throws -> Int64? {
        switch column {
        case .model, .provider: statement.optionalInt(5)
        case .session: statement.optionalInt(2)
        case .task: statement.optionalInt(3)
        case .requestType: statement.optionalInt(6)
        case .user: try contexts.members(of: statement.int(4)).user
        case .project: try contexts.members(of: statement.int(4)).project
        case .agent: try contexts.members(of: statement.int(4)).agentID
        case .branch: try contexts.members(of: statement.int(4)).branch
        }
    }

    func value(of column: UsageColumn) throws -> Scalar {
        guard let text = try context.text(try id(of: column)) else { return .null }
        if column == .provider {
            return ModelName.provider(of: text).map(Scalar.string) ?? .null
        }
        return .string(text)
    }
}
