import QuipuModel

/// Categories of the errors that are stored.
enum ErrorCategories {
    /// Where a line tells its error's category itself.
    static let path = JSONPath("error_category")

    /// For a database of before there were any.
    static func fill(_ connection: OpaquePointer) throws {
        let find = try RawStatement(
            connection,
            """
            SELECT e.id, e.error, s.text FROM events AS e LEFT JOIN strings AS s ON s.id = e.name
            WHERE e.status = \(EventStatus.error.rawValue) AND e.id > ?1 ORDER BY e.id LIMIT 1000
            """)
        let update = try RawStatement(
            connection, "UPDATE events SET error_category = ?2 WHERE id = ?1")
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        var last = Int64.min
        while true {
            var found: [(Int64, ErrorCategory)] = []
            find.bind(1, last)
            while try find.step() {
                found.append(
                    (
                        find.int(0),
                        ErrorCategory.of(error: find.bytes(1) ?? none, tool: find.bytes(2) ?? none)
                    ))
            }
            find.reset()
            guard let end = found.last?.0 else { return }
            for (id, category) in found {
                update.bind(1, id)
                update.bind(2, Int64(category.rawValue))
                try update.run()
            }
            last = end
        }
    }
}
