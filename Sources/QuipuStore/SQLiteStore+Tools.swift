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

    private static func addCategories(
        _ range: TimeRange, _ filters: [Filter], to tools: inout [Int64?: Tool],
        _ context: ReadContext
    ) throws {
        guard tools.values.contains(where: { $0.counts.errors > 0 }) else { return }
        var errors = try ErrorCount(context, range, filters)
        try errors.run { name, category, count in
            tools[name]?.errorsByCategory[category, default: 0] += count
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
