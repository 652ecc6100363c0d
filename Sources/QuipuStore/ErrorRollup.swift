import QuipuModel

/// How many errors of each kind, name and category there were, by the spans of `EventRollup`; kept
/// up in the commit that changes the events, collected and written once a transaction.
final class ErrorRollupWriter {
    private struct Key: Hashable, Comparable {
        var width: Int64
        /// Start of the span, seconds since 1970.
        var start: Int64
        var kind: Int64
        /// 0: none. Ids begin at 1.
        var name: Int64
        /// 0: none.
        var category: Int64

        static func < (left: Key, right: Key) -> Bool {
            (left.width, left.start, left.kind, left.name, left.category)
                < (right.width, right.start, right.kind, right.name, right.category)
        }
    }

    private var changes: [Key: Int64] = [:]
    private let add: RawStatement
    private let delete: RawStatement

    init(_ connection: OpaquePointer) throws {
        add = try RawStatement(
            connection,
            """
            INSERT INTO error_rollups (width, start, kind, name, category, count)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET count = count + excluded.count
            """)
        delete = try RawStatement(
            connection,
            """
            DELETE FROM error_rollups WHERE width = ?1 AND start = ?2 AND kind = ?3 AND name = ?4
                AND category = ?5 AND count <= 0
            """)
    }

    /// So many errors more, or fewer.
    func count(
        _ change: Int64, time: Int64, kind: Int64, name: Int64?, category: ErrorCategory?
    ) {
        for width in EventRollup.widths {
            let key = Key(
                width: width, start: floorDivide(time, width * 1_000_000) * width, kind: kind,
                name: name ?? 0, category: Int64(category?.rawValue ?? 0))
            changes[key, default: 0] += change
        }
    }

    /// Has to be called before the transaction ends.
    func flush() throws {
        guard !changes.isEmpty else { return }
        for (key, change) in changes.sorted(by: { $0.key < $1.key }) where change != 0 {
            bind(key, to: add)
            add.bind(6, change)
            try add.run()
            guard change < 0 else { continue }
            bind(key, to: delete)
            try delete.run()
        }
        changes.removeAll(keepingCapacity: true)
    }

    private func bind(_ key: Key, to statement: RawStatement) {
        statement.bind(1, key.width)
        statement.bind(2, key.start)
        statement.bind(3, key.kind)
        statement.bind(4, key.name)
        statement.bind(5, key.category)
    }
}

/// Counts errors by name and category: from their rollups, at the edges of the range from the index
/// over errors, and only where filters ask for more from the rows.
struct ErrorCount {
    private struct Key: Hashable {
        var kind: Int64
        var name: Int64?
        var category: ErrorCategory
    }

    private static let columns: Set<String> = ["kind", "name", "status", "error_category"]

    private let context: ReadContext
    private let range: TimeRange
    private let filters: [Filter]
    private var verdicts: [Key: Bool] = [:]

    init(_ context: ReadContext, _ range: TimeRange, _ filters: [Filter]) throws {
        for filter in filters { try filter.test.check(path: filter.path) }
        self.context = context
        self.range = range
        self.filters = filters
    }

    /// Calls `take` with counts that add up.
    mutating func run(_ take: (Int64?, ErrorCategory, Int) -> Void) throws {
        guard filters.allSatisfy({ Self.columns.contains($0.path) }) else {
            let isError = Filter(path: "status", test: .oneOf([.string("error")]))
            var scan = try EventScan(
                context, range, filters + [isError], withAttributes: false, order: .any)
            while let row = try scan.next() { take(row.name, row.errorCategory ?? .unknown, 1) }
            return
        }
        let cover = RollupCover(range, widths: EventRollup.widths)
        let rollups = try context.prepare(
            """
            SELECT kind, name, category, count FROM error_rollups
            WHERE width = ?1 AND start >= ?2 AND start < ?3
            """)
        for part in cover.parts {
            rollups.bind(1, part.width)
            rollups.bind(2, part.spans.lowerBound)
            rollups.bind(3, part.spans.upperBound)
            try add(rollups, take)
        }
        let index = try context.prepare(
            """
            SELECT kind, name, error_category, 1 FROM events INDEXED BY errors_by_time
            WHERE status = \(EventStatus.error.rawValue) AND time >= ?1 AND time < ?2
            """)
        for edge in cover.edges {
            index.bind(1, edge.since.microseconds)
            index.bind(2, edge.until.microseconds)
            try add(index, take)
        }
    }

    private mutating func add(
        _ rows: RawStatement, _ take: (Int64?, ErrorCategory, Int) -> Void
    ) throws {
        defer { rows.reset() }
        while try rows.step() {
            let name = rows.optionalInt(1) ?? 0
            let key = Key(
                kind: rows.int(0), name: name == 0 ? nil : name,
                category: ErrorCategory(stored: rows.optionalInt(2)) ?? .unknown)
            if try passes(key) { take(key.name, key.category, Int(rows.int(3))) }
        }
    }

    private mutating func passes(_ key: Key) throws -> Bool {
        if let verdict = verdicts[key] { return verdict }
        let verdict = try filters.allSatisfy { filter in
            let value: Scalar =
                switch filter.path {
                case "kind": .string(try context.text(key.kind))
                case "name": try context.text(key.name).map(Scalar.string) ?? .null
                case "status": .string("error")
                default: .string(key.category.word)
                }
            return filter.test.matches(value)
        }
        verdicts[key] = verdict
        return verdict
    }
}
