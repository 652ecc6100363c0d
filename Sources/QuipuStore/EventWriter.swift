import QuipuModel

/// Events into rows; lines that tell of the same event into one.
final class EventWriter {
    enum Outcome {
        case created
        /// Completed the event of this `seq`.
        case completed(Int64)
        /// Said nothing new.
        case repeated
    }

    /// The `seq` that the next new event gets.
    private(set) var nextSeq: Int64

    private let strings: StringTable
    private let contexts: SessionContexts
    private let payloads: PayloadBlockWriter
    private let sessions: SessionWriter
    private let files: FileTouchWriter
    private let rollups: EventRollupWriter
    private let errors: ErrorRollupWriter
    private let kinds: EventKinds
    private let finder: EventFinder
    private let insert: RawStatement
    private let update: RawStatement

    init(
        _ connection: OpaquePointer, strings: StringTable, contexts: SessionContexts,
        payloads: PayloadBlockWriter, sessions: SessionWriter, files: FileTouchWriter,
        rollups: EventRollupWriter, errors: ErrorRollupWriter
    ) throws {
        self.strings = strings
        self.contexts = contexts
        self.payloads = payloads
        self.sessions = sessions
        self.files = files
        self.rollups = rollups
        self.errors = errors
        kinds = try EventKinds(strings)
        finder = try EventFinder(connection, strings: strings)
        let next = try RawStatement(
            connection, "SELECT value FROM counters WHERE name = 'next_event'")
        nextSeq = try next.step() ? next.int(0) : 1
        insert = try RawStatement(
            connection,
            """
            INSERT INTO events (id, time, flags, kind, name, status, duration_us, session, task,
                agent, error, source, offset, tool_use_id, call_key, open_key, opening_block,
                opening_at, closing_block, closing_at, attributes, context, identity, access,
                error_category)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                ?19, ?20, ?21, ?22, ?23, ?24, ?25)
            """)
        update = try RawStatement(
            connection,
            """
            UPDATE events SET time = ?2, flags = ?3, status = ?4, duration_us = ?5, name = ?6,
                task = ?7, agent = ?8, error = ?9, attributes = ?10, opening_block = ?11,
                opening_at = ?12, closing_block = ?13, closing_at = ?14, context = ?15,
                identity = ?16, access = ?17, error_category = ?18, call_key = ?19, open_key = NULL
            WHERE id = ?1
            """)
    }

    /// Stores one event, whose slices point into `bytes`.
    func store(
        _ event: EventRecord, _ bytes: UnsafeRawBufferPointer, source: Int64
    ) throws -> Outcome {
        let row = try NewEventRow(
            event, bytes, source: source, kinds, strings, contexts, payloads)
        if let seq = try finder.match(row), let stored = try finder.facts(of: seq) {
            return try join(row, into: seq, stored)
        }
        try insert(row)
        return .created
    }

    // MARK: New rows

    private func insert(_ row: NewEventRow) throws {
        let event = row.event
        let payload = payloads.reference(to: event.payload)
        let isClosing = row.half == .closing
        insert.bind(1, nextSeq)
        insert.bind(2, event.time.microseconds)
        insert.bind(3, row.flags.rawValue)
        insert.bind(4, row.kind)
        insert.bind(5, row.name)
        insert.bind(6, Int64(event.status.rawValue))
        insert.bind(7, row.durationMicroseconds)
        insert.bind(8, row.session)
        insert.bind(9, row.task)
        insert.bind(10, row.agent)
        insert.bind(11, text: row.text(event.error))
        insert.bind(12, row.source)
        insert.bind(13, Int64(clamping: event.lineOffset))
        insert.bind(14, text: row.toolUseID)
        insert.bind(15, row.callKey)
        insert.bind(16, row.openKey)
        insert.bind(isClosing ? 19 : 17, payload?.block)
        insert.bind(isClosing ? 20 : 18, payload?.packed)
        insert.bind(21, text: row.text(event.attributes))
        insert.bind(22, row.context == 0 ? nil : row.context)
        insert.bind(23, row.identity)
        insert.bind(24, row.path == nil ? nil : Int64(event.access.rawValue))
        insert.bind(25, row.errorCategory.map { Int64($0.rawValue) })
        try insert.run()
        try finder.note(row.callKey, identity: row.identity)
        nextSeq += 1
        rollups.add(
            EventRollupWriter.Facts(
                time: event.time.microseconds, kind: row.kind, name: row.name,
                status: event.status, duration: row.durationMicroseconds))
        if event.status == .error {
            errors.count(
                1, time: event.time.microseconds, kind: row.kind, name: row.name,
                category: row.errorCategory)
        }
        if let path = row.path {
            files.add(event.access, to: path, session: row.session, at: event.time.microseconds)
        }
        guard let session = row.session else { return }
        let share = try share(
            kind: row.kind, name: row.name, event.status, context: row.context)
        sessions.add(share, to: session, at: row.time)
        if row.kind == kinds.sessionTitle { try entitle(session, row) }
    }

    private func share(
        kind: Int64, name: Int64?, _ status: EventStatus, context: Int64
    ) throws -> SessionShare {
        let isToolCall = kind == kinds.toolUse
        return SessionShare(
            isError: status == .error, isBlocked: status == .blocked, isToolCall: isToolCall,
            tool: isToolCall ? name : nil, subagent: try contexts.agent(of: context))
    }

    private func entitle(_ session: Int64, _ row: NewEventRow) throws {
        let title = row.text(row.event.attributes).flatMap { SessionTitle.find(in: $0) }
        guard
            let text = title
                ?? row.text(row.event.name).map({ String(decoding: $0, as: UTF8.self) })
        else { return }
        sessions.entitle(session, text)
    }

    // MARK: Further lines about an event

    private func join(
        _ row: NewEventRow, into seq: Int64, _ stored: CallFacts
    ) throws -> Outcome {
        let halves = row.flags.intersection(.halves)
        let isNew = !stored.flags.isSuperset(of: halves)
        // A copy in another session knows nothing of its own but, where only hooks have told of
        // the call so far, that there are copies.
        finder.relate(row.session, stored.session)
        let isCopy = stored.session != row.session && stored.identity != nil
        guard isNew || (row.isCallHalf && !isCopy) else { return .repeated }
        let line = row.facts(payload: payloads.reference(to: row.event.payload))
        var call: CallFacts
        if isNew {
            let isOpening = row.half == .opening
            call = CallFacts.joining(
                opening: isOpening ? line : stored, closing: isOpening ? stored : line,
                hasSpan: row.isCallHalf)
            call.session = stored.session
        } else {
            call = stored.filled(from: line)
        }
        call.context = try contexts.joined(stored.context, line.context)
        guard !call.isSame(as: stored) else { return .repeated }
        try write(call, to: seq)
        try recount(stored, as: call, row)
        return .completed(seq)
    }

    private func recount(_ old: CallFacts, as new: CallFacts, _ row: NewEventRow) throws {
        rollups.replace(old.rollupFacts, with: new.rollupFacts)
        for (call, change) in [(old, -1), (new, 1)] as [(CallFacts, Int64)]
        where call.status == .error {
            errors.count(
                change, time: call.time, kind: call.kind, name: call.name,
                category: call.errorCategory)
        }
        if old.access == .none, let path = row.path {
            files.add(new.access, to: path, session: old.session, at: new.time)
        }
        guard let session = old.session else { return }
        sessions.replace(
            try share(kind: old.kind, name: old.name, old.status, context: old.context),
            with: try share(kind: new.kind, name: new.name, new.status, context: new.context),
            in: session, at: row.time)
    }

    private func write(_ call: CallFacts, to seq: Int64) throws {
        update.bind(1, seq)
        update.bind(2, call.time)
        update.bind(3, call.flags.rawValue)
        update.bind(4, Int64(call.status.rawValue))
        update.bind(5, call.durationMicroseconds)
        update.bind(6, call.name)
        update.bind(7, call.task)
        update.bind(8, call.agent)
        update.bind(9, copying: call.error)
        update.bind(11, call.openingPayload?.block)
        update.bind(12, call.openingPayload?.packed)
        update.bind(13, call.closingPayload?.block)
        update.bind(14, call.closingPayload?.packed)
        update.bind(15, call.context == 0 ? nil : call.context)
        update.bind(16, call.identity)
        update.bind(17, call.access == .none ? nil : Int64(call.access.rawValue))
        update.bind(18, call.errorCategory.map { Int64($0.rawValue) })
        update.bind(19, call.callKey)
        try (call.attributes ?? []).withUnsafeBytes {
            update.bind(10, text: call.attributes == nil ? nil : $0)
            try update.run()
        }
        try finder.note(call.callKey, identity: call.identity)
    }
}

extension CallFacts {
    fileprivate var rollupFacts: EventRollupWriter.Facts {
        EventRollupWriter.Facts(
            time: time, kind: kind, name: name, status: status, duration: durationMicroseconds)
    }

    fileprivate var callKey: Int64? {
        guard session != nil || toolUseID != nil || identity != nil else { return nil }
        let low =
            toolUseID.map { $0.withUnsafeBytes { CallKey.low($0) } }
            ?? identity.map { CallKey.low(identity: $0) } ?? 0
        return CallKey.of(session: session, low: low)
    }
}

/// What a session is called.
private enum SessionTitle {
    private static let path = JSONPath("title")

    static func find(in attributes: UnsafeRawBufferPointer) -> String? {
        guard let value = path.find(in: attributes),
            case .string(let text) = JSONText.scalar(value), !text.isEmpty
        else { return nil }
        return text
    }
}
