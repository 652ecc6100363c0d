import GRDB
public import QuipuModel

extension DatabaseWriter {
    /// The program's own prices, which another version of it may have had otherwise.
    func writeBuiltInPrices() throws {
        try write { db in
            guard let connection = db.sqliteConnection else { return }
            try PriceRows.replace(.builtIn, with: BuiltInPrices.all, connection)
        }
    }
}

extension SQLiteStore {
    /// The prices in force, by model, the one to believe first; and what has none.
    public func prices(_ page: PageRequest) async throws(StoreError) -> PriceList {
        try await read { context in
            let cursor = try page.cursor.map { try PageCursor($0, list: "p", numbers: 1) }
            let all = try PriceRows.load(context.connection).sorted { left, right in
                if left.model != right.model { return left.model < right.model }
                let leftRank = (left.source.rawValue, left.validFrom?.microseconds ?? .min)
                return leftRank > (right.source.rawValue, right.validFrom?.microseconds ?? .min)
            }
            let start = min(Int(clamping: max(0, cursor?.numbers[0] ?? 0)), all.count)
            let shown = all[start...].prefix(page.rowsMax)
            let end = start + shown.count
            let next = PageCursor(list: "p", numbers: [Int64(end)]).text
            return PriceList(
                prices: Page(rows: Array(shown), nextCursor: end < all.count ? next : nil),
                unpriced: try Self.unpriced(context))
        }
    }

    private static func unpriced(_ context: ReadContext) throws -> [UnpricedModel] {
        let find = try context.prepare(
            """
            SELECT model, count(*), min(time), max(time) FROM usage_calls
            WHERE cost_usd IS NULL GROUP BY model ORDER BY count(*) DESC
            """)
        var models: [UnpricedModel] = []
        while try find.step(), models.count < Limits.rowsPerReplyMax {
            models.append(
                UnpricedModel(
                    model: try context.text(find.optionalInt(0)), requests: Int(find.int(1)),
                    first: Timestamp(microseconds: find.int(2)),
                    last: Timestamp(microseconds: find.int(3))))
        }
        return models
    }

    public func set(
        _ price: Price, recompute: Bool
    ) async throws(StoreError) -> PriceChange {
        try await writer.change { tables in
            let stored = try PriceRows.set(price, tables.connection)
            try tables.usage.reloadPrices()
            let counts = try tables.usage.reprice(
                stored, from: price.validFrom?.microseconds ?? .min, recompute: recompute)
            return PriceChange(
                price: stored, priced: counts.priced, recomputed: counts.recomputed)
        }
    }

    public func adopt(filePrices: [Price]) async throws(StoreError) {
        try await writer.change { tables in
            try PriceRows.replace(.file, with: filePrices, tables.connection)
            try tables.usage.reloadPrices()
            _ = try tables.usage.reprice(nil, from: .min, recompute: false)
        }
    }
}

extension Writer {
    /// A change that comes from nobody's log.
    func change<Result: Sendable>(
        _ body: @Sendable (WriterTables) throws -> Result
    ) throws(StoreError) -> Result {
        try transaction(body)
    }
}
