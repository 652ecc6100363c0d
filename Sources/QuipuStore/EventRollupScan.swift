import QuipuModel
import Sketches

/// A range of time as whole spans of rollups, and what is left of it at its edges.
struct RollupCover {
    struct Part: Equatable {
        var width: Int64
        /// Seconds since 1970, multiples of `width`.
        var spans: Range<Int64>
    }

    private(set) var parts: [Part] = []
    /// What no span covers, to be read from the rows.
    private(set) var edges: [TimeRange] = []

    /// - Parameter widths: wide to narrow, each a multiple of the next.
    init(_ range: TimeRange, widths: [Int64]) {
        guard let narrowest = widths.last, range.since < range.until else { return }
        let scale = narrowest * 1_000_000
        // Beyond these, no whole span fits 64 bits.
        let since = max(range.since.microseconds, Int64.min / 2)
        let until = min(range.until.microseconds, Int64.max / 2)
        let first = floorDivide(since + scale - 1, scale) * narrowest
        let last = floorDivide(until, scale) * narrowest
        guard first < last else {
            edges = [range]
            return
        }
        cover(first..<last, widths[...])
        let begin = Timestamp.seconds(first)
        let end = Timestamp.seconds(last)
        if range.since < begin { edges.append(TimeRange(since: range.since, until: begin)) }
        if end < range.until { edges.append(TimeRange(since: end, until: range.until)) }
    }

    private mutating func cover(_ range: Range<Int64>, _ widths: ArraySlice<Int64>) {
        guard let width = widths.first, !range.isEmpty else { return }
        let first = floorDivide(range.lowerBound + width - 1, width) * width
        let last = floorDivide(range.upperBound, width) * width
        guard first < last else { return cover(range, widths.dropFirst()) }
        cover(range.lowerBound..<first, widths.dropFirst())
        parts.append(Part(width: width, spans: first..<last))
        cover(last..<range.upperBound, widths.dropFirst())
    }
}

/// The rollup that a scan stands on.
struct EventRollupRow {
    let row: RawStatement

    var start: Timestamp { .seconds(row.int(0)) }
    var kind: Int64 { row.int(1) }
    var name: Int64? { row.int(2) == 0 ? nil : row.int(2) }
    var status: EventStatus { EventStatus(rawValue: UInt8(clamping: row.int(3))) ?? .none }
    var count: Int { Int(row.int(4)) }
    var last: Timestamp { Timestamp(microseconds: row.int(5)) }

    // Durations; these mean something only where `sketch` is not nil.
    var timed: Int { Int(row.int(6)) }
    var sumMs: Double { row.double(7) / 1_000 }
    var minMs: Double { Double(row.int(8)) / 1_000 }
    var maxMs: Double { Double(row.int(9)) / 1_000 }
    var sketch: UnsafeRawBufferPointer? { row.bytes(10) }
}

/// Answers a question about many events from their rollups, and from the rows where its range cuts
/// a span in two: the answer is that of the rows, but for percentiles within a sketch's error.
struct EventRollupScan {
    private enum Column: Int32 {
        case kind = 1
        case name = 2
        case status = 3
    }

    private struct Condition {
        var column: Column
        var test: Filter.Test
        /// Verdicts by the column's value.
        var verdicts: [Int64: Bool] = [:]
    }

    let edges: [TimeRange]
    private let context: ReadContext
    private var parts: [RollupCover.Part]
    private var conditions: [Condition] = []
    private let statement: RawStatement
    private var isOpen = false

    /// Nil where only rows can tell: filters of other columns.
    ///
    /// - Parameter widthMax: seconds; no span that is looked at is wider.
    init?(
        _ context: ReadContext, _ range: TimeRange, _ filters: [Filter], widthMax: Int64 = .max
    ) throws {
        for filter in filters {
            let column: Column
            switch filter.path {
            case "kind": column = .kind
            case "name": column = .name
            case "status": column = .status
            default: return nil
            }
            try filter.test.check(path: filter.path)
            conditions.append(Condition(column: column, test: filter.test))
        }
        self.context = context
        let cover = RollupCover(range, widths: EventRollup.widths.filter { $0 <= widthMax })
        edges = cover.edges
        parts = cover.parts
        statement = try context.prepare(
            """
            SELECT start, kind, name, status, \(EventRollup.columns) FROM event_rollups
            WHERE width = ?1 AND start >= ?2 AND start < ?3
            """)
    }

    /// The next rollup that passes; valid until the next call.
    mutating func next() throws -> EventRollupRow? {
        while true {
            if !isOpen {
                guard let part = parts.popLast() else { return nil }
                statement.reset()
                statement.bind(1, part.width)
                statement.bind(2, part.spans.lowerBound)
                statement.bind(3, part.spans.upperBound)
                isOpen = true
            }
            guard try statement.step() else {
                isOpen = false
                continue
            }
            let row = EventRollupRow(row: statement)
            if try matches(row) { return row }
        }
    }

    private mutating func matches(_ row: EventRollupRow) throws -> Bool {
        for index in conditions.indices {
            let value = row.row.int(conditions[index].column.rawValue)
            if let verdict = conditions[index].verdicts[value] {
                guard verdict else { return false }
                continue
            }
            let verdict = conditions[index].test.matches(
                try scalar(value, conditions[index].column))
            conditions[index].verdicts[value] = verdict
            guard verdict else { return false }
        }
        return true
    }

    private func scalar(_ value: Int64, _ column: Column) throws -> Scalar {
        switch column {
        case .kind: .string(try context.text(value))
        case .name: value == 0 ? .null : .string(try context.text(value))
        case .status:
            EventStatus(rawValue: UInt8(clamping: value))?.word.map(Scalar.string) ?? .null
        }
    }
}
