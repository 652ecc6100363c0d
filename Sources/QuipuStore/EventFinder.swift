import QuipuModel

/// Finds the stored event that a line is about; the writer's side.
final class EventFinder {
    private let findCall: RawStatement
    private let findCallAnywhere: RawStatement
    private let findAnywhere: RawStatement
    private let findOpen: RawStatement
    private let findPrompt: RawStatement
    private let load: RawStatement

    init(_ connection: OpaquePointer) throws {
        findCall = try RawStatement(
            connection,
            """
            SELECT id FROM events
            WHERE call_key = ?1 AND session IS ?2 AND tool_use_id = ?3 AND flags & ?4 LIMIT 1
            """)
        findCallAnywhere = try RawStatement(
            connection,
            """
            SELECT id FROM events WHERE identity = ?1 AND tool_use_id = ?2 AND flags & ?3 LIMIT 1
            """)
        findAnywhere = try RawStatement(
            connection, "SELECT id FROM events WHERE identity = ?1 LIMIT 1")
        findOpen = try RawStatement(
            connection,
            """
            SELECT id, time FROM events
            WHERE open_key = ?1 AND flags = ?2 AND time BETWEEN ?3 AND ?4
                AND session IS ?5 AND name IS ?6 AND kind = ?7
            ORDER BY time, id LIMIT 1
            """)
        findPrompt = try RawStatement(
            connection,
            """
            SELECT id FROM events
            WHERE open_key = ?1 AND flags IN (?2, ?3) AND session = ?4 AND kind = ?5
            ORDER BY time, id LIMIT 1
            """)
        load = try RawStatement(
            connection,
            """
            SELECT kind, session, time, flags, status, duration_us, name, task, agent, context,
                error, error_category, access, tool_use_id, identity, attributes, opening_block,
                opening_at, closing_block, closing_at
            FROM events WHERE id = ?1
            """)
    }

    /// The `seq` of the event that `row` tells of.
    func match(_ row: NewEventRow) throws -> Int64? {
        if row.hasID, let seq = try withID(row) { return seq }
        guard row.openKey != nil else { return nil }
        return row.isCallHalf ? try open(row) : try prompt(row)
    }

    // MARK: By id

    /// In its session; else, where it may be a copy, in any.
    private func withID(_ row: NewEventRow) throws -> Int64? {
        guard row.isCallHalf, let id = row.toolUseID else {
            // A row of a transcript may hold several calls: those are known by their own ids.
            guard !row.isCallHalf, let identity = row.identity else { return nil }
            findAnywhere.bind(1, identity)
            defer { findAnywhere.reset() }
            return try findAnywhere.step() ? findAnywhere.int(0) : nil
        }
        findCall.bind(1, row.callKey)
        findCall.bind(2, row.session)
        findCall.bind(3, text: id)
        findCall.bind(4, EventFlags.halves.rawValue)
        defer { findCall.reset() }
        if try findCall.step() { return findCall.int(0) }
        guard let identity = row.identity else { return nil }
        findCallAnywhere.bind(1, identity)
        findCallAnywhere.bind(2, text: id)
        findCallAnywhere.bind(3, EventFlags.halves.rawValue)
        defer { findCallAnywhere.reset() }
        return try findCallAnywhere.step() ? findCallAnywhere.int(0) : nil
    }

    // MARK: Without an id

    /// The earliest half that is still alone and lies on the right side in time. A time of arrival
    /// says nothing about order and fits either side.
    private func open(_ row: NewEventRow) throws -> Int64? {
        let (own, other): (ClosedRange<Int64>, EventFlags) =
            row.half == .opening
            ? (row.event.time.microseconds...Int64.max, .hasClosing)
            : (Int64.min...row.event.time.microseconds, .hasOpening)
        let always = Int64.min...Int64.max
        let exact = try earliestOpen(row, other, row.event.timeIsArrival ? always : own)
        let loose = try earliestOpen(row, other.union(.timeIsArrival), always)
        guard let exact, let loose else { return (exact ?? loose)?.seq }
        return (exact.time, exact.seq) < (loose.time, loose.seq) ? exact.seq : loose.seq
    }

    private func earliestOpen(
        _ row: NewEventRow, _ flags: EventFlags, _ times: ClosedRange<Int64>
    ) throws -> (time: Int64, seq: Int64)? {
        findOpen.bind(1, row.openKey)
        findOpen.bind(2, flags.rawValue)
        findOpen.bind(3, times.lowerBound)
        findOpen.bind(4, times.upperBound)
        findOpen.bind(5, row.session)
        findOpen.bind(6, row.name)
        findOpen.bind(7, row.kind)
        defer { findOpen.reset() }
        return try findOpen.step() ? (findOpen.int(1), findOpen.int(0)) : nil
    }

    /// The same text from the other teller, the earliest first: neither says which it means where
    /// a person said the same twice, and their clocks need not agree.
    private func prompt(_ row: NewEventRow) throws -> Int64? {
        let other: EventFlags = row.half == .opening ? .hasClosing : .hasOpening
        findPrompt.bind(1, row.openKey)
        findPrompt.bind(2, other.rawValue)
        findPrompt.bind(3, other.union(.timeIsArrival).rawValue)
        findPrompt.bind(4, row.session)
        findPrompt.bind(5, row.kind)
        defer { findPrompt.reset() }
        return try findPrompt.step() ? findPrompt.int(0) : nil
    }

    // MARK: What is stored

    func facts(of seq: Int64) throws -> CallFacts? {
        load.bind(1, seq)
        defer { load.reset() }
        guard try load.step() else { return nil }
        return CallFacts(
            kind: load.int(0), session: load.optionalInt(1), time: load.int(2),
            flags: EventFlags(rawValue: load.int(3)),
            status: EventStatus(rawValue: UInt8(clamping: load.int(4))) ?? .none,
            durationMicroseconds: load.optionalInt(5), name: load.optionalInt(6),
            task: load.optionalInt(7), agent: load.optionalInt(8),
            context: load.optionalInt(9) ?? 0, error: load.string(10),
            errorCategory: ErrorCategory(stored: load.optionalInt(11)),
            access: FileAccess(rawValue: UInt8(clamping: load.int(12))) ?? .none,
            toolUseID: load.bytes(13).map { [UInt8]($0) }, identity: load.optionalInt(14),
            attributes: load.bytes(15).map { [UInt8]($0) },
            openingPayload: PayloadReference(
                block: load.optionalInt(16), packed: load.optionalInt(17)),
            closingPayload: PayloadReference(
                block: load.optionalInt(18), packed: load.optionalInt(19)))
    }
}

extension ErrorCategory {
    /// From the column.
    init?(stored: Int64?) {
        guard let stored else { return nil }
        self.init(rawValue: UInt8(clamping: stored))
    }
}
