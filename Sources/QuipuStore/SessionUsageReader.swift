import QuipuModel

/// What sessions' model calls used and cost.
struct SessionUsageReader {
    private let find: RawStatement

    init(_ context: ReadContext) throws {
        find = try context.prepare(
            """
            SELECT count(*), \(Self.total("input")), \(Self.total("cache_write_5m")),
                \(Self.total("cache_write_1h")), \(Self.total("cache_read")),
                \(Self.total("output")), sum(cost_usd)
            FROM usage_calls WHERE session = ?1
            """)
    }

    /// Whole numbers end where their sum would be an error.
    private static func total(_ column: String) -> String {
        "CAST(min(total(\(column)), \(Limits.countMax)) AS INTEGER)"
    }

    /// Nil where no call of the session is known.
    func usage(of session: Int64) throws -> SessionUsage? {
        find.bind(1, session)
        defer { find.reset() }
        guard try find.step(), find.int(0) > 0 else { return nil }
        var tokens = TokenCounts()
        tokens.input = find.int(1)
        tokens.cacheWrite5m = find.int(2)
        tokens.cacheWrite1h = find.int(3)
        tokens.cacheRead = find.int(4)
        tokens.output = find.int(5)
        return SessionUsage(tokens: tokens, costUSD: find.isNull(6) ? nil : find.double(6))
    }
}
