import QuipuModel

/// Series of one metric and one type that are added up: those that have the same values of the
/// tags grouped by. What a counter counts and what a timer measures have no common figure.
struct MetricGroup {
    struct Key: Hashable {
        var values: [String?]
        var type: MetricType
    }

    var key: Key
    var series: [Int64]

    /// The metric's groups that may have samples in `span`, by the values of their tags.
    static func all(
        of operand: MetricQuery.Operand, _ query: MetricQuery, _ span: Range<Int64>,
        _ context: ReadContext
    ) throws -> [MetricGroup] {
        let find = try context.prepare(
            """
            SELECT id, type, tags FROM series
            WHERE name = ?1 AND last / 1000000 >= ?2 AND first / 1000000 < ?3
            """)
        find.bind(1, copying: operand.metric)
        find.bind(2, span.lowerBound)
        find.bind(3, span.upperBound)
        var groups: [Key: [Int64]] = [:]
        while try find.step() {
            let tags = SeriesTags(find.string(2) ?? "")
            guard let type = MetricType(rawValue: UInt8(clamping: find.int(1))),
                operand.type == nil || operand.type == type, tags.match(query.filters)
            else { continue }
            let key = Key(values: query.groupBy.map { tags.values($0).first }, type: type)
            groups[key, default: []].append(find.int(0))
            // Of the largest so many only these are kept, however many there are.
            guard query.top != nil || groups.count <= Limits.groupsPerReplyMax else {
                throw StoreError.tooLarge(
                    path: "group_by",
                    hint: "more than \(Limits.groupsPerReplyMax) groups; filter by tags, or ask"
                        + " for the top")
            }
        }
        return groups.map { MetricGroup(key: $0, series: $1) }
            .sorted { precedes($0.key, $1.key) }
    }

    private static func precedes(_ left: Key, _ right: Key) -> Bool {
        left.values == right.values
            ? left.type.rawValue < right.type.rawValue : precedes(left.values, right.values)
    }

    /// Those that lack a tag come last.
    static func precedes(_ left: [String?], _ right: [String?]) -> Bool {
        left.lexicographicallyPrecedes(right) {
            ($0 == nil ? 1 : 0, $0 ?? "") < ($1 == nil ? 1 : 0, $1 ?? "")
        }
    }
}
