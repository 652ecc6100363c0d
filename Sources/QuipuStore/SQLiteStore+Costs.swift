public import QuipuModel

extension SQLiteStore {
    public func costs(_ query: CostQuery) async throws(StoreError) -> CostSummary {
        let calendar = try ZonedCalendar(zone: query.timeZone)
        let range = calendar.range(of: query)
        return try await read { context in
            var scan = try UsageScan(context, range, query.filters)
            var grouping = CostGrouping(query.groupBy, calendar)
            while try scan.next() { try grouping.add(scan) }
            return try grouping.summary(query.page)
        }
    }

    /// Those that reach into the range, whole.
    public func blocks(_ query: BlockQuery) async throws(StoreError) -> [CostBlock] {
        try await read { context in
            var range = query.range
            range.since = try Self.blockStart(query, context)
            var scan = try UsageScan(context, range, query.filters)
            var builder = BlockBuilder(lengthSeconds: query.lengthSeconds, now: query.now)
            while try scan.next() {
                builder.add(try scan.entry())
                guard builder.blocks.count <= Limits.groupsPerReplyMax else {
                    throw StoreError.tooLarge(
                        hint: "more than \(Limits.groupsPerReplyMax) blocks; ask for less time")
                }
            }
            return builder.finish().filter { $0.end > query.range.since }
        }
    }

    /// The last moment before the range at which a block certainly began: after a pause of more
    /// than a length. Where blocks begin follows from where the one before did.
    private static func blockStart(
        _ query: BlockQuery, _ context: ReadContext
    ) throws -> Timestamp {
        let length = query.lengthSeconds * 1_000_000
        let find = try context.prepare(
            "SELECT time FROM usage_calls WHERE time < ?1 ORDER BY time DESC")
        find.bind(1, query.range.since.microseconds)
        var start = query.range.since.microseconds
        while try find.step() {
            guard start - find.int(0) <= length else { break }
            start = find.int(0)
        }
        return Timestamp(microseconds: start)
    }
}

extension ZonedCalendar {
    /// The question's range, with what only a calendar can tell.
    fileprivate func range(of query: CostQuery) -> TimeRange {
        var range = query.range
        if let start = query.sinceStart {
            range.since = .seconds(span(start.span, holding: start.now).lowerBound)
        }
        if query.sinceIsDate { range.since = midnight(ofDate: range.since) }
        if query.untilIsDate { range.until = midnight(ofDate: range.until) }
        return range
    }
}

/// Calls added up by the members of `group_by`, in one pass.
private struct CostGrouping {
    private struct Group {
        var values: [Scalar]
        var date: String?
        var figures = CostFigures()
    }

    private let members: [CostKey]
    private let calendar: ZonedCalendar
    private let isChronological: Bool
    private var groups: [Group] = []
    private var places: [[Int64]: Int] = [:]
    private var key: [Int64] = []
    /// The span of each member that is one, as it held the last call.
    private var spans: [Range<Int64>]
    private var total = CostFigures()

    init(_ members: [CostKey], _ calendar: ZonedCalendar) {
        self.members = members
        self.calendar = calendar
        spans = members.map { _ in 0..<0 }
        isChronological = members.contains { if case .span = $0 { true } else { false } }
    }

    mutating func add(_ scan: UsageScan) throws {
        key.removeAll(keepingCapacity: true)
        let second = floorDivide(scan.time.microseconds, 1_000_000)
        for (index, member) in members.enumerated() {
            switch member {
            case .column(let column): key.append(try scan.id(of: column) ?? -1)
            case .span(let span):
                if !spans[index].contains(second) {
                    spans[index] = calendar.span(span, holding: scan.time)
                }
                key.append(spans[index].lowerBound)
            }
        }
        let place = try places[key] ?? make(scan)
        let entry = try scan.entry()
        groups[place].figures.add(entry)
        total.add(entry)
    }

    private mutating func make(_ scan: UsageScan) throws -> Int {
        var group = Group(values: [])
        for (index, member) in members.enumerated() {
            switch member {
            case .column(let column): group.values.append(try scan.value(of: column))
            case .span(let span):
                let start = spans[index].lowerBound
                group.values.append(.string(CivilTime.text(seconds: start)))
                group.date = group.date ?? calendar.label(span, start: start)
            }
        }
        // Models of one provider are one group: the values tell, not the ids.
        if members.contains(.column(.provider)),
            let same = groups.firstIndex(where: { $0.values == group.values })
        {
            places[key] = same
            return same
        }
        guard groups.count < Limits.groupsPerReplyMax else {
            throw StoreError.tooLarge(
                hint: "more than \(Limits.groupsPerReplyMax) groups; group by less or filter more")
        }
        groups.append(group)
        places[key] = groups.count - 1
        return groups.count - 1
    }

    /// Spans of time in their order, all else with the most expensive first.
    func summary(_ page: PageRequest) throws -> CostSummary {
        let cursor = try page.cursor.map { try PageCursor($0, list: "c", numbers: 1, texts: 1) }
        let listed = groups.map { group in
            let micros = (group.figures.pricedUSD * 1e6).rounded()
            let rank = isChronological ? 0 : -(Int64(exactly: micros) ?? .max)
            return (
                rank: rank, name: group.values.map(\.sortText).joined(separator: "\u{1}"),
                group: group
            )
        }
        .sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }
        let rest = listed.drop {
            guard let cursor else { return false }
            return ($0.rank, $0.name) <= (cursor.numbers[0], cursor.texts[0])
        }
        let shown = rest.prefix(page.rowsMax)
        let next = rest.count > shown.count ? shown.last : nil
        let rows = shown.map { item in
            CostGroup(
                group: zip(members, item.group.values).map {
                    EventGroup.Member(name: $0.word, value: $1)
                }, date: item.group.date, figures: item.group.figures)
        }
        return CostSummary(
            groups: Page(
                rows: rows,
                nextCursor: next.map {
                    PageCursor(list: "c", numbers: [$0.rank], texts: [$0.name]).text
                }), total: total)
    }
}
