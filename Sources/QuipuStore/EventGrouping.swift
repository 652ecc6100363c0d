import QuipuModel

/// Events counted by the members of `group_by`, in one pass.
struct EventGrouping {
    private struct Group {
        var key: [UInt8]
        var values: [Scalar]
        var counts = OutcomeCounts()
        var durations = Durations()
        var last = Timestamp(microseconds: .min)
        var sums: [Double]
        var quantiles: [Durations]
    }

    private enum Member {
        case operand(EventOperand)
        case span(GroupKey.Span)
    }

    private let words: [String]
    private let members: [Member]
    private let sumPaths: [(path: String, operand: EventOperand)]
    private let quantilePaths: [(path: String, operand: EventOperand)]
    private let range: TimeRange
    private var spans: CalendarSpans
    /// Spans of time are listed in order of time, everything else with the largest first.
    private let isChronological: Bool
    private var groups: [Group] = []
    private var places: [[UInt8]: Int] = [:]
    private var key: [UInt8] = []

    init(_ query: SummaryQuery) throws(StoreError) {
        words = query.groupBy.map(\.word)
        members = query.groupBy.map {
            switch $0 {
            case .column(let column): .operand(EventOperand(path: column.rawValue))
            case .span(let span): .span(span)
            case .attribute(let path): .operand(.attribute(JSONPath(path)))
            }
        }
        sumPaths = query.sum.map { ($0, EventOperand(path: $0)) }
        quantilePaths = query.quantiles.map { ($0, EventOperand(path: $0)) }
        range = query.range
        spans = try CalendarSpans(zone: query.timeZone)
        isChronological = query.groupBy.contains { if case .span = $0 { true } else { false } }
    }

    var needsAttributes: Bool {
        (sumPaths + quantilePaths).contains { $0.operand.needsAttributes }
            || members.contains {
                if case .operand(let operand) = $0 { operand.needsAttributes } else { false }
            }
    }

    /// The widest rollups that fall into one group each, in seconds; nil where only rows can tell.
    var rollupWidthMax: Int64? {
        guard sumPaths.isEmpty, quantilePaths.isEmpty else { return nil }
        var widthMax = Int64.max
        for member in members {
            switch member {
            case .operand(.interned(EventRow.kindColumn)), .operand(.interned(EventRow.nameColumn)),
                .operand(.status):
                continue
            case .operand: return nil
            case .span(let span): widthMax = min(widthMax, spans.rollupWidth(span, over: range))
            }
        }
        return widthMax
    }

    mutating func add(_ rollup: EventRollupRow, _ context: ReadContext) throws {
        let place = try place(of: rollup, context)
        groups[place].counts.add(rollup.status, count: rollup.count)
        groups[place].durations.add(rollup)
        groups[place].last = max(groups[place].last, rollup.last)
    }

    mutating func add(_ row: EventRow, _ context: ReadContext) throws {
        let place = try place(of: row, context)
        groups[place].counts.add(row.status)
        if let duration = row.durationMs { groups[place].durations.add(duration) }
        groups[place].last = max(groups[place].last, row.time)
        for (index, quantile) in quantilePaths.enumerated() {
            guard let number = try quantile.operand.value(row, context).number else { continue }
            groups[place].quantiles[index].add(number)
        }
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
            case .span(let span): append(spans.start(of: span, holding: row.time))
            }
        }
        return try place { spans, operand, span in
            if let span { return .string(spans.text(of: span, holding: row.time)) }
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
            case .span(let span): append(spans.start(of: span, holding: rollup.start))
            }
        }
        return try place { spans, operand, span in
            if let span { return .string(spans.text(of: span, holding: rollup.start)) }
            switch operand {
            case .interned(EventRow.kindColumn): return .string(try context.text(rollup.kind))
            case .interned: return try context.text(rollup.name).map(Scalar.string) ?? .null
            default: return rollup.status.word.map(Scalar.string) ?? .null
            }
        }
    }

    /// The group of `key`, made with the members' values when it is new.
    private mutating func place(
        _ value: (inout CalendarSpans, EventOperand?, GroupKey.Span?) throws -> Scalar
    ) throws -> Int {
        if let known = places[key] { return known }
        guard groups.count < Limits.groupsPerReplyMax else {
            throw StoreError.tooLarge(
                hint: "more than \(Limits.groupsPerReplyMax) groups; group by less or filter more")
        }
        let values: [Scalar] = try members.map {
            switch $0 {
            case .operand(let operand): try value(&spans, operand, nil)
            case .span(let span): try value(&spans, nil, span)
            }
        }
        groups.append(
            Group(
                key: key, values: values, sums: Array(repeating: 0, count: sumPaths.count),
                quantiles: Array(repeating: Durations(), count: quantilePaths.count)))
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
            counts: group.counts, duration: group.durations.summary, last: group.last,
            sums: zip(sumPaths, group.sums).map { EventGroup.Sum(path: $0.path, value: $1) },
            quantiles: zip(quantilePaths, group.quantiles).map {
                EventGroup.Quantiles(path: $0.path, summary: $1.summary)
            })
    }
}

extension Scalar {
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
