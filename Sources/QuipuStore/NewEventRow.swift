import QuipuModel

/// A decoded event with its strings interned and its keys made.
struct NewEventRow {
    let event: EventRecord
    let source: Int64
    let flags: EventFlags
    /// A prompt's two tellers count as halves: the hook's line opens, the transcript's closes.
    let half: CallHalf
    let kind: Int64
    let name: Int64?
    let session: Int64?
    let task: Int64?
    let agent: Int64?
    let context: Int64
    let errorCategory: ErrorCategory?
    let toolUseID: UnsafeRawBufferPointer?
    /// A hash.
    let identity: Int64?
    let path: Int64?
    private(set) var callKey: Int64?
    private(set) var openKey: Int64?
    /// Of a prompt's text.
    private let promptHash: UInt64?
    private let bytes: UnsafeRawBufferPointer

    init(
        _ event: EventRecord, _ bytes: UnsafeRawBufferPointer, source: Int64, _ kinds: EventKinds,
        _ strings: StringTable, _ contexts: SessionContexts, _ payloads: PayloadBlockWriter
    ) throws {
        self.event = event
        self.bytes = bytes
        self.source = source
        func id(_ slice: Slice) throws -> Int64? {
            try Self.text(slice, bytes).map { try strings.id(of: $0) }
        }
        kind = try id(event.kind) ?? kinds.log
        name = try id(event.name)
        session = try id(event.session)
        task = try id(event.task)
        agent = try id(event.agent)
        context = try contexts.resolve(event.context, bytes, session: session)
        toolUseID = Self.text(event.toolUseID, bytes)
        // A call that has no time of its own cannot be found around it.
        let isFoundByID =
            event.timeIsArrival && event.half != .whole
            && event.toolUseID.count >= Limits.uniqueIDBytesMin
        let known = isFoundByID ? event.toolUseID : event.identity
        let identity = Self.text(known, bytes).map { CallKey.identity($0) }
        self.identity = identity
        path = event.access == .none ? nil : try id(event.path)
        errorCategory =
            event.status == .error ? Self.category(of: event, bytes) : nil
        var prompt: UInt64?
        if kind == kinds.prompt, session != nil, event.half == .whole {
            prompt = Self.promptHash(event, bytes, payloads)
        }
        promptHash = prompt
        half = prompt == nil ? event.half : identity == nil ? .opening : .closing
        var flags: EventFlags = event.timeIsArrival ? .timeIsArrival : []
        if half == .opening { flags.insert(.hasOpening) }
        if half == .closing { flags.insert(.hasClosing) }
        if kind == kinds.task || kind == kinds.agentStatus { flags.insert(.isTaskActivity) }
        self.flags = flags
        if session != nil || identity != nil || toolUseID != nil {
            callKey = CallKey.of(session: session, low: Self.low(toolUseID, identity))
        }
        if let prompt {
            openKey = CallKey.open(session: session, Int64(bitPattern: prompt))
        } else if half != .whole, toolUseID == nil,
            !(half == .opening && event.status == .blocked)
        {
            // A blocked call never ran: no closing line will follow.
            openKey = CallKey.open(session: session, name)
        }
    }

    /// The key that a prompt would have in another session.
    func openKey(in session: Int64?) -> Int64? {
        promptHash.map { CallKey.open(session: session, Int64(bitPattern: $0)) }
    }

    /// One line of a tool call, rather than of a prompt.
    var isCallHalf: Bool { event.half != .whole }

    /// What it is known by wherever it is told again.
    var hasID: Bool { identity != nil || (isCallHalf && toolUseID != nil) }

    var time: EventTime {
        EventTime(microseconds: event.time.microseconds, isArrival: event.timeIsArrival)
    }

    var durationMicroseconds: Int64? {
        event.durationMicroseconds < 0 ? nil : event.durationMicroseconds
    }

    func text(_ slice: Slice) -> UnsafeRawBufferPointer? { Self.text(slice, bytes) }

    func facts(payload: PayloadReference?) -> CallFacts {
        CallFacts(
            kind: kind, session: session, time: event.time.microseconds, flags: flags,
            status: event.status, durationMicroseconds: durationMicroseconds, name: name,
            task: task, agent: agent, context: context,
            error: text(event.error).map { String(decoding: $0, as: UTF8.self) },
            errorCategory: errorCategory, access: path == nil ? .none : event.access,
            toolUseID: toolUseID.map { [UInt8]($0) }, identity: identity,
            attributes: text(event.attributes).map { [UInt8]($0) },
            openingPayload: half == .opening ? payload : nil,
            closingPayload: half == .closing ? payload : nil)
    }

    private static func low(_ toolUseID: UnsafeRawBufferPointer?, _ identity: Int64?) -> UInt64 {
        if let toolUseID { return CallKey.low(toolUseID) }
        return identity.map { CallKey.low(identity: $0) } ?? 0
    }

    /// As the line says; where it does not, as its error's text is read.
    private static func category(
        of event: EventRecord, _ bytes: UnsafeRawBufferPointer
    ) -> ErrorCategory {
        let stated = text(event.attributes, bytes).flatMap { ErrorCategories.path.find(in: $0) }
        if let stated, case .string(let word) = JSONText.scalar(stated),
            let category = ErrorCategory(word: word)
        {
            return category
        }
        return ErrorCategory.of(
            error: text(event.error, bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0),
            tool: text(event.name, bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private static func promptHash(
        _ event: EventRecord, _ bytes: UnsafeRawBufferPointer, _ payloads: PayloadBlockWriter
    ) -> UInt64? {
        text(event.attributes, bytes).flatMap { PromptText.hash(in: $0) }
            ?? payloads.promptHash(of: event.payload)
    }

    private static func text(
        _ slice: Slice, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard !slice.isNone, slice.range.upperBound <= bytes.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[slice.range])
    }
}

/// Kinds of events that mean something to the writer, as ids of `strings`.
struct EventKinds {
    let log, toolUse, prompt, sessionTitle, task, agentStatus: Int64

    init(_ strings: StringTable) throws {
        log = try strings.id(of: "log")
        toolUse = try strings.id(of: "tool_use")
        prompt = try strings.id(of: "prompt")
        sessionTitle = try strings.id(of: "session_title")
        task = try strings.id(of: "task")
        agentStatus = try strings.id(of: "agent_status")
    }
}

/// What a person asked, by which the hook's line and the transcript's know each other.
enum PromptText {
    /// As hooks and Claude's transcripts call it, and as Codex does.
    private static let paths = [JSONPath("prompt"), JSONPath("message")]

    /// Of the text as a reader sees it: two writers may escape it in different ways.
    static func hash(in object: UnsafeRawBufferPointer) -> UInt64? {
        let found = paths.lazy.compactMap { $0.find(in: object) }.first
        guard let value = found, case .string(var text) = JSONText.scalar(value)
        else { return nil }
        return text.withUTF8 { bytes in
            var kept = UnsafeRawBufferPointer(bytes)
            while let last = kept.last, last <= 0x20 { kept = .init(rebasing: kept.dropLast()) }
            while let first = kept.first, first <= 0x20 { kept = .init(rebasing: kept.dropFirst()) }
            return kept.isEmpty ? nil : CallKey.hash(kept)
        }
    }
}
