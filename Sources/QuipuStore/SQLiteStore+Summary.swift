public import QuipuModel

extension SQLiteStore {
    public func summary(_ query: SummaryQuery) async throws(StoreError) -> Page<EventGroup> {
        try await read { context in
            var grouping = EventGrouping(query)
            var ranges = [query.range]
            if let widthMax = grouping.rollupWidthMax,
                var rollups = try EventRollupScan(
                    context, query.range, query.filters, widthMax: widthMax)
            {
                while let rollup = try rollups.next() { try grouping.add(rollup, context) }
                ranges = rollups.edges
            }
            for range in ranges {
                var scan = try EventScan(
                    context, range, query.filters, withAttributes: grouping.needsAttributes,
                    order: .any)
                while let row = try scan.next() { try grouping.add(row, context) }
            }
            let cursor = try query.page.cursor.map {
                try PageCursor($0, list: "g", numbers: 1, texts: 1)
            }
            return try grouping.page(query.page, after: cursor, context)
        }
    }
}

/// Events counted by the members of `group_by`, in one pass.
private struct EventGrouping {
    private struct Group {
        var key: [UInt8]
        var values: [Scalar]
        var counts = OutcomeCounts()
        var durations = Durations()
        var sums: [Double]
    }

    private enum Member {
        case operand(EventOperand)
        case span(GroupKey.Span)
    }

    private let words: [String]
    private let members: [Member]
    private let sumPaths: [(path: String, operand: EventOperand)]
    /// Spans of time are listed in order of time, everything else with the largest first.
    private let isChronological: Bool
    private var groups: [Group] = []
    private var places: [[UInt8]: Int] = [:]
    private var key: [UInt8] = []

    init(_ query: SummaryQuery) {
        words = query.groupBy.map(\.word)
        members = query.groupBy.map {
            switch $0 {
            case .column(let column): .operand(EventOperand(path: column.rawValue))
            case .span(let span): .span(span)
            case .attribute(let path): .operand(.attribute(JSONPath(path)))
            }
        }
        sumPaths = query.sum.map { ($0, EventOperand(path: $0)) }
        isChronological = query.groupBy.contains { if case .span = $0 { true } else { false } }
    }

    var needsAttributes: Bool {
        sumPaths.contains { $0.operand.needsAttributes }
            || members.contains {
                if case .operand(let operand) = $0 { operand.needsAttributes } else { false }
            }
    }

    /// The widest rollups that fall into one group each, in seconds; nil where only rows can tell.
    var rollupWidthMax: Int64? {
        guard sumPaths.isEmpty else { return nil }
        var widthMax = Int64.max
        for member in members {
            switch member {
            case .operand(.interned(EventRow.kindColumn)), .operand(.interned(EventRow.nameColumn)),
                .operand(.status):
                continue
            case .operand: return nil
            // Days, weeks and months are made of whole days.
            case .span(let span): widthMax = min(widthMax, span == .hour ? 3_600 : 86_400)
            }
        }
        return widthMax
    }

    mutating func add(_ rollup: EventRollupRow, _ context: ReadContext) throws {
        let place = try place(of: rollup, context)
        groups[place].counts.add(rollup.status, count: rollup.count)
        groups[place].durations.add(rollup)
    }

    mutating func add(_ row: EventRow, _ context: ReadContext) throws {
        let place = try place(of: row, context)
        groups[place].counts.add(row.status)
        if let duration = row.durationMs { groups[place].durations.add(duration) }
        for (index, sum) in sumPaths.enumerated() {
            groups[place].sums[index] += try sum.operand.value(row, context).number ?? 0
        }
    }

    // MARK: Finding a row's group

    /// Interned columns are told apart by their ids; their texts are looked up once a group.
    private mutating func place(of row: EventRow, _ context: ReadContext) throws -> Int {
        key.removeAll(keepingCapacity: true)
        for member in members {
            switch member {
            case .operand(.interned(let column)): append(row.row.optionalInt(column) ?? -1)
            case .operand(.status): append(Int64(row.status.rawValue))
            case .operand(.source): append(row.source)
            case .operand(let operand): append(try operand.value(row, context))
            case .span(let span): append(CivilTime.start(of: span, holding: row.time))
            }
        }
        return try place { operand, span in
            if let span { return .text(of: span, holding: row.time) }
            return try operand?.value(row, context) ?? .null
        }
    }

    /// As for a row; `rollupWidthMax` says that there are no other members.
    private mutating func place(
        of rollup: EventRollupRow, _ context: ReadContext
    ) throws -> Int {
        key.removeAll(keepingCapacity: true)
        for member in members {
            switch member {
            case .operand(.interned(EventRow.kindColumn)): append(rollup.kind)
            case .operand(.interned): append(rollup.name ?? -1)
            case .operand: append(Int64(rollup.status.rawValue))
            case .span(let span): append(CivilTime.start(of: span, holding: rollup.start))
            }
        }
        return try place { operand, span in
            if let span { return .text(of: span, holding: rollup.start) }
            switch operand {
            case .interned(EventRow.kindColumn): return .string(try context.text(rollup.kind))
            case .interned: return try context.text(rollup.name).map(Scalar.string) ?? .null
            default: return rollup.status.word.map(Scalar.string) ?? .null
            }
        }
    }

    /// The group of `key`, made with the members' values when it is new.
    private mutating func place(
        _ value: (EventOperand?, GroupKey.Span?) throws -> Scalar
    ) throws -> Int {
        if let known = places[key] { return known }
        guard groups.count < Limits.groupsPerReplyMax else {
            throw StoreError.tooLarge(
                hint: "more than \(Limits.groupsPerReplyMax) groups; group by less or filter more")
        }
        let values: [Scalar] = try members.map {
            switch $0 {
            case .operand(let operand): try value(operand, nil)
            case .span(let span): try value(nil, span)
            }
        }
        groups.append(
            Group(key: key, values: values, sums: Array(repeating: 0, count: sumPaths.count)))
        places[key] = groups.count - 1
        return groups.count - 1
    }

    private mutating func append(_ value: Int64) {
        withUnsafeBytes(of: value) { key += $0 }
    }

    private mutating func append(_ value: Scalar) {
        switch value {
        case .null: key.append(0)
        case .bool(let value): key.append(value ? 2 : 1)
        case .int(let value):
            key.append(3)
            append(value)
        case .double(let value):
            key.append(4)
            append(Int64(bitPattern: value.bitPattern))
        case .string(let value):
            key.append(5)
            append(Int64(value.utf8.count))
            key += value.utf8
        }
    }

    // MARK: The answer

    func page(
        _ page: PageRequest, after cursor: PageCursor?, _ context: ReadContext
    ) throws -> Page<EventGroup> {
        let listed = groups.map { group in
            let rank = isChronological ? 0 : -Int64(group.counts.count)
            return (
                rank: rank, name: group.values.map(\.sortText).joined(separator: "\u{1}"), group
            )
        }
        .sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }
        let rest = listed.drop {
            guard let cursor else { return false }
            return ($0.rank, $0.name) <= (cursor.numbers[0], cursor.texts[0])
        }
        let shown = rest.prefix(page.rowsMax)
        let next = rest.count > shown.count ? shown.last : nil
        return Page(
            rows: shown.map { eventGroup($0.2) },
            nextCursor: next.map {
                PageCursor(list: "g", numbers: [$0.rank], texts: [$0.name]).text
            })
    }

    private func eventGroup(_ group: Group) -> EventGroup {
        EventGroup(
            group: zip(words, group.values).map { EventGroup.Member(name: $0, value: $1) },
            counts: group.counts, duration: group.durations.summary,
            sums: zip(sumPaths, group.sums).map { EventGroup.Sum(path: $0.path, value: $1) })
    }
}

extension Scalar {
    fileprivate static func text(of span: GroupKey.Span, holding time: Timestamp) -> Scalar {
        .string(CivilTime.text(seconds: CivilTime.start(of: span, holding: time)))
    }

    /// A text that tells different values apart and orders equal types.
    var sortText: String {
        switch self {
        case .null: "0"
        case .bool(let value): value ? "1t" : "1f"
        case .int(let value): "2\(value)"
        case .double(let value): "3\(value)"
        case .string(let value): "4\(value)"
        }
    }
}
