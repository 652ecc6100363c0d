internal import QuipuModel

/// Reads one event out of one JSON object.
struct EventReader {
    private var document: JSONDocument
    private let context: SourceContext
    private let zone: ZoneRules
    private let shape: EventShape
    private var event = EventRecord()

    init(_ document: JSONDocument, _ context: SourceContext, zone: ZoneRules) {
        self.document = document
        self.context = context
        self.zone = zone
        shape = EventShape(document, context)
    }

    mutating func read(
        at offset: UInt64, arrival: Timestamp, into builder: inout BatchBuilder
    ) -> EventRecord {
        event.lineOffset = offset
        readTime(arrival, &builder)
        readKindAndName(&builder)
        readWho(&builder)
        readContext(&builder)
        readFile(&builder)
        readIdentity(&builder)
        readDuration()
        readStatus()
        readError(&builder)
        placePayload()
        let attributes = document.index(.attributes).flatMap {
            document.members[$0].isObject ? $0 : nil
        }
        (event.attributes, event.payload) = builder.appendMembers(
            of: &document, merging: attributes)
        return event
    }

    // MARK: Columns

    private mutating func readTime(_ arrival: Timestamp, _ builder: inout BatchBuilder) {
        event.time = arrival
        event.timeIsArrival = true
        guard let index = document.index(.time),
            let time = document.members[index].time(in: zone)
        else { return }
        event.time = time
        event.timeIsArrival = false
        document.places[index] = .column
        builder.keepTimeText(document.members[index], document)
    }

    private mutating func readKindAndName(_ builder: inout BatchBuilder) {
        switch shape {
        case .hook(let hook):
            event.kind = builder.literal(hook.kind)
            event.half = hook.half
            event.status = hook.status
            event.name = name(hook.title, &builder)
        case .unknownHook(let name):
            event.kind = builder.appendKind(name)
            event.name = self.name(.none, &builder)
        case .hookRun(let status):
            event.kind = builder.literal("hook")
            event.status = status
            event.name = column(document.index(.hook), .name, &builder)
        case .application(let kind):
            event.kind = builder.append(text: kind, to: .kind)
            place(document.index(.event), holding: kind)
            event.name = name(.none, &builder)
        case .log:
            event.kind = builder.literal("log")
            event.name = name(.none, &builder)
        }
    }

    private mutating func name(_ title: Hook.Title, _ builder: inout BatchBuilder) -> Slice {
        let index: Int?
        switch title {
        case .none: index = nil
        case .tool: index = document.index(.tool)
        case .word(let word): return builder.literal(word)
        case .member(let name): index = document.index(named: name)
        }
        let slice = column(index, .name, &builder)
        return slice.isNone ? column(document.index(.name), .name, &builder) : slice
    }

    /// Session, task, agent and the call's id.
    private mutating func readWho(_ builder: inout BatchBuilder) {
        event.task = column(document.index(.task), .task, &builder)
        event.agent = column(document.index(.agent), .agent, &builder)
        event.session = column(document.index(.session), .session, &builder)
        if event.session.isNone, !context.session.isEmpty {
            event.session = context.session.withUnsafeBytes { builder.append($0, to: .session) }
        }
        // Loggers of tool calls that know no session know at least whose work it was.
        if event.session.isNone, shape.isToolCall { event.session = event.task }
        if let index = document.index(.toolUseID),
            let text = document.members[index].nonEmptyText
        {
            event.toolUseID = builder.append(text.prefixOfWholeCharacters(Limits.columnBytesMax))
        }
    }

    /// What the line says of where it belongs, and what its path does.
    private mutating func readContext(_ builder: inout BatchBuilder) {
        event.context.project = column(document.index(.project), .project, &builder)
        event.context.model = column(document.index(.model), .model, &builder)
        event.context.branch = column(document.index(.branch), .branch, &builder)
        event.context.agentID = column(document.index(.agentID), .agentID, &builder)
        event.context.parent = column(document.index(.parent), .parent, &builder)
        event.context.user = column(document.index(.user), .user, &builder)
        builder.complete(&event.context, from: context)
    }

    /// The file that a call of one of the tools for files is about.
    private mutating func readFile(_ builder: inout BatchBuilder) {
        guard shape.isToolCall, let tool = document.text(.tool) else { return }
        let access = FileTool.access(of: tool)
        guard access != .none, let input = document.index(.input),
            let path = document.children(of: input)?.filePath
        else { return }
        event.access = access
        event.path = builder.append(text: path)
    }

    /// An application that gives an event a `uuid` may tell it again.
    private mutating func readIdentity(_ builder: inout BatchBuilder) {
        guard case .application = shape, let index = document.index(.uuid),
            document.members[index].nameBytes.equals("uuid")
        else { return }
        event.identity = column(index, .name, &builder)
    }

    private mutating func readDuration() {
        if let index = document.index(.durationMs),
            let duration = document.members[index].microseconds
        {
            event.durationMicroseconds = duration
            document.places[index] = .column
        } else if case .hookRun = shape, let metrics = document.index(.metrics) {
            let children = document.children(of: metrics)
            let member = children?.last {
                $0.nameBytes.equals("duration_ms") || $0.nameBytes.equals("execution_time_ms")
            }
            event.durationMicroseconds = member?.microseconds ?? -1
        }
    }

    /// The text of a member as a column; `none` when it is neither a string with text nor a number.
    private mutating func column(
        _ index: Int?, _ column: BatchBuilder.Column, _ builder: inout BatchBuilder
    ) -> Slice {
        guard let index else { return .none }
        let member = document.members[index]
        let text: Bytes
        if let string = member.nonEmptyText {
            text = string
        } else if member.numberValue != nil {
            text = document.valueText(member)
        } else {
            return .none
        }
        place(index, holding: text)
        return builder.append(text: text, to: column)
    }

    /// A member whose text a column holds is nowhere else, unless the column had to cut it.
    private mutating func place(_ index: Int?, holding text: Bytes) {
        guard let index else { return }
        document.places[index] = text.count > Limits.columnBytesMax ? .payload : .column
    }

    // MARK: Outcome

    private mutating func readStatus() {
        let outcome = Outcome(document)
        switch event.half {
        case .opening:
            event.status =
                outcome.isBlocked ? .blocked : outcome.word == .error ? .error : .running
        case .closing:
            guard event.status == .ok else { break }
            if outcome.isError || outcome.responseIsError {
                event.status = .error
            } else if let word = outcome.word, word != .running {
                event.status = word
            }
        case .whole:
            if event.status == .none { event.status = outcome.word ?? .none }
            if event.status == .none, outcome.isError { event.status = .error }
            if event.status == .none, outcome.isSuccess { event.status = .ok }
        }
        if let index = document.index(.status), let text = document.members[index].stringText,
            let word = event.status.word, word.utf8.elementsEqual(text)
        {
            document.places[index] = .column
        }
    }

    private mutating func readError(_ builder: inout BatchBuilder) {
        guard event.status == .error else { return }
        if let index = document.index(.error) {
            let member = document.members[index]
            if let text = member.nonEmptyText {
                place(index, holding: text)
                event.error = builder.append(text: text)
                return
            }
            if member.isObject, let text = message(in: index) {
                event.error = builder.append(text: text)
                return
            }
        }
        if event.half == .closing, let index = document.index(.result),
            let text = document.children(of: index)?.last(where: {
                $0.nameBytes.equals("error")
            })?.nonEmptyText
        {
            event.error = builder.append(text: text)
        }
    }

    private func message(in index: Int) -> Bytes? {
        document.children(of: index)?.last { $0.nameBytes.equals("message") }?.nonEmptyText
    }

    /// Tool input and output are kept apart from the facts about the call.
    private mutating func placePayload() {
        for role in [Role.input, .result] {
            guard let index = document.index(role), document.places[index] == .attributes else {
                continue
            }
            let name = document.members[index].nameBytes
            if shape.isToolCall || name.hasPrefix("tool_") { document.places[index] = .payload }
        }
    }
}

extension BatchBuilder {
    /// A name of the line's own, in snake_case, as a kind.
    mutating func appendKind(_ name: Bytes) -> Slice {
        let name = name.prefixOfWholeCharacters(Limits.nameBytesMax)
        return withUnsafeTemporaryAllocation(byteCount: name.count * 2, alignment: 1) { buffer in
            append(Bytes(buffer).part(0, Hook.snakeCase(name, into: buffer)), to: .kind)
        }
    }
}

extension Member {
    /// What the member says as a time; nil when it is none.
    func time(in zone: ZoneRules) -> Timestamp? {
        if let text = stringText { return TimeText.parse(text, zone: zone) }
        return numberValue.flatMap { TimeText.parse($0) }
    }

    /// What the member says as a duration in milliseconds, in microseconds; nil when it is none.
    var microseconds: Int64? {
        guard let ms = numberValue, ms >= 0, ms < 1e15 else { return nil }
        return Int64((ms * 1_000).rounded())
    }
}
