public import QuipuModel

extension SQLiteStore {
    /// Tool calls by tool, most used first unless asked otherwise.
    public func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics> {
        try await read { context in
            let cursor = try query.page.cursor.map {
                try PageCursor($0, list: "t", numbers: 2, texts: 1)
            }
            let isToolCall = Filter(path: "kind", test: .oneOf([.string("tool_use")]))
            let filters = [isToolCall] + query.filters
            var tools: [Int64?: Tool] = [:]
            var ranges = [query.range]
            if var rollups = try EventRollupScan(context, query.range, filters) {
                while let rollup = try rollups.next() {
                    tools[rollup.name, default: Tool()].add(rollup)
                }
                ranges = rollups.edges
            }
            for range in ranges {
                var scan = try EventScan(
                    context, range, filters, withAttributes: false, order: .any)
                while let row = try scan.next() { tools[row.name, default: Tool()].add(row) }
            }
            try Self.addCategories(query.range, filters, to: &tools, context)
            guard tools.count <= Limits.groupsPerReplyMax else {
                throw StoreError.tooLarge(hint: "more than \(Limits.groupsPerReplyMax) tools")
            }
            let listed = try tools.map { name, tool in
                try tool.statistics(name: context.text(name) ?? "unknown")
            }
            .map { (rank: $0.rank(query.order), tool: $0) }
            .sorted { $0.rank < $1.rank }
            let rest = listed.drop { row in
                cursor.map { row.rank <= ($0.numbers[0], $0.numbers[1], $0.texts[0]) } ?? false
            }
            let shown = rest.prefix(query.page.rowsMax)
            let next = rest.count > shown.count ? shown.last?.rank : nil
            return Page(
                rows: shown.map(\.tool),
                nextCursor: next.map {
                    PageCursor(list: "t", numbers: [$0.0, $0.1], texts: [$0.2]).text
                })
        }
    }

    /// Rollups know no categories; the index over errors does.
    private static func addCategories(
        _ range: TimeRange, _ filters: [Filter], to tools: inout [Int64?: Tool],
        _ context: ReadContext
    ) throws {
        guard tools.values.contains(where: { $0.counts.errors > 0 }) else { return }
        let isError = Filter(path: "status", test: .oneOf([.string("error")]))
        var scan = try ErrorScan(context, range, filters + [isError])
        while let (name, category) = try scan.next() {
            tools[name]?.errorsByCategory[category, default: 0] += 1
        }
    }

    private struct Tool {
        var counts = OutcomeCounts()
        var durations = Durations()
        var lastUsed = Timestamp(microseconds: .min)
        var errorsByCategory: [ErrorCategory: Int] = [:]

        mutating func add(_ row: EventRow) {
            counts.add(row.status)
            if let duration = row.durationMs { durations.add(duration) }
            lastUsed = max(lastUsed, row.time)
        }

        mutating func add(_ rollup: EventRollupRow) {
            counts.add(rollup.status, count: rollup.count)
            durations.add(rollup)
            lastUsed = max(lastUsed, rollup.last)
        }

        func statistics(name: String) -> ToolStatistics {
            ToolStatistics(
                name: name, counts: counts, duration: durations.summary, lastUsed: lastUsed,
                errorsByCategory: errorsByCategory)
        }
    }
}

/// Errors' names and categories: from the index over errors alone where the filters allow it.
private struct ErrorScan {
    private enum Rows {
        case index(EventIndexRows)
        case scan(EventScan)
    }

    private var rows: Rows

    init(_ context: ReadContext, _ range: TimeRange, _ filters: [Filter]) throws {
        let inIndex: Set<String> = ["kind", "name", "status", "error_category"]
        rows =
            filters.allSatisfy { inIndex.contains($0.path) }
            ? .index(try EventIndexRows(context, range, filters))
            : .scan(
                try EventScan(context, range, filters, withAttributes: false, order: .any))
    }

    mutating func next() throws -> (name: Int64?, category: ErrorCategory)? {
        switch rows {
        case .index(var index):
            defer { rows = .index(index) }
            return try index.next()
        case .scan(var scan):
            defer { rows = .scan(scan) }
            return try scan.next().map { ($0.name, $0.errorCategory ?? .unknown) }
        }
    }
}

/// The entries of `errors_by_time`, without their rows.
private struct EventIndexRows {
    private let statement: RawStatement
    private let context: ReadContext
    private let filters: [Filter]
    private var verdicts: [Key: Bool] = [:]

    private struct Key: Hashable {
        var kind: Int64
        var name: Int64?
        var category: ErrorCategory
    }

    init(_ context: ReadContext, _ range: TimeRange, _ filters: [Filter]) throws {
        self.context = context
        self.filters = filters
        for filter in filters { try filter.test.check(path: filter.path) }
        statement = try context.prepare(
            """
            SELECT kind, name, error_category FROM events INDEXED BY errors_by_time
            WHERE status = \(EventStatus.error.rawValue) AND time >= ?1 AND time < ?2
            """)
        statement.bind(1, range.since.microseconds)
        statement.bind(2, range.until.microseconds)
    }

    mutating func next() throws -> (name: Int64?, category: ErrorCategory)? {
        while try statement.step() {
            let name = statement.optionalInt(1)
            let category = ErrorCategory(stored: statement.optionalInt(2)) ?? .unknown
            let key = Key(kind: statement.int(0), name: name, category: category)
            if let verdict = verdicts[key] {
                if verdict { return (name, category) }
                continue
            }
            let verdict = try filters.allSatisfy { filter in
                let value: Scalar =
                    switch filter.path {
                    case "kind": .string(try context.text(statement.int(0)))
                    case "name": try context.text(name).map(Scalar.string) ?? .null
                    case "status": .string("error")
                    default: .string(category.word)
                    }
                return filter.test.matches(value)
            }
            verdicts[key] = verdict
            if verdict { return (name, category) }
        }
        return nil
    }
}

extension ToolStatistics {
    fileprivate func rank(_ order: ToolQuery.Order) -> (Int64, Int64, String) {
        let calls = -Int64(counts.count)
        switch order {
        case .calls: return (calls, 0, name)
        case .errors: return (-Int64(counts.errors), calls, name)
        case .slowest:
            // To the microsecond; tools without durations come last.
            let p90 = duration.map { Int64(exactly: ($0.p90 * 1_000).rounded()) ?? .max }
            return (-(p90 ?? -1), calls, name)
        }
    }
}
