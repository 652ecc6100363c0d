internal import QuipuModel

/// Where a line stands.
struct LinePlace {
    let offset: UInt64
    let origin: Origin
}

/// Lines of one writer that hold more, or something else, than one event of hooks or applications.
///
/// To add a format: a file in `Formats/` with its value of this type, its place in `all`, and a
/// fixture below `Tests/Fixtures/Intake`.
struct LineFormat: Sendable {
    /// Whether the object that was parsed is such a line. Asked for each line, so it looks at
    /// roles only.
    let recognizes: @Sendable (JSONDocument, SourceContext) -> Bool
    /// Adds what the line holds to the batch; the line counts once.
    let read: @Sendable (inout LineDecoder, LinePlace) -> Void

    /// The first that recognizes a line reads it.
    static let all: [LineFormat] = [.codexRollout, .geminiChat, .usage, .claudeTranscript]
}

/// The records of one line, of which the first counts as the line.
struct LineRecords {
    /// What all events of the line have in common.
    var event = EventRecord()
    private var isFurther = false

    init(_ place: LinePlace) {
        event.lineOffset = place.offset
        event.time = place.origin.arrival
        event.timeIsArrival = true
    }

    var isEmpty: Bool { !isFurther }

    mutating func add(_ event: EventRecord, to builder: inout BatchBuilder) {
        var event = event
        event.isFurther = isFurther
        // A copy of the row under another session tells of the same call. Ids that are short are
        // made up, and anybody may make up the same ones.
        if event.half != .whole, event.toolUseID.count >= Limits.uniqueIDBytesMin {
            event.identity = event.toolUseID
        }
        isFurther = true
        builder.add(event)
    }

    /// Adds a usage with what the line's events have in common.
    mutating func add(_ usage: UsageRecord, to builder: inout BatchBuilder) {
        var usage = usage
        usage.lineOffset = event.lineOffset
        usage.time = event.time
        usage.timeIsArrival = event.timeIsArrival
        usage.session = event.session
        usage.task = event.task
        usage.context = event.context
        usage.isFurther = isFurther
        isFurther = true
        builder.add(usage)
    }

    /// The line counts, even when it gave nothing.
    mutating func close(_ builder: inout BatchBuilder) {
        if !isFurther { builder.countBlank() }
        isFurther = true
    }
}

extension BatchBuilder {
    /// Keeps a time as it was written where its column says less.
    mutating func keepTimeText(_ member: Member, _ document: JSONDocument) {
        if let text = member.stringText, TimeText.isPlain(text) { return }
        extras.append(ExtraMember(name: "time_text", value: document.valueText(member)))
    }

    /// What the path of a source says, where the line says nothing.
    mutating func complete(_ context: inout RecordContext, from source: SourceContext) {
        if context.user.isNone, !source.user.isEmpty {
            context.user = source.user.withUnsafeBytes { append($0, to: .user) }
        }
        if context.agentID.isNone, !source.agentID.isEmpty {
            context.agentID = source.agentID.withUnsafeBytes { append($0, to: .agentID) }
        }
    }

    mutating func session(_ text: Bytes?, or source: SourceContext) -> Slice {
        if let text { return append(text: text, to: .session) }
        return source.session.isEmpty
            ? .none : source.session.withUnsafeBytes { append($0, to: .session) }
    }

    mutating func column(_ text: Bytes?, _ column: Column? = nil) -> Slice {
        text.map { append(text: $0, to: column) } ?? .none
    }
}
