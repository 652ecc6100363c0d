public import QuipuModel

extension SQLiteStore {
    public func limits() async throws(StoreError) -> [SpendLimit] {
        try await read { context in
            let find = try context.prepare(
                "SELECT scope, name, period, limit_usd, time_zone FROM limits")
            var limits: [SpendLimit] = []
            while try find.step() {
                guard let kind = SpendLimit.ScopeKind(rawValue: find.string(0) ?? ""),
                    let period = SpendLimit.Period(rawValue: find.string(2) ?? "")
                else { continue }
                limits.append(
                    SpendLimit(
                        scope: SpendLimit.Scope(kind, find.string(1) ?? ""), period: period,
                        limitUSD: find.double(3), timeZone: find.string(4)))
            }
            return limits
        }
    }

    public func set(_ limit: SpendLimit) async throws(StoreError) {
        _ = try ZonedCalendar(zone: limit.timeZone)
        try await writer.change { tables in
            let count = try RawStatement(
                tables.connection,
                """
                SELECT count(*) FROM limits WHERE (scope, name, period) IS NOT (?1, ?2, ?3)
                """)
            Self.bind(limit.scope, limit.period, to: count)
            guard try count.step(), count.int(0) < Limits.spendLimitsMax else {
                throw StoreError.tooLarge(hint: "at most \(Limits.spendLimitsMax) limits")
            }
            let insert = try RawStatement(
                tables.connection, "INSERT OR REPLACE INTO limits VALUES (?1, ?2, ?3, ?4, ?5)")
            Self.bind(limit.scope, limit.period, to: insert)
            insert.bind(4, limit.limitUSD)
            insert.bind(5, copying: limit.timeZone)
            try insert.run()
        }
    }

    public func removeLimit(
        _ scope: SpendLimit.Scope, _ period: SpendLimit.Period
    ) async throws(StoreError) -> Bool {
        try await writer.change { tables in
            let delete = try RawStatement(
                tables.connection,
                """
                DELETE FROM limits WHERE scope = ?1 AND name = ?2 AND period = ?3
                RETURNING 1
                """)
            Self.bind(scope, period, to: delete)
            defer { delete.reset() }
            let isRemoved = try delete.step()
            while try delete.step() {}
            return isRemoved
        }
    }

    private static func bind(
        _ scope: SpendLimit.Scope, _ period: SpendLimit.Period, to statement: RawStatement
    ) {
        statement.bind(1, copying: scope.kind.rawValue)
        statement.bind(2, copying: scope.name)
        statement.bind(3, copying: period.rawValue)
    }

    public func spent(
        by scope: SpendLimit.Scope, in range: TimeRange
    ) async throws(StoreError) -> Double {
        try await read { context in
            var scan = try UsageScan(context, range, Self.filters(scope))
            var spent = 0.0
            while try scan.next() { spent += scan.costUSD ?? 0 }
            return spent
        }
    }

    public func spentBySession(
        in scope: SpendLimit.Scope
    ) async throws(StoreError) -> [String: Double] {
        try await read { context in
            let all = TimeRange(
                since: Timestamp(microseconds: .min), until: Timestamp(microseconds: .max))
            var scan = try UsageScan(context, all, Self.filters(scope))
            var spent: [Int64: (usd: Double, last: Timestamp)] = [:]
            while try scan.next() {
                guard let session = scan.session else { continue }
                let usd = spent[session]?.usd ?? 0
                spent[session] = (usd + (scan.costUSD ?? 0), scan.time)
            }
            let newest = spent.sorted { $0.value.last > $1.value.last }
                .prefix(Limits.spendSessionsMax)
            var bySession: [String: Double] = [:]
            for (session, value) in newest { bySession[try context.text(session)] = value.usd }
            return bySession
        }
    }

    private static func filters(_ scope: SpendLimit.Scope) -> [Filter] {
        guard scope.kind != .all else { return [] }
        return [Filter(path: scope.kind.rawValue, test: .oneOf([.string(scope.name)]))]
    }
}
