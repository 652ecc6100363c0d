public import QuipuModel

extension SQLiteStore {
    /// A page ends early once its attributes hold this much: a page of large payloads must neither
    /// fill the memory nor outgrow a reply.
    static let pageAttributeBytes = Limits.replyBytesMax / 2

    public func events(_ query: EventQuery) async throws(StoreError) -> Page<Event> {
        if query.order == .slowestFirst { return try await slowestEvents(query) }
        return try await read { context in
            let after = try query.page.cursor.map { text in
                let cursor = try PageCursor(text, list: "e", numbers: 2)
                return (time: cursor.numbers[0], seq: cursor.numbers[1])
            }
            var scan = try EventScan(
                context, query.range, query.filters, withAttributes: true,
                order: query.order == .newestFirst ? .newestFirst : .oldestFirst, after: after)
            var rows: [Event] = []
            var bytes = 0
            while let row = try scan.next() {
                if rows.count == query.page.rowsMax || bytes >= Self.pageAttributeBytes,
                    let last = rows.last
                {
                    let next = PageCursor(list: "e", numbers: [last.time.microseconds, last.seq])
                    return Page(rows: rows, nextCursor: next.text)
                }
                let event = try row.event(context)
                bytes += event.attributesJSON.utf8.count
                rows.append(event)
            }
            return Page(rows: rows)
        }
    }

    /// One pass over the range, which keeps a page's rows; no index knows durations.
    private func slowestEvents(_ query: EventQuery) async throws(StoreError) -> Page<Event> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "l", numbers: 2) }
            var slowest = SlowestRows(
                count: query.page.rowsMax + 1, after: cursor.map { ($0.numbers[0], $0.numbers[1]) })
            var scan = try EventScan(
                context, query.range, query.filters, withAttributes: false, order: .any)
            while let row = try scan.next() {
                if let duration = row.durationMicroseconds { slowest.add(duration, row.seq) }
            }
            let find = try context.prepare(
                "SELECT \(EventRow.columns(withAttributes: true)) FROM events WHERE id = ?1")
            var rows: [Event] = []
            var bytes = 0
            var last: (Int64, Int64)?
            for (duration, seq) in slowest.sorted {
                if rows.count == query.page.rowsMax || bytes >= Self.pageAttributeBytes, let last {
                    let next = PageCursor(list: "l", numbers: [last.0, last.1])
                    return Page(rows: rows, nextCursor: next.text)
                }
                find.bind(1, seq)
                defer { find.reset() }
                guard try find.step() else { continue }
                let event = try EventRow(row: find).event(context)
                bytes += event.attributesJSON.utf8.count
                rows.append(event)
                last = (duration, seq)
            }
            return Page(rows: rows)
        }
    }

    public func events(
        seqs: [Int64], filters: [Filter]
    ) async throws(StoreError) -> [Event] {
        try await read { context in
            var matcher = try EventMatcher(filters)
            let find = try context.prepare(
                "SELECT \(EventRow.columns(withAttributes: true)) FROM events WHERE id = ?1")
            var events: [Event] = []
            for seq in Set(seqs).sorted() {
                find.bind(1, seq)
                if try find.step() {
                    let row = EventRow(row: find)
                    if try matcher.matches(row, context) { events.append(try row.event(context)) }
                }
                find.reset()
            }
            return events
        }
    }
}

/// The rows with the longest durations, and of equal ones the newest.
private struct SlowestRows {
    private let count: Int
    private let after: (Int64, Int64)?
    /// Up to twice as many as asked for, so that sorting pays.
    private var rows: [(duration: Int64, seq: Int64)] = []
    private var least: (Int64, Int64) = (.min, .min)

    init(count: Int, after: (Int64, Int64)?) {
        self.count = count
        self.after = after
    }

    mutating func add(_ duration: Int64, _ seq: Int64) {
        if let after, (duration, seq) >= after { return }
        guard (duration, seq) > least else { return }
        rows.append((duration, seq))
        guard rows.count >= 2 * count else { return }
        rows = sorted
        if let last = rows.last { least = last }
    }

    var sorted: [(duration: Int64, seq: Int64)] { Array(rows.sorted { $0 > $1 }.prefix(count)) }
}
