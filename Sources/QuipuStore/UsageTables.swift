import GRDBSQLite
import QuipuModel

/// The writer's side of `usage_calls`.
final class UsageCallTable {
    struct Known {
        var id: Int64
        var facts: UsageFacts
        var costUSD: Double?
    }

    private let connection: OpaquePointer
    private let candidates: RawStatement
    private let insert: RawStatement
    private let update: RawStatement
    private let count: RawStatement

    init(_ connection: OpaquePointer) throws {
        self.connection = connection
        candidates = try RawStatement(
            connection,
            """
            SELECT id, request_id, time, flags, source, offset, session, task, context, model,
                request_type, input, cache_write_5m, cache_write_1h, cache_read, output, stated_usd,
                cost_usd
            FROM usage_calls WHERE id IN (
                SELECT id FROM usage_calls WHERE message_key = ?1 AND message_id = ?2
                ORDER BY id DESC LIMIT \(Limits.callsPerMessageMax))
            ORDER BY id
            """)
        insert = try RawStatement(
            connection,
            """
            INSERT INTO usage_calls (time, flags, source, offset, session, task, context, model,
                request_type, input, cache_write_5m, cache_write_1h, cache_read, output, stated_usd,
                cost_usd, price, message_key, message_id, request_id, rows)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, 1)
            """)
        update = try RawStatement(
            connection,
            """
            UPDATE usage_calls SET time = ?1, flags = ?2, source = ?3, offset = ?4, session = ?5,
                task = ?6, context = ?7, model = ?8, request_type = ?9, input = ?10,
                cache_write_5m = ?11, cache_write_1h = ?12, cache_read = ?13, output = ?14,
                stated_usd = ?15, cost_usd = ?16, price = ?17,
                request_id = ifnull(iif(?20, ?18, request_id), ifnull(request_id, ?18)),
                rows = rows + 1
            WHERE id = ?19
            """)
        count = try RawStatement(
            connection, "UPDATE usage_calls SET rows = rows + 1 WHERE id = ?1")
    }

    /// The call of the same message and request. Where either names no request, the message alone
    /// decides; and a side conversation repeats messages under requests of its own.
    func find(
        _ message: UnsafeRawBufferPointer, _ request: UnsafeRawBufferPointer?, isSidechain: Bool
    ) throws -> Known? {
        candidates.bind(1, Self.key(message))
        candidates.bind(2, text: message)
        defer { candidates.reset() }
        var loose: Known?
        while try candidates.step() {
            let other = candidates.bytes(1)
            if let request, let other, !request.elementsEqual(other) {
                let isOtherSide =
                    UsageFlags(rawValue: candidates.int(3)).contains(.isSidechain)
                guard isSidechain || isOtherSide, loose == nil else { continue }
                loose = known()
            } else if request == nil || other == nil {
                loose = loose ?? known()
            } else {
                return known()
            }
        }
        return loose
    }

    private func known() -> Known {
        let row = candidates
        let facts = UsageFacts(
            time: row.int(2), flags: UsageFlags(rawValue: row.int(3)), source: row.int(4),
            offset: row.int(5), session: row.optionalInt(6), task: row.optionalInt(7),
            context: row.int(8), model: row.optionalInt(9), requestType: row.optionalInt(10),
            tokens: row.tokens(11), statedUSD: row.optionalDouble(16))
        return Known(id: row.int(0), facts: facts, costUSD: row.optionalDouble(17))
    }

    func insert(
        _ call: UsageFacts, _ cost: Double?, _ price: Int64?, message: UnsafeRawBufferPointer?,
        request: UnsafeRawBufferPointer?
    ) throws -> Int64 {
        bind(call, cost, price, to: insert)
        insert.bind(18, message.map(Self.key))
        insert.bind(19, text: message)
        insert.bind(20, text: request)
        try insert.run()
        return sqlite3_last_insert_rowid(connection)
    }

    /// With `renames` the call is known by this request from now on.
    func update(
        _ id: Int64, _ call: UsageFacts, _ cost: Double?, _ price: Int64?,
        request: UnsafeRawBufferPointer?, renames: Bool
    ) throws {
        bind(call, cost, price, to: update)
        update.bind(18, text: request)
        update.bind(19, id)
        update.bind(20, Int64(renames ? 1 : 0))
        try update.run()
    }

    /// One more row told of it.
    func countRow(_ id: Int64) throws {
        count.bind(1, id)
        try count.run()
    }

    private func bind(
        _ call: UsageFacts, _ cost: Double?, _ price: Int64?, to statement: RawStatement
    ) {
        statement.bind(1, call.time)
        statement.bind(2, call.flags.rawValue)
        statement.bind(3, call.source)
        statement.bind(4, call.offset)
        statement.bind(5, call.session)
        statement.bind(6, call.task)
        statement.bind(7, call.context)
        statement.bind(8, call.model)
        statement.bind(9, call.requestType)
        statement.bind(10, call.tokens)
        statement.bind(15, call.statedUSD)
        statement.bind(16, cost)
        statement.bind(17, price)
    }

    private static func key(_ message: UnsafeRawBufferPointer) -> Int64 {
        var hash = FNV1a()
        hash.combine(message)
        return Int64(bitPattern: hash.value)
    }
}

/// Every row that told of a call, for those who want to see why a total is what it is.
final class UsageRowTable {
    private let insert: RawStatement

    init(_ connection: OpaquePointer) throws {
        insert = try RawStatement(
            connection,
            """
            INSERT INTO usage_rows (call, source, offset, time, flags, input, cache_write_5m,
                cache_write_1h, cache_read, output, stated_usd)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
    }

    /// - Parameter call: nil for rows of no call: the client's own, and another session's history.
    func insert(_ row: UsageFacts, tokens: TokenCounts, call: Int64?) throws {
        insert.bind(1, call)
        insert.bind(2, row.source)
        insert.bind(3, row.offset)
        insert.bind(4, row.time)
        insert.bind(5, row.flags.rawValue)
        insert.bind(6, tokens)
        insert.bind(11, row.statedUSD)
        try insert.run()
    }
}
