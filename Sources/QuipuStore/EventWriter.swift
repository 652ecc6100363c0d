import QuipuModel

/// Events into rows; two halves of a tool call into one.
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
    private let payloads: PayloadBlockWriter
    private let sessions: SessionWriter
    private let rollups: EventRollupWriter
    private let toolUse: Int64
    private let task: Int64
    private let agentStatus: Int64
    private let insert: RawStatement
    private let findCall: RawStatement
    private let findOpen: RawStatement
    private let load: RawStatement
    private let update: RawStatement

    init(
        _ connection: OpaquePointer, strings: StringTable, payloads: PayloadBlockWriter,
        sessions: SessionWriter, rollups: EventRollupWriter
    ) throws {
        self.strings = strings
        self.payloads = payloads
        self.sessions = sessions
        self.rollups = rollups
        toolUse = try strings.id(of: "tool_use")
        task = try strings.id(of: "task")
        agentStatus = try strings.id(of: "agent_status")
        let next = try RawStatement(
            connection, "SELECT value FROM counters WHERE name = 'next_event'")
        nextSeq = try next.step() ? next.int(0) : 1
        insert = try RawStatement(
            connection,
            """
            INSERT INTO events (id, time, flags, kind, name, status, duration_us, session, task,
                agent, error, source, offset, tool_use_id, call_key, open_key, opening_block,
                opening_at, closing_block, closing_at, attributes)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                ?19, ?20, ?21)
            """)
        findCall = try RawStatement(
            connection,
            """
            SELECT id FROM events WHERE call_key = ?1 AND session IS ?2 AND tool_use_id = ?3 LIMIT 1
            """)
        findOpen = try RawStatement(
            connection,
            """
            SELECT id, time FROM events
            WHERE open_key = ?1 AND flags = ?2 AND time BETWEEN ?3 AND ?4
                AND session IS ?5 AND name IS ?6
            ORDER BY time, id LIMIT 1
            """)
        load = try RawStatement(
            connection,
            """
            SELECT time, flags, status, duration_us, name, task, agent, error, attributes,
                opening_block, opening_at, closing_block, closing_at
            FROM events WHERE id = ?1
            """)
        update = try RawStatement(
            connection,
            """
            UPDATE events SET time = ?2, flags = ?3, status = ?4, duration_us = ?5, name = ?6,
                task = ?7, agent = ?8, error = ?9, attributes = ?10, opening_block = ?11,
                opening_at = ?12, closing_block = ?13, closing_at = ?14, open_key = NULL
            WHERE id = ?1
            """)
    }

    /// Stores one event, whose slices point into `bytes`.
    func store(
        _ event: EventRecord, _ bytes: UnsafeRawBufferPointer, source: Int64
    ) throws -> Outcome {
        var row = try NewRow(event, bytes, source: source, strings)
        if row.kind == task || row.kind == agentStatus { row.flags.insert(.isTaskActivity) }
        if event.half != .whole, let seq = try match(row) { return try join(row, into: seq) }
        try insert(row)
        return .created
    }

    // MARK: New rows

    private func insert(_ row: NewRow) throws {
        let event = row.event
        let payload = payloads.reference(to: event.payload)
        let isClosing = event.half == .closing
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
        try insert.run()
        nextSeq += 1
        rollups.add(
            EventRollupWriter.Facts(
                time: event.time.microseconds, kind: row.kind, name: row.name,
                status: event.status, duration: row.durationMicroseconds))
        if let session = row.session {
            let share = share(kind: row.kind, name: row.name, event.status)
            sessions.add(share, to: session, at: event.time.microseconds)
        }
    }

    private func share(kind: Int64, name: Int64?, _ status: EventStatus) -> SessionShare {
        SessionShare(
            isError: status == .error, isBlocked: status == .blocked,
            isToolCall: kind == toolUse, tool: kind == toolUse ? name : nil)
    }

    // MARK: Halves

    /// The `seq` of the record that `row` belongs to.
    private func match(_ row: NewRow) throws -> Int64? {
        if let key = row.callKey {
            findCall.bind(1, key)
            findCall.bind(2, row.session)
            findCall.bind(3, text: row.toolUseID)
            defer { findCall.reset() }
            return try findCall.step() ? findCall.int(0) : nil
        }
        guard row.openKey != nil else { return nil }
        // Without an id: the earliest that is still alone and lies on the right side in time. A
        // time of arrival says nothing about order and fits either side.
        let (own, other): (ClosedRange<Int64>, EventFlags) =
            row.event.half == .opening
            ? (row.event.time.microseconds...Int64.max, .hasClosing)
            : (Int64.min...row.event.time.microseconds, .hasOpening)
        let always = Int64.min...Int64.max
        let exact = try earliestOpen(row, other, row.event.timeIsArrival ? always : own)
        let loose = try earliestOpen(row, other.union(.timeIsArrival), always)
        guard let exact, let loose else { return (exact ?? loose)?.seq }
        return (exact.time, exact.seq) < (loose.time, loose.seq) ? exact.seq : loose.seq
    }

    private func earliestOpen(
        _ row: NewRow, _ flags: EventFlags, _ times: ClosedRange<Int64>
    ) throws -> (time: Int64, seq: Int64)? {
        findOpen.bind(1, row.openKey)
        findOpen.bind(2, flags.rawValue)
        findOpen.bind(3, times.lowerBound)
        findOpen.bind(4, times.upperBound)
        findOpen.bind(5, row.session)
        findOpen.bind(6, row.name)
        defer { findOpen.reset() }
        return try findOpen.step() ? (findOpen.int(1), findOpen.int(0)) : nil
    }

    private func join(_ row: NewRow, into seq: Int64) throws -> Outcome {
        guard let stored = try facts(of: seq), !stored.flags.isSuperset(of: row.flags.halves) else {
            return .repeated
        }
        let isOpening = row.event.half == .opening
        let half = row.facts(payload: payloads.reference(to: row.event.payload))
        let call = CallFacts.joining(
            opening: isOpening ? half : stored, closing: isOpening ? stored : half)
        try write(call, to: seq)
        rollups.replace(stored.rollupFacts(kind: row.kind), with: call.rollupFacts(kind: row.kind))
        if let session = row.session {
            sessions.replace(
                share(kind: row.kind, name: stored.name, stored.status),
                with: share(kind: row.kind, name: call.name, call.status), in: session,
                at: row.event.time.microseconds)
        }
        return .completed(seq)
    }

    private func facts(of seq: Int64) throws -> CallFacts? {
        load.bind(1, seq)
        defer { load.reset() }
        guard try load.step() else { return nil }
        return CallFacts(
            time: load.int(0), flags: EventFlags(rawValue: load.int(1)),
            status: EventStatus(rawValue: UInt8(clamping: load.int(2))) ?? .none,
            durationMicroseconds: load.optionalInt(3), name: load.optionalInt(4),
            task: load.optionalInt(5), agent: load.optionalInt(6), error: load.string(7),
            attributes: load.bytes(8).map { [UInt8]($0) },
            openingPayload: PayloadReference(
                block: load.optionalInt(9), packed: load.optionalInt(10)),
            closingPayload: PayloadReference(
                block: load.optionalInt(11), packed: load.optionalInt(12)))
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
        try (call.attributes ?? []).withUnsafeBytes {
            update.bind(10, text: call.attributes == nil ? nil : $0)
            try update.run()
        }
    }
}

/// A decoded event with its strings interned and its keys made.
private struct NewRow {
    let event: EventRecord
    let source: Int64
    var flags: EventFlags
    let kind: Int64
    let name: Int64?
    let session: Int64?
    let task: Int64?
    let agent: Int64?
    let toolUseID: UnsafeRawBufferPointer?
    private(set) var callKey: Int64?
    private(set) var openKey: Int64?
    private let bytes: UnsafeRawBufferPointer

    init(
        _ event: EventRecord, _ bytes: UnsafeRawBufferPointer, source: Int64, _ strings: StringTable
    ) throws {
        self.event = event
        self.bytes = bytes
        self.source = source
        var flags: EventFlags = event.timeIsArrival ? .timeIsArrival : []
        if event.half == .opening { flags.insert(.hasOpening) }
        if event.half == .closing { flags.insert(.hasClosing) }
        self.flags = flags
        func id(_ slice: Slice) throws -> Int64? {
            try Self.text(slice, bytes).map { try strings.id(of: $0) }
        }
        kind = try id(event.kind) ?? strings.id(of: "log")
        name = try id(event.name)
        session = try id(event.session)
        task = try id(event.task)
        agent = try id(event.agent)
        toolUseID = Self.text(event.toolUseID, bytes)
        guard event.half != .whole else { return }
        if let toolUseID {
            callKey = CallKey.of(session: session, toolUseID)
        } else if !(event.half == .opening && event.status == .blocked) {
            // A blocked call never ran: no closing line will follow.
            openKey = CallKey.of(session: session, name: name)
        }
    }

    var durationMicroseconds: Int64? {
        event.durationMicroseconds < 0 ? nil : event.durationMicroseconds
    }

    func text(_ slice: Slice) -> UnsafeRawBufferPointer? { Self.text(slice, bytes) }

    func facts(payload: PayloadReference?) -> CallFacts {
        CallFacts(
            time: event.time.microseconds, flags: flags, status: event.status,
            durationMicroseconds: durationMicroseconds, name: name, task: task, agent: agent,
            error: text(event.error).map { String(decoding: $0, as: UTF8.self) },
            attributes: text(event.attributes).map { [UInt8]($0) },
            openingPayload: event.half == .opening ? payload : nil,
            closingPayload: event.half == .closing ? payload : nil)
    }

    private static func text(
        _ slice: Slice, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard !slice.isNone, slice.range.upperBound <= bytes.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[slice.range])
    }
}

extension CallFacts {
    fileprivate func rollupFacts(kind: Int64) -> EventRollupWriter.Facts {
        EventRollupWriter.Facts(
            time: time, kind: kind, name: name, status: status, duration: durationMicroseconds)
    }
}

extension EventFlags {
    fileprivate var halves: EventFlags { intersection(.halves) }
}
