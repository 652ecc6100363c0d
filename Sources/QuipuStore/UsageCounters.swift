import GRDBSQLite
import QuipuModel

/// Sessions that tell how many tokens they have used so far, rather than what each call used.
///
/// The same sums are told again and again; copies of a file tell them once more; and a session that
/// was forked off another one begins with that one's history and goes on from its sums. Only what a
/// sum rises by is a call.
final class UsageCounters {
    enum Step {
        /// Told before, by this session or the one that it was forked off: of which call, where
        /// that is known, and what a reader who adds up rows would have added.
        case known(call: Int64?, change: TokenCounts)
        case rose(by: TokenCounts)
    }

    private struct Counter {
        var parent: Int64?
        var started: Int64?
        var source: Int64?
        /// It has told of calls of its own: its history is over.
        var hasOwn = false
        var totals = TokenCounts()
    }

    private static let notedMax = 8_192

    private var noted: Set<Int64> = []
    private let begin: RawStatement
    private let load: RawStatement
    private let save: RawStatement
    private let findTotal: RawStatement
    private let insertTotal: RawStatement

    init(_ connection: OpaquePointer) throws {
        begin = try RawStatement(
            connection,
            "INSERT OR IGNORE INTO usage_counters (session, parent, started) VALUES (?1, ?2, ?3)")
        load = try RawStatement(
            connection,
            """
            SELECT parent, started, source, has_own, input, cache_write_5m, cache_write_1h,
                cache_read, output
            FROM usage_counters WHERE session = ?1
            """)
        save = try RawStatement(
            connection,
            """
            INSERT INTO usage_counters (session, parent, started, source, has_own, input,
                cache_write_5m, cache_write_1h, cache_read, output)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT DO UPDATE SET parent = excluded.parent, started = excluded.started,
                source = excluded.source, has_own = excluded.has_own, input = excluded.input,
                cache_write_5m = excluded.cache_write_5m,
                cache_write_1h = excluded.cache_write_1h, cache_read = excluded.cache_read,
                output = excluded.output
            """)
        findTotal = try RawStatement(
            connection, "SELECT call FROM usage_totals WHERE session = ?1 AND hash = ?2")
        insertTotal = try RawStatement(
            connection, "INSERT OR IGNORE INTO usage_totals VALUES (?1, ?2, ?3)")
    }

    /// A session was forked off `parent`; the first word about it stands.
    func begin(_ session: Int64, parent: Int64, at time: Int64?) throws {
        guard !noted.contains(session) else { return }
        if noted.count >= Self.notedMax { noted.removeAll(keepingCapacity: true) }
        noted.insert(session)
        begin.bind(1, session)
        begin.bind(2, parent)
        begin.bind(3, time)
        try begin.run()
    }

    /// What a row of sums means, and the counter after it.
    func take(_ row: UsageFacts, of session: Int64, parent: Int64?) throws -> Step {
        var counter = try counter(of: session)
        counter.parent = counter.parent ?? (parent == session ? nil : parent)
        let change = row.tokens.since(counter.totals)
        let isOtherFile = counter.source.map { $0 != row.source } ?? false
        if let told = try told(row.tokens, by: session) {
            if !isOtherFile { try save(counter, row, of: session) }
            return .known(call: told.call, change: change)
        }
        if let call = try historyCall(row, counter) {
            try remember(row.tokens, of: session, call: call == 0 ? nil : call)
            try save(counter, row, of: session)
            return .known(call: call == 0 ? nil : call, change: change)
        }
        // A copy that tells what lies behind tells nothing new.
        if isOtherFile, row.tokens.total <= counter.totals.total {
            return .known(call: nil, change: TokenCounts())
        }
        counter.hasOwn = counter.hasOwn || change.total > 0
        try save(counter, row, of: session)
        return change.total > 0 ? .rose(by: change) : .known(call: nil, change: change)
    }

    /// A session has told these sums.
    func remember(_ totals: TokenCounts, of session: Int64, call: Int64?) throws {
        insertTotal.bind(1, session)
        insertTotal.bind(2, totals.hash)
        insertTotal.bind(3, call)
        try insertTotal.run()
    }

    /// The parent's call that a row of a fork's beginning repeats; 0 where it is not known which,
    /// nil where the row is the session's own.
    private func historyCall(_ row: UsageFacts, _ counter: Counter) throws -> Int64? {
        guard let parent = counter.parent, !counter.hasOwn else { return nil }
        if let told = try told(row.tokens, by: parent) { return told.call ?? 0 }
        guard let started = counter.started, !row.flags.contains(.timeIsArrival) else {
            return nil
        }
        // The parent's file may be gone, or not read yet: then the time tells.
        return row.time <= started + Limits.forkReplayMs * 1_000 ? 0 : nil
    }

    private func told(_ totals: TokenCounts, by session: Int64) throws -> (call: Int64?, Void)? {
        findTotal.bind(1, session)
        findTotal.bind(2, totals.hash)
        defer { findTotal.reset() }
        return try findTotal.step() ? (findTotal.optionalInt(0), ()) : nil
    }

    private func counter(of session: Int64) throws -> Counter {
        load.bind(1, session)
        defer { load.reset() }
        guard try load.step() else { return Counter() }
        return Counter(
            parent: load.optionalInt(0), started: load.optionalInt(1),
            source: load.optionalInt(2), hasOwn: load.int(3) != 0, totals: load.tokens(4))
    }

    private func save(_ counter: Counter, _ row: UsageFacts, of session: Int64) throws {
        save.bind(1, session)
        save.bind(2, counter.parent)
        save.bind(3, counter.started)
        save.bind(4, row.source)
        save.bind(5, Int64(counter.hasOwn ? 1 : 0))
        save.bind(6, row.tokens)
        try save.run()
    }
}
