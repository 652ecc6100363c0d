import QuipuModel

/// The row of `events` that a scan stands on.
struct EventRow {
    private static let facts = """
        id, time, flags, kind, name, status, duration_us, session, task, agent, error, source, offset,
        tool_use_id, context, error_category
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
    var durationMicroseconds: Int64? { row.optionalInt(6) }
    var durationMs: Double? { durationMicroseconds.map { Double($0) / 1_000 } }
    var session: Int64? { row.optionalInt(7) }
    var error: String? { row.string(10) }
    var source: Int64 { row.int(11) }
    var offset: Int64 { row.int(12) }
    var toolUseID: String? { row.string(13) }
    /// 0 for none.
    var context: Int64 { row.int(14) }
    var errorCategory: ErrorCategory? { ErrorCategory(stored: row.optionalInt(15)) }
    var attributes: UnsafeRawBufferPointer? { row.bytes(16) }
    var openingPayload: PayloadReference? {
        PayloadReference(block: row.optionalInt(17), packed: row.optionalInt(18))
    }
    var closingPayload: PayloadReference? {
        PayloadReference(block: row.optionalInt(19), packed: row.optionalInt(20))
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
        var event = Event(
            seq: seq, time: time, timeIsArrival: flags.contains(.timeIsArrival),
            kind: try context.text(kind), name: try context.text(name), status: status,
            durationMs: durationMs, session: try context.text(session),
            task: try context.text(row.optionalInt(8)), agent: try context.text(row.optionalInt(9)),
            error: error, sourcePath: source.path, sourceOffset: offset,
            attributesJSON: try attributesJSON(context))
        event.errorCategory = errorCategory
        event.context = try context.words(ofContext: self.context)
        return event
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
    case errorCategory
    case context(ContextColumn)
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
        case "error_category": self = .errorCategory
        default:
            if let column = ContextColumn(rawValue: path) {
                self = .context(column)
                return
            }
            let prefix = "attributes."
            self = .attribute(
                JSONPath(path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path))
        }
    }

    var needsAttributes: Bool {
        switch self {
        case .attribute, .context: true
        default: false
        }
    }

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
        case .errorCategory: return row.errorCategory.map { .string($0.word) } ?? .null
        case .context(let column):
            if let text = try context.text(context.id(of: column, inContext: row.context)) {
                return .string(text)
            }
            // An application may have an attribute of the same name.
            let value = row.attributes.flatMap { JSONPath(column.rawValue).find(in: $0) }
            return value.map { JSONText.scalar($0) } ?? .null
        case .attribute(let path): return try row.attribute(path, context)
        }
    }

    /// The id of the value's text, where it has one: cheaper to compare.
    func id(_ row: EventRow, _ context: ReadContext) throws -> Int64? {
        switch self {
        case .interned(let column): row.row.optionalInt(column)
        case .context(let column): try context.id(of: column, inContext: row.context)
        default: nil
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
            guard let id = try operand.id(row, context) else {
                return test.matches(try operand.value(row, context))
            }
            if let verdict = verdicts[id] { return verdict }
            let verdict = test.matches(try operand.value(row, context))
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
