import QuipuModel

/// All events in a range that pass the filters.
struct EventScan {
    enum Order {
        case newestFirst, oldestFirst
        /// Whatever is fastest.
        case any
    }

    private var matcher: EventMatcher
    private let context: ReadContext
    private var rows: Rows

    private enum Rows {
        case statement(RawStatement)
        /// Ids in their order, the next one last, and what finds a row by its id.
        case list([Int64], RawStatement)
    }

    /// - Parameter after: the last row of the page before: its time and `seq`.
    init(
        _ context: ReadContext, _ range: TimeRange, _ filters: [Filter], withAttributes: Bool,
        order: Order, after: (time: Int64, seq: Int64)? = nil
    ) throws {
        self.context = context
        matcher = try EventMatcher(filters)
        let columns = EventRow.columns(withAttributes: withAttributes || matcher.needsAttributes)
        if let sessions = try SessionSpan(filters, context) {
            let range = sessions.narrowed(range)
            if sessions.isSmall {
                let ids = try sessions.events(in: range, order, after: after)
                let find = try context.prepare("SELECT \(columns) FROM events WHERE id = ?1")
                rows = .list(ids, find)
            } else {
                rows = .statement(
                    try Self.statement(context, range, filters, columns, order, after: after))
            }
        } else {
            rows = .statement(
                try Self.statement(context, range, filters, columns, order, after: after))
        }
    }

    private static func statement(
        _ context: ReadContext, _ range: TimeRange, _ filters: [Filter], _ columns: String,
        _ order: Order, after: (time: Int64, seq: Int64)?
    ) throws -> RawStatement {
        let onlyErrors = filters.contains { $0.path == "status" && $0.test.onlyTexts == ["error"] }
        var sql = "SELECT \(columns) FROM events"
        if order == .any, !onlyErrors, try isMostOfAll(range, context) { sql += " NOT INDEXED" }
        sql += " WHERE time >= ?1 AND time < ?2"
        if onlyErrors { sql += " AND status = \(EventStatus.error.rawValue)" }
        if after != nil { sql += " AND (time, id) \(order == .newestFirst ? "<" : ">") (?3, ?4)" }
        switch order {
        case .newestFirst: sql += " ORDER BY time DESC, id DESC"
        case .oldestFirst: sql += " ORDER BY time, id"
        case .any: break
        }
        let statement = try context.prepare(sql)
        statement.bind(1, range.since.microseconds)
        statement.bind(2, range.until.microseconds)
        if let after {
            statement.bind(3, after.time)
            statement.bind(4, after.seq)
        }
        return statement
    }

    /// Whether the range spans more than half of the time that is stored: then reading the table
    /// from end to end is faster than looking up each row that the index names.
    private static func isMostOfAll(_ range: TimeRange, _ context: ReadContext) throws -> Bool {
        let ends = try context.prepare(
            "SELECT (SELECT min(time) FROM events), (SELECT max(time) FROM events)")
        guard try ends.step(), let first = ends.optionalInt(0), let last = ends.optionalInt(1)
        else { return false }
        // As fractions: a difference of any two times may not fit 64 bits.
        let asked =
            Double(min(range.until.microseconds, last))
            - Double(max(range.since.microseconds, first))
        return asked > (Double(last) - Double(first)) / 2
    }

    /// The next row that passes; valid until the next call.
    mutating func next() throws -> EventRow? {
        while let statement = try step() {
            let row = EventRow(row: statement)
            if try matcher.matches(row, context) { return row }
        }
        return nil
    }

    private mutating func step() throws -> RawStatement? {
        switch rows {
        case .statement(let statement): return try statement.step() ? statement : nil
        case .list(var ids, let find):
            // Taken out, so that shortening the list copies nothing.
            rows = .list([], find)
            defer { rows = .list(ids, find) }
            while let id = ids.popLast() {
                find.reset()
                find.bind(1, id)
                if try find.step() { return find }
            }
            return nil
        }
    }
}

/// The sessions that a question is about, where it names them.
private struct SessionSpan {
    /// Up to so many events are found by their sessions and sorted; more lie so close that the
    /// index over time is as good, and gives them in order.
    private static let eventsMax: Int64 = 20_000

    private let context: ReadContext
    private var ids: [Int64] = []
    private var first = Int64.max
    private var last = Int64.min
    private var count: Int64 = 0

    /// Nil where the filters name no sessions.
    init?(_ filters: [Filter], _ context: ReadContext) throws {
        self.context = context
        let named = filters.lazy.filter { $0.path == "session" }.compactMap(\.test.onlyTexts).first
        guard let named else { return nil }
        let find = try context.prepare(
            "SELECT first, last, events FROM sessions WHERE session = ?1")
        for name in Set(named) {
            guard let id = try context.id(of: name) else { continue }
            find.bind(1, id)
            if try find.step() {
                ids.append(id)
                first = min(first, find.int(0))
                last = max(last, find.int(1))
                count += find.int(2)
            }
            find.reset()
        }
    }

    var isSmall: Bool { count <= Self.eventsMax }

    /// No need to look before they began nor after they ended.
    func narrowed(_ range: TimeRange) -> TimeRange {
        let end = last == .max ? last : last + 1
        return TimeRange(
            since: max(range.since, Timestamp(microseconds: first)),
            until: min(range.until, Timestamp(microseconds: end)))
    }

    /// The ids of their events, in reverse order.
    func events(
        in range: TimeRange, _ order: EventScan.Order, after: (time: Int64, seq: Int64)?
    ) throws -> [Int64] {
        let find = try context.prepare(
            """
            SELECT time, id FROM events INDEXED BY events_by_call
            WHERE call_key BETWEEN ?1 AND ?2 AND session = ?3 AND time >= ?4 AND time < ?5
            """)
        var found: [(time: Int64, seq: Int64)] = []
        for session in ids {
            let keys = CallKey.all(of: session)
            find.bind(1, keys.lowerBound)
            find.bind(2, keys.upperBound)
            find.bind(3, session)
            find.bind(4, range.since.microseconds)
            find.bind(5, range.until.microseconds)
            while try find.step() { found.append((find.int(0), find.int(1))) }
            find.reset()
        }
        if let after {
            found.removeAll { order == .newestFirst ? $0 >= after : $0 <= after }
        }
        // The next one is taken from the end.
        switch order {
        case .newestFirst: found.sort { $0 < $1 }
        case .oldestFirst: found.sort { $0 > $1 }
        case .any: break
        }
        return found.map(\.seq)
    }
}
