public import QuipuModel

extension SQLiteStore {
    public func summary(_ query: SummaryQuery) async throws(StoreError) -> Page<EventGroup> {
        try await read { context in
            var grouping = try EventGrouping(query)
            var ranges = [query.range]
            if let widthMax = grouping.rollupWidthMax,
                var rollups = try EventRollupScan(
                    context, query.range, query.filters, widthMax: widthMax)
            {
                while let rollup = try rollups.next() { try grouping.add(rollup, context) }
                ranges = rollups.edges
            }
            for range in ranges {
                var scan = try EventScan(
                    context, range, query.filters, withAttributes: grouping.needsAttributes,
                    order: .any)
                while let row = try scan.next() { try grouping.add(row, context) }
            }
            let cursor = try query.page.cursor.map {
                try PageCursor($0, list: "g", numbers: 1, texts: 1)
            }
            return try grouping.page(query.page, after: cursor, context)
        }
    }
}
