public import QuipuModel

extension SQLiteStore {
    /// A page ends early once its attributes hold this much: a page of large payloads must neither
    /// fill the memory nor outgrow a reply.
    static let pageAttributeBytes = Limits.replyBytesMax / 2

    public func events(_ query: EventQuery) async throws(StoreError) -> Page<Event> {
        try await read { context in
            let after = try query.page.cursor.map { text in
                let cursor = try PageCursor(text, list: "e", numbers: 2)
                return (time: cursor.numbers[0], seq: cursor.numbers[1])
            }
            var scan = try EventScan(
                context, query.range, query.filters, withAttributes: true,
                order: query.newestFirst ? .newestFirst : .oldestFirst, after: after)
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
