public import QuipuModel

extension SQLiteStore {
    /// Files that calls touched in the range, the last touched first. The figures are those of all
    /// sessions that pass, whole.
    public func files(_ query: FileQuery) async throws(StoreError) -> Page<FileTouches> {
        try await read { context in
            let cursor = try query.page.cursor.map { try PageCursor($0, list: "f", numbers: 2) }
            var filter = try FileFilter(query.filters)
            let find = try context.prepare(
                """
                SELECT path, session, first, last, reads, writes, edits,
                    (SELECT context FROM sessions WHERE session = t.session)
                FROM file_touches AS t
                WHERE last >= ?1 AND first < ?2 AND session IN (
                    SELECT 0 UNION ALL
                    SELECT session FROM sessions WHERE last >= ?1 AND first < ?2)
                """)
            find.bind(1, query.range.since.microseconds)
            find.bind(2, query.range.until.microseconds)
            var files: [Int64: FileTouches] = [:]
            while try find.step() {
                guard try filter.matches(find, context) else { continue }
                files[find.int(0), default: .none].add(find)
            }
            let listed = files.filter { filter.matchesCounts($0.value) }
                .map { (rank: (-$0.value.lastSeen.microseconds, $0.key), file: $0.value) }
                .sorted { $0.rank < $1.rank }
            let rest = listed.drop { row in
                cursor.map { row.rank <= ($0.numbers[0], $0.numbers[1]) } ?? false
            }
            let shown = rest.prefix(query.page.rowsMax)
            let next = rest.count > shown.count ? shown.last?.rank : nil
            return Page(
                rows: try shown.map { row in
                    var file = row.file
                    file.path = try context.text(row.rank.1)
                    return file
                },
                nextCursor: next.map { PageCursor(list: "f", numbers: [$0.0, $0.1]).text })
        }
    }
}

extension FileTouches {
    fileprivate static let none = FileTouches(
        path: "", reads: 0, writes: 0, edits: 0, firstSeen: Timestamp(microseconds: .max),
        lastSeen: Timestamp(microseconds: .min), sessions: 0)

    fileprivate mutating func add(_ row: RawStatement) {
        firstSeen = min(firstSeen, Timestamp(microseconds: row.int(2)))
        lastSeen = max(lastSeen, Timestamp(microseconds: row.int(3)))
        reads += Int(row.int(4))
        writes += Int(row.int(5))
        edits += Int(row.int(6))
        if row.int(1) != 0 { sessions += 1 }
    }
}

/// The filters of `files.list`: those of single rows, and those of a file's counts.
private struct FileFilter {
    private var filters: [Filter] = []
    private var counts: [Filter] = []
    /// Verdicts on paths, which come again and again.
    private var paths: [Int64: Bool] = [:]

    init(_ given: [Filter]) throws(StoreError) {
        for filter in given {
            try filter.test.check(path: filter.path)
            switch filter.path {
            case "reads", "writes", "edits": counts.append(filter)
            case "path", "session": filters.append(filter)
            default:
                guard ContextColumn(rawValue: filter.path) != nil else {
                    throw .invalid(
                        path: "where.\(filter.path)",
                        hint: "one of path, session, reads, writes, edits, "
                            + ContextColumn.allCases.map(\.rawValue).joined(separator: ", "))
                }
                filters.append(filter)
            }
        }
    }

    mutating func matches(_ row: RawStatement, _ context: ReadContext) throws -> Bool {
        for filter in filters {
            switch filter.path {
            case "path":
                let path = row.int(0)
                let verdict =
                    try paths[path] ?? filter.test.matches(.string(context.text(path)))
                paths[path] = verdict
                guard verdict else { return false }
            case "session":
                let session = row.int(1) == 0 ? nil : row.int(1)
                let name = try context.text(session).map(Scalar.string) ?? .null
                guard filter.test.matches(name) else { return false }
            default:
                guard let column = ContextColumn(rawValue: filter.path) else { return false }
                let text = try context.text(context.id(of: column, inContext: row.int(7)))
                guard filter.test.matches(text.map(Scalar.string) ?? .null) else { return false }
            }
        }
        return true
    }

    func matchesCounts(_ file: FileTouches) -> Bool {
        counts.allSatisfy { filter in
            let count =
                filter.path == "reads"
                ? file.reads : filter.path == "writes" ? file.writes : file.edits
            return filter.test.matches(.int(Int64(count)))
        }
    }
}
