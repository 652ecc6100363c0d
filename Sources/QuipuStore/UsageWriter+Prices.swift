import QuipuModel

extension UsageWriter {
    /// Computes costs anew: of calls that have none, and with `recompute` of those for which
    /// `price` holds and that have another one.
    func reprice(
        _ price: Price?, from start: Int64, recompute: Bool
    ) throws -> (priced: Int, recomputed: Int) {
        let condition = recompute ? "" : "AND cost_usd IS NULL"
        let find = try RawStatement(
            connection,
            """
            SELECT id, model, time, flags, input, cache_write_5m, cache_write_1h, cache_read, output,
                cost_usd, price
            FROM usage_calls WHERE time >= ?1 \(condition)
            """)
        find.bind(1, start)
        var changes: [(id: Int64, cost: Double, price: Int64, hadCost: Bool)] = []
        while try find.step() {
            let hadCost = !find.isNull(9)
            guard
                let now = try prices.price(ofModel: find.optionalInt(1), at: find.int(2)),
                !hadCost || (now.version == price?.version && find.int(10) != now.version)
            else { continue }
            let flags = UsageFlags(rawValue: find.int(3))
            let cost = now.cost(
                of: find.tokens(4), isFast: flags.contains(.isFast),
                isBatch: flags.contains(.isBatch))
            changes.append((find.int(0), cost, now.version, hadCost))
        }
        let update = try RawStatement(
            connection, "UPDATE usage_calls SET cost_usd = ?2, price = ?3 WHERE id = ?1")
        for change in changes {
            update.bind(1, change.id)
            update.bind(2, change.cost)
            update.bind(3, change.price)
            try update.run()
        }
        let recomputed = changes.count { $0.hadCost }
        return (changes.count - recomputed, recomputed)
    }
}
