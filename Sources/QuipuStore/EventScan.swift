import QuipuModel

/// The row of `events` that a scan stands on.
struct EventRow {
    private static let facts = """
        id, time, flags, kind, name, status, duration_us, session, task, agent, error, source, offset,
        tool_use_id
        """
    private static let details = """
        , attributes, opening_block, opening_at, closing_block, closing_at
        """

    static let kindColumn: Int32 = 3
    static let nameColumn: Int32 = 4

    /// What to select. Attributes are the bulk of a row: leave them out where nothing asks for
    /// them.
    static func columns(withAttributes: Bool) -> String { withAttributes ? facts + details : facts }

    let row: RawStatement

    var seq: Int64 { row.int(0) }
    var time: Timestamp { Timestamp(microseconds: row.int(1)) }
    var flags: EventFlags { EventFlags(rawValue: row.int(2)) }
    var kind: Int64 { row.int(3) }
    var name: Int64? { row.optionalInt(4) }
    var status: EventStatus { EventStatus(rawValue: UInt8(clamping: row.int(5))) ?? .none }
    var durationMs: Double? { row.optionalInt(6).map { Double($0) / 1_000 } }
    var session: Int64? { row.optionalInt(7) }
    var error: String? { row.string(10) }
    var source: Int64 { row.int(11) }
    var offset: Int64 { row.int(12) }
    var toolUseID: String? { row.string(13) }
    var attributes: UnsafeRawBufferPointer? { row.bytes(14) }
    var openingPayload: PayloadReference? {
        PayloadReference(block: row.optionalInt(15), packed: row.optionalInt(16))
    }
    var closingPayload: PayloadReference? {
        PayloadReference(block: row.optionalInt(17), packed: row.optionalInt(18))
    }

    /// The value at a path: of the attributes, else of the payload.
    func attribute(_ path: JSONPath, _ context: ReadContext) throws -> Scalar {
        if let value = attributes.flatMap({ path.find(in: $0) }) { return JSONText.scalar(value) }
        // The closing half is the newer one.
        for payload in [closingPayload, openingPayload] {
            let found = try context.payload(payload)?.withUnsafeBytes { bytes in
                path.find(in: bytes).map { JSONText.scalar($0) }
            }
            if let found { return found }
        }
        return .null
    }

    /// Small and large members together.
    func attributesJSON(_ context: ReadContext) throws -> String {
        var object = attributes.map { [UInt8]($0) } ?? [UInt8]("{}".utf8)
        for payload in [openingPayload, closingPayload] {
            guard let more = try context.payload(payload) else { continue }
            object = object.withUnsafeBytes { first in
                more.withUnsafeBytes { JSONText.merge(first, $0) }
            }
        }
        return String(decoding: object, as: UTF8.self)
    }

    func event(_ context: ReadContext) throws -> Event {
        let source = try context.source(self.source)
        return Event(
            seq: seq, time: time, timeIsArrival: flags.contains(.timeIsArrival),
            kind: try context.text(kind), name: try context.text(name), status: status,
            durationMs: durationMs, session: try context.text(session),
            task: try context.text(row.optionalInt(8)), agent: try context.text(row.optionalInt(9)),
            error: error, sourcePath: source.path, sourceOffset: offset,
            attributesJSON: try attributesJSON(context))
    }
}

/// What a filter tests, or a group is made of.
enum EventOperand {
    /// A column of interned text, by its place in the row.
    case interned(Int32)
    case status
    case durationMs
    case error
    case source
    case host
    case toolUseID
    case attribute(JSONPath)

    init(path: String) {
        switch path {
        case "kind": self = .interned(EventRow.kindColumn)
        case "name": self = .interned(EventRow.nameColumn)
        case "status": self = .status
        case "duration_ms": self = .durationMs
        case "session": self = .interned(7)
        case "task": self = .interned(8)
        case "agent": self = .interned(9)
        case "error": self = .error
        case "source": self = .source
        case "host": self = .host
        case "tool_use_id": self = .toolUseID
        default:
            let prefix = "attributes."
            self = .attribute(
                JSONPath(path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path))
        }
    }

    var needsAttributes: Bool { if case .attribute = self { true } else { false } }

    func value(_ row: EventRow, _ context: ReadContext) throws -> Scalar {
        switch self {
        case .interned(let column):
            return try context.text(row.row.optionalInt(column)).map(Scalar.string) ?? .null
        case .status: return row.status.word.map(Scalar.string) ?? .null
        case .durationMs: return row.durationMs.map(Scalar.double) ?? .null
        case .error: return row.error.map(Scalar.string) ?? .null
        case .source: return .string(try context.source(row.source).path)
        case .host: return .string(try context.source(row.source).host)
        case .toolUseID: return row.toolUseID.map(Scalar.string) ?? .null
        case .attribute(let path): return try row.attribute(path, context)
        }
    }
}

/// The filters of one question, made ready. Columns are tested before attributes, which cost more.
struct EventMatcher {
    private var filters: [CompiledFilter]

    private struct CompiledFilter {
        var operand: EventOperand
        var test: Filter.Test
        /// Verdicts by interned id.
        var verdicts: [Int64: Bool] = [:]

        mutating func matches(_ row: EventRow, _ context: ReadContext) throws -> Bool {
            guard case .interned(let column) = operand, let id = row.row.optionalInt(column) else {
                return test.matches(try operand.value(row, context))
            }
            if let verdict = verdicts[id] { return verdict }
            let verdict = test.matches(.string(try context.text(id)))
            verdicts[id] = verdict
            return verdict
        }
    }

    init(_ filters: [Filter]) throws(StoreError) {
        for filter in filters { try filter.test.check(path: filter.path) }
        let compiled = filters.map {
            CompiledFilter(operand: EventOperand(path: $0.path), test: $0.test)
        }
        self.filters =
            compiled.filter { !$0.operand.needsAttributes }
            + compiled.filter { $0.operand.needsAttributes }
    }

    var needsAttributes: Bool { filters.contains { $0.operand.needsAttributes } }

    mutating func matches(_ row: EventRow, _ context: ReadContext) throws -> Bool {
        for index in filters.indices where try !filters[index].matches(row, context) {
            return false
        }
        return true
    }
}

/// All events in a range that pass the filters.
struct EventScan {
    enum Order {
        case newestFirst, oldestFirst
        /// Whatever is fastest.
        case any
    }

    private var matcher: EventMatcher
    private let statement: RawStatement
    private let context: ReadContext

    /// - Parameter after: the last row of the page before: its time and `seq`.
    init(
        _ context: ReadContext, _ range: TimeRange, _ filters: [Filter], withAttributes: Bool,
        order: Order, after: (time: Int64, seq: Int64)? = nil
    ) throws {
        self.context = context
        matcher = try EventMatcher(filters)
        let range = try Self.narrowed(range, to: filters, context)
        let onlyErrors = filters.contains { $0.path == "status" && $0.test.onlyTexts == ["error"] }
        var sql = "SELECT "
        sql += EventRow.columns(withAttributes: withAttributes || matcher.needsAttributes)
        sql += " FROM events"
        if order == .any, !onlyErrors, try Self.isMostOfAll(range, context) {
            sql += " NOT INDEXED"
        }
        sql += " WHERE time >= ?1 AND time < ?2"
        if onlyErrors { sql += " AND status = \(EventStatus.error.rawValue)" }
        if after != nil { sql += " AND (time, id) \(order == .newestFirst ? "<" : ">") (?3, ?4)" }
        switch order {
        case .newestFirst: sql += " ORDER BY time DESC, id DESC"
        case .oldestFirst: sql += " ORDER BY time, id"
        case .any: break
        }
        statement = try context.prepare(sql)
        statement.bind(1, range.since.microseconds)
        statement.bind(2, range.until.microseconds)
        if let after {
            statement.bind(3, after.time)
            statement.bind(4, after.seq)
        }
    }

    /// Whether the range spans more than half of the time that is stored: then reading the table
    /// from end to end is faster than looking up each row that the index names.
    private static func isMostOfAll(_ range: TimeRange, _ context: ReadContext) throws -> Bool {
        let ends = try context.prepare(
            "SELECT (SELECT min(time) FROM events), (SELECT max(time) FROM events)")
        guard try ends.step(), let first = ends.optionalInt(0), let last = ends.optionalInt(1)
        else { return false }
        // As fractions: a difference of any two times may not fit 64 bits.
        let asked =
            Double(min(range.until.microseconds, last))
            - Double(max(range.since.microseconds, first))
        return asked > (Double(last) - Double(first)) / 2
    }

    /// The next row that passes; valid until the next call.
    mutating func next() throws -> EventRow? {
        while try statement.step() {
            let row = EventRow(row: statement)
            if try matcher.matches(row, context) { return row }
        }
        return nil
    }

    /// A question about certain sessions need not look before they began nor after they ended.
    private static func narrowed(
        _ range: TimeRange, to filters: [Filter], _ context: ReadContext
    ) throws -> TimeRange {
        var range = range
        for filter in filters where filter.path == "session" {
            guard let names = filter.test.onlyTexts else { continue }
            let find = try context.prepare(
                "SELECT started, last_activity FROM sessions WHERE session = ?1")
            var first = Int64.max
            var last = Int64.min
            for name in names {
                guard let id = try context.id(of: name) else { continue }
                find.bind(1, id)
                if try find.step() {
                    first = min(first, find.int(0))
                    last = max(last, find.int(1))
                }
                find.reset()
            }
            range.since = max(range.since, Timestamp(microseconds: first))
            let end = last == .max ? last : last + 1
            range.until = min(range.until, Timestamp(microseconds: end))
        }
        return range
    }
}
