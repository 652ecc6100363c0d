import GRDBSQLite
import QuipuModel

/// Prices as rows. One that does not hold any more stays, for the calls that were computed with it.
enum PriceRows {
    private static let columns = """
        model, valid_from, source, note, input, output, cache_write_5m, cache_write_1h, cache_read,
        tier_tokens, tier_input, tier_output, tier_cache_write_5m, tier_cache_write_1h,
        tier_cache_read, fast_multiplier, batch_multiplier
        """

    /// Those in force, or all that ever were.
    static func load(
        _ connection: OpaquePointer, onlyCurrent: Bool = true
    ) throws -> [Price] {
        let condition = onlyCurrent ? "WHERE is_current = 1" : ""
        let find = try RawStatement(
            connection, "SELECT id, \(columns) FROM prices \(condition) ORDER BY id")
        var prices: [Price] = []
        while try find.step() { prices.append(price(find)) }
        return prices
    }

    /// Makes the prices of one source those that are given.
    static func replace(
        _ source: Price.Source, with prices: [Price], _ connection: OpaquePointer
    ) throws {
        let known = try load(connection).filter { $0.source == source }
        for old in known where !prices.contains(where: { $0.isSame(as: old) }) {
            try retire(old, connection)
        }
        for new in prices where !known.contains(where: { $0.isSame(as: new) }) {
            _ = try insert(new, connection)
        }
    }

    /// Takes the place of what was set for the same model and moment. Gives the price its version.
    static func set(_ price: Price, _ connection: OpaquePointer) throws -> Price {
        let known = try load(connection).filter {
            $0.source == price.source && $0.model == price.model
                && $0.validFrom == price.validFrom
        }
        if let same = known.first(where: { $0.isSame(as: price) }) { return same }
        for old in known { try retire(old, connection) }
        return try insert(price, connection)
    }

    private static func retire(_ price: Price, _ connection: OpaquePointer) throws {
        let update = try RawStatement(
            connection, "UPDATE prices SET is_current = 0 WHERE id = ?1")
        update.bind(1, price.version)
        try update.run()
    }

    private static func insert(_ price: Price, _ connection: OpaquePointer) throws -> Price {
        let insert = try RawStatement(
            connection,
            """
            INSERT INTO prices (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                ?12, ?13, ?14, ?15, ?16, ?17)
            """)
        insert.bind(1, copying: price.model)
        insert.bind(2, price.validFrom?.microseconds)
        insert.bind(3, price.source.rawValue)
        insert.bind(4, copying: price.note)
        bind(price.rates, to: insert, from: 5)
        insert.bind(10, price.tier?.tokens)
        if let tier = price.tier { bind(tier.rates, to: insert, from: 11) }
        insert.bind(16, price.fastMultiplier)
        insert.bind(17, price.batchMultiplier)
        try insert.run()
        var stored = price
        stored.version = sqlite3_last_insert_rowid(connection)
        return stored
    }

    private static func bind(
        _ rates: Price.Rates, to statement: RawStatement, from index: Int32
    ) {
        statement.bind(index, rates.input)
        statement.bind(index + 1, rates.output)
        statement.bind(index + 2, rates.cacheWrite5m)
        statement.bind(index + 3, rates.cacheWrite1h)
        statement.bind(index + 4, rates.cacheRead)
    }

    private static func price(_ row: RawStatement) -> Price {
        func rates(_ column: Int32) -> Price.Rates {
            Price.Rates(
                input: row.double(column), output: row.double(column + 1),
                cacheWrite5m: row.double(column + 2), cacheWrite1h: row.double(column + 3),
                cacheRead: row.double(column + 4))
        }
        var price = Price(
            model: row.string(1) ?? "",
            validFrom: row.optionalInt(2).map { Timestamp(microseconds: $0) }, rates: rates(5),
            tier: row.optionalInt(10).map { Price.Tier(tokens: $0, rates: rates(11)) },
            source: Price.Source(rawValue: row.int(3)) ?? .set)
        price.version = row.int(0)
        price.note = row.string(4) ?? ""
        price.fastMultiplier = row.double(16)
        price.batchMultiplier = row.double(17)
        return price
    }
}

/// Prices by the ids of models' names; the writer's side.
final class PriceBook {
    private let table: PriceTable
    /// Forgets all when full: whoever sends usage lines may name a model of their own in each.
    private(set) var candidates: [Int64: [Price]] = [:]
    static let modelsMax = 4_096
    private let findText: RawStatement

    init(_ connection: OpaquePointer) throws {
        table = PriceTable(try PriceRows.load(connection))
        findText = try RawStatement(connection, "SELECT text FROM strings WHERE id = ?1")
    }

    func price(ofModel model: Int64?, at time: Int64) throws -> Price? {
        guard let model else { return nil }
        let known = try candidates[model] ?? load(model)
        return PriceTable.valid(known, at: Timestamp(microseconds: time))
    }

    private func load(_ model: Int64) throws -> [Price] {
        findText.bind(1, model)
        defer { findText.reset() }
        let name = try findText.step() ? findText.string(0) ?? "" : ""
        let found = table.candidates(for: name)
        if candidates.count >= Self.modelsMax { candidates.removeAll(keepingCapacity: true) }
        candidates[model] = found
        return found
    }
}
