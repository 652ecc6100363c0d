public import QuipuModel

extension SQLiteStore {
    /// Tool calls by tool, most used first.
    public func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics> {
        try await read { context in
            let cursor = try query.page.cursor.map {
                try PageCursor($0, list: "t", numbers: 1, texts: 1)
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
            guard tools.count <= Limits.groupsPerReplyMax else {
                throw StoreError.tooLarge(hint: "more than \(Limits.groupsPerReplyMax) tools")
            }
            let listed = try tools.map { name, tool in
                try tool.statistics(name: context.text(name) ?? "unknown")
            }
            .sorted { $0.rank < $1.rank }
            let rest = listed.drop { tool in
                cursor.map { tool.rank <= ($0.numbers[0], $0.texts[0]) } ?? false
            }
            let shown = rest.prefix(query.page.rowsMax)
            let next = rest.count > shown.count ? shown.last : nil
            return Page(
                rows: Array(shown),
                nextCursor: next.map {
                    PageCursor(list: "t", numbers: [$0.rank.0], texts: [$0.rank.1]).text
                })
        }
    }

    private struct Tool {
        var counts = OutcomeCounts()
        var durations = Durations()
        var lastUsed = Timestamp(microseconds: .min)

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
                name: name, counts: counts, duration: durations.summary, lastUsed: lastUsed)
        }
    }
}

extension ToolStatistics {
    fileprivate var rank: (Int64, String) { (-Int64(counts.count), name) }
}
