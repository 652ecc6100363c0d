public import QuipuModel

extension SQLiteStore {
    public func reconcile(_ query: ReconcileQuery) async throws(StoreError) -> Reconciliation {
        try await read { context in
            var reconciler = try Reconciler(context, callsMax: query.callsMax)
            var scan = try UsageScan(context, query.range, query.filters)
            while try scan.next() { try reconciler.add(scan.call) }
            // What belongs to no call belongs to nobody that a filter could name.
            if query.filters.isEmpty { try reconciler.addRowsOfNoCall(in: query.range) }
            return try reconciler.finish()
        }
    }
}

/// Counts the same calls under every rule.
private struct Reconciler {
    private struct Row {
        var source: Int64
        var offset: Int64
        var time: Timestamp
        var flags: UsageFlags
        var tokens: TokenCounts
        var statedUSD: Double?
    }

    private let context: ReadContext
    private let callsMax: Int
    private let prices: [Int64: Price]
    private let findCall: RawStatement
    private let findRows: RawStatement
    private var result = Reconciliation()
    /// The calls that differ most so far, the most first.
    private var worst: [(id: Int64, excess: Double, excessTokens: Int64)] = []

    init(_ context: ReadContext, callsMax: Int) throws {
        self.context = context
        self.callsMax = callsMax
        let all = try PriceRows.load(context.connection, onlyCurrent: false)
        prices = Dictionary(all.map { ($0.version, $0) }) { first, _ in first }
        findCall = try context.prepare(
            """
            SELECT input, cache_write_5m, cache_write_1h, cache_read, output, source, offset, flags,
                price, cost_usd, stated_usd, time, session, model, message_id, request_id
            FROM usage_calls WHERE id = ?1
            """)
        findRows = try context.prepare(
            """
            SELECT source, offset, time, flags, input, cache_write_5m, cache_write_1h, cache_read,
                output, stated_usd
            FROM usage_rows WHERE call = ?1 ORDER BY id
            """)
    }

    // MARK: Counting

    mutating func add(_ id: Int64) throws {
        findCall.bind(1, id)
        defer { findCall.reset() }
        guard try findCall.step() else { return }
        let tokens = findCall.tokens(0)
        let source = findCall.int(5)
        let price = findCall.optionalInt(8).flatMap { prices[$0] }
        let flags = UsageFlags(rawValue: findCall.int(7))
        func cost(_ tokens: TokenCounts, _ flags: UsageFlags) -> Double {
            price?.cost(
                of: tokens, isFast: flags.contains(.isFast), isBatch: flags.contains(.isBatch))
                ?? 0
        }
        count(.ours, tokens, findCall.double(9))
        if findCall.isNull(9) { result.unpricedRequests += 1 }
        if let stated = findCall.optionalDouble(10) {
            result.statedRequests += 1
            count(.stated, tokens, stated)
        }
        let rows = try rows(of: id)
        guard let first = rows.first, let last = rows.last else {
            // Rows go before their calls: what is left counts the same under each rule.
            result.callsWithoutRows += 1
            for rule in [CountingRule.naiveSum, .firstRow, .lastRow, .largestRow] {
                count(rule, tokens, findCall.double(9))
            }
            return
        }
        var sum = TokenCounts()
        var sumUSD = 0.0
        for row in rows {
            sum.add(row.tokens)
            sumUSD += cost(row.tokens, row.flags)
            count(.naiveSum, row.tokens, cost(row.tokens, row.flags))
            if row.source != source { result.copiedRows += 1 }
            if row.flags.contains(.isSidechain), !flags.contains(.isSidechain) {
                result.sidechainRows += 1
            }
        }
        let largest = rows.max { $0.tokens.total < $1.tokens.total } ?? last
        count(.firstRow, first.tokens, cost(first.tokens, first.flags))
        count(.lastRow, last.tokens, cost(last.tokens, last.flags))
        count(.largestRow, largest.tokens, cost(largest.tokens, largest.flags))
        guard rows.count > 1 else { return }
        result.repeatedCalls += 1
        result.repeatedRows += rows.count - 1
        if rows.contains(where: { $0.tokens != first.tokens }) { result.changedCalls += 1 }
        keep(id, excess: sumUSD - findCall.double(9), sum.total - tokens.total)
    }

    private mutating func count(_ rule: CountingRule, _ tokens: TokenCounts, _ usd: Double) {
        result[rule].requests += 1
        result[rule].tokens.add(tokens)
        result[rule].costUSD += usd
    }

    private mutating func keep(_ id: Int64, excess: Double, _ excessTokens: Int64) {
        worst.append((id, excess, excessTokens))
        guard worst.count > 2 * callsMax + 64 else { return }
        trim()
    }

    private mutating func trim() {
        worst.sort {
            (abs($0.excess), abs($0.excessTokens)) > (abs($1.excess), abs($1.excessTokens))
        }
        worst.removeLast(max(0, worst.count - callsMax))
    }

    private func rows(of id: Int64) throws -> [Row] {
        findRows.bind(1, id)
        defer { findRows.reset() }
        var rows: [Row] = []
        while try findRows.step() {
            rows.append(
                Row(
                    source: findRows.int(0), offset: findRows.int(1),
                    time: Timestamp(microseconds: findRows.int(2)),
                    flags: UsageFlags(rawValue: findRows.int(3)), tokens: findRows.tokens(4),
                    statedUSD: findRows.optionalDouble(9)))
        }
        return rows
    }

    /// The client's own rows, and history that a fork repeats of a session that is not here.
    mutating func addRowsOfNoCall(in range: TimeRange) throws {
        let find = try context.prepare(
            """
            SELECT flags, input, cache_write_5m, cache_write_1h, cache_read, output FROM usage_rows
            WHERE call IS NULL AND time >= ?1 AND time < ?2
            """)
        find.bind(1, range.since.microseconds)
        find.bind(2, range.until.microseconds)
        while try find.step() {
            if UsageFlags(rawValue: find.int(0)).contains(.isSynthetic) {
                result.syntheticRows += 1
            } else {
                result.replayedRows += 1
                count(.naiveSum, find.tokens(1), 0)
            }
        }
    }

    // MARK: Showing

    mutating func finish() throws -> Reconciliation {
        trim()
        for item in worst {
            findCall.bind(1, item.id)
            defer { findCall.reset() }
            guard try findCall.step() else { continue }
            let counted = (findCall.int(5), findCall.int(6))
            let rows = try rows(of: item.id).map { row in
                Reconciliation.Row(
                    path: try context.source(row.source).path, offset: row.offset, time: row.time,
                    tokens: row.tokens, isFinal: row.flags.contains(.isFinal),
                    isSidechain: row.flags.contains(.isSidechain),
                    isCounted: (row.source, row.offset) == counted)
            }
            var call = Reconciliation.Call(
                time: Timestamp(microseconds: findCall.int(11)),
                session: try context.text(findCall.optionalInt(12)),
                model: try context.text(findCall.optionalInt(13)),
                messageID: findCall.string(14), requestID: findCall.string(15),
                tokens: findCall.tokens(0), costUSD: findCall.optionalDouble(9), rows: rows)
            call.excessUSD = call.costUSD == nil ? nil : item.excess
            call.excessTokens = item.excessTokens
            result.calls.append(call)
        }
        return result
    }
}
