public import QuipuModel

extension SQLiteStore {
    /// Series with samples in the range, by name, type and tags.
    public func series(_ query: SeriesQuery) async throws(StoreError) -> Page<Series> {
        try await read { context in
            for filter in query.filters { try filter.test.check(path: filter.path) }
            let cursor = try query.page.cursor.map {
                try PageCursor($0, list: "m", numbers: 2, texts: 2)
            }
            let find = try context.prepare(
                #"""
                SELECT name, type, tags, first, last, samples, host FROM series
                WHERE last >= ?1 AND first < ?2 AND (?3 IS NULL OR name LIKE ?3 ESCAPE '\')
                    AND (?4 IS NULL OR type = ?4)
                    AND (name, type, tags, host) > (?5, ?6, ?7, ?8)
                ORDER BY name, type, tags, host
                """#)
            find.bind(1, query.range.since.microseconds)
            find.bind(2, query.range.until.microseconds)
            find.bind(3, copying: query.metricLike)
            find.bind(4, query.type.map { Int64($0.rawValue) })
            find.bind(5, copying: cursor?.texts[0] ?? "")
            find.bind(6, cursor?.numbers[0] ?? -1)
            find.bind(7, copying: cursor?.texts[1] ?? "")
            find.bind(8, cursor?.numbers[1] ?? -1)
            var rows: [Series] = []
            var last: PageCursor?
            while try find.step() {
                let tags = SeriesTags(find.string(2) ?? "")
                guard let type = MetricType(rawValue: UInt8(clamping: find.int(1))),
                    tags.match(query.filters)
                else { continue }
                if rows.count == query.page.rowsMax {
                    return Page(rows: rows, nextCursor: last?.text)
                }
                let name = find.string(0) ?? ""
                rows.append(
                    Series(
                        name: name, type: type, tags: tags.list,
                        first: Timestamp(microseconds: find.int(3)),
                        last: Timestamp(microseconds: find.int(4)), samples: find.double(5)))
                last = PageCursor(
                    list: "m", numbers: [find.int(1), find.int(6)],
                    texts: [name, find.string(2) ?? ""])
            }
            return Page(rows: rows)
        }
    }
}

/// A series' tags, from their canonical text.
struct SeriesTags {
    let list: [Tag]

    init(_ text: String) {
        list = text.split(separator: ",").map { tag in
            guard let colon = tag.firstIndex(of: ":") else {
                return Tag(key: String(tag), value: "")
            }
            return Tag(
                key: String(tag[..<colon]), value: String(tag[tag.index(after: colon)...]))
        }
    }

    /// The tag's values, in order; a key can stand more than once.
    func values(_ key: String) -> [String] {
        list.compactMap { $0.key == key ? $0.value : nil }
    }

    func match(_ filters: [Filter]) -> Bool {
        filters.allSatisfy { $0.test.matches(tagValues: values($0.path)) }
    }
}
