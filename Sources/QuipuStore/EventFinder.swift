import QuipuModel

/// Finds the stored event that a line is about; the writer's side.
final class EventFinder {
    private let findCall: RawStatement
    private let findCallAnywhere: RawStatement
    private let findAnywhere: RawStatement
    private let findOpen: RawStatement
    private let findPrompt: RawStatement
    private let callsAround: RawStatement
    private let promptsAround: RawStatement
    private let findFork: RawStatement
    private let findTold: RawStatement
    private let load: RawStatement
    private static let relativesMax = 8_192
    /// A session has few copies and forks; each is looked for with each call.
    private static let relativesPerSessionMax = 64
    private var relatives: [Int64: [Int64]] = [:]
    private var filter: CallFilter
    private let strings: StringTable
    /// Whether any event has an identity: none has where no transcripts are read.
    private var hasIdentities: Bool

    init(_ connection: OpaquePointer, strings: StringTable) throws {
        self.strings = strings
        filter = CallFilter(firstSession: try strings.nextID())
        hasIdentities = try RawStatement(
            connection, "SELECT 1 FROM events WHERE identity IS NOT NULL LIMIT 1"
        ).step()
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
            SELECT id, time FROM events
            WHERE open_key = ?1 AND flags = ?2 AND session = ?3 AND kind = ?4
            ORDER BY time, id LIMIT 1
            """)
        callsAround = try RawStatement(
            connection,
            """
            SELECT id FROM (
                SELECT id, tool_use_id, flags FROM events WHERE time BETWEEN ?1 AND ?2 LIMIT ?3)
            WHERE tool_use_id = ?4 AND flags & ?5 LIMIT 1
            """)
        promptsAround = try RawStatement(
            connection,
            """
            SELECT id, session, open_key FROM (
                SELECT id, session, open_key, kind, flags FROM events
                WHERE time BETWEEN ?1 AND ?2 LIMIT ?3)
            WHERE kind = ?4 AND flags = ?5 AND open_key IS NOT NULL
            """)
        findFork = try RawStatement(
            connection,
            "SELECT parent FROM usage_counters WHERE session = ?1 AND started + ?2 >= ?3")
        findTold = try RawStatement(
            connection,
            "SELECT id FROM events WHERE open_key = ?1 AND session = ?2 AND kind = ?3 LIMIT 1")
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
        if row.openKey != nil, let seq = row.isCallHalf ? try open(row) : try prompt(row) {
            return seq
        }
        if row.identity != nil, let seq = try around(row) { return seq }
        return try history(row)
    }

    /// A fork that begins with its parent's history, all of it as of the moment it was forked.
    private func history(_ row: NewEventRow) throws -> Int64? {
        guard row.openKey(in: nil) != nil, !row.event.timeIsArrival else { return nil }
        findFork.bind(1, row.session)
        findFork.bind(2, Limits.forkReplayMs * 1_000)
        findFork.bind(3, row.event.time.microseconds)
        defer { findFork.reset() }
        guard try findFork.step(), let parent = findFork.optionalInt(0) else { return nil }
        findTold.bind(1, row.openKey(in: parent))
        findTold.bind(2, parent)
        findTold.bind(3, row.kind)
        defer { findTold.reset() }
        return try findTold.step() ? findTold.int(0) : nil
    }

    // MARK: By time

    /// Hooks and transcripts give one event times that differ, up to this.
    private static let clockDifference: Int64 = 2_000_000
    /// Of those that share a moment, so that no log makes this slow.
    private static let neighboursMax: Int64 = 256

    /// What only hooks have told so far, where a copy's transcript comes before its origin's: the
    /// copy bears another session, but the origin's times.
    private func around(_ row: NewEventRow) throws -> Int64? {
        let time = row.event.time.microseconds
        guard row.half != .whole, !row.event.timeIsArrival, abs(time) < Int64.max / 2 else {
            return nil
        }
        let statement = row.isCallHalf ? callsAround : promptsAround
        statement.bind(1, time - Self.clockDifference)
        statement.bind(2, time + Self.clockDifference)
        statement.bind(3, Self.neighboursMax)
        defer { statement.reset() }
        if row.isCallHalf {
            statement.bind(4, text: row.toolUseID)
            statement.bind(5, EventFlags.halves.rawValue)
            return try statement.step() ? statement.int(0) : nil
        }
        statement.bind(4, row.kind)
        statement.bind(5, EventFlags.hasOpening.rawValue)
        while try statement.step() {
            let key = row.openKey(in: statement.optionalInt(1))
            if key != nil, key == statement.optionalInt(2) { return statement.int(0) }
        }
        return nil
    }

    // MARK: By id

    /// In its session; else, since it may be a copy or have one, in any.
    private func withID(_ row: NewEventRow) throws -> Int64? {
        guard row.isCallHalf, let id = row.toolUseID else {
            // A row of a transcript may hold several calls: those are known by their own ids.
            guard !row.isCallHalf, let identity = row.identity else { return nil }
            findAnywhere.bind(1, identity)
            defer { findAnywhere.reset() }
            return try findAnywhere.step() ? findAnywhere.int(0) : nil
        }
        if let seq = try call(id, key: row.callKey, row.session) { return seq }
        guard hasIdentities, row.identity != nil || id.count >= Limits.uniqueIDBytesMin else {
            return nil
        }
        findCallAnywhere.bind(1, row.identity ?? CallKey.identity(id))
        findCallAnywhere.bind(2, text: id)
        findCallAnywhere.bind(3, EventFlags.halves.rawValue)
        defer { findCallAnywhere.reset() }
        if try findCallAnywhere.step() { return findCallAnywhere.int(0) }
        guard row.identity != nil, let session = row.session else { return nil }
        for relative in relatives[session] ?? [] {
            let key = CallKey.of(session: relative, low: CallKey.low(id))
            if let seq = try call(id, key: key, relative) { return seq }
        }
        return nil
    }

    /// An event is stored under this key from now on.
    func note(_ key: Int64?, identity: Int64?) throws {
        if identity != nil { hasIdentities = true }
        if let key { try filter.insert(key, nextSession: strings.nextID()) }
    }

    private func call(
        _ id: UnsafeRawBufferPointer, key: Int64?, _ session: Int64?
    ) throws -> Int64? {
        if let key, let session, !filter.mayHold(key, of: session) { return nil }
        findCall.bind(1, key)
        findCall.bind(2, session)
        findCall.bind(3, text: id)
        findCall.bind(4, EventFlags.halves.rawValue)
        defer { findCall.reset() }
        return try findCall.step() ? findCall.int(0) : nil
    }

    /// A line of one session told of an event of another one: either is a copy of the other. So
    /// what only hooks have told of the one is looked for there, too. Forgotten with the process,
    /// and learnt again from the next such line.
    func relate(_ session: Int64?, _ other: Int64?) {
        guard let session, let other, session != other else { return }
        if relatives.count >= Self.relativesMax { relatives.removeAll(keepingCapacity: true) }
        for (one, two) in [(session, other), (other, session)] {
            var known = relatives[one] ?? []
            guard known.count < Self.relativesPerSessionMax, !known.contains(two) else { continue }
            known.append(two)
            relatives[one] = known
        }
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
        return Self.earlier(exact, loose)
    }

    private static func earlier(
        _ one: (time: Int64, seq: Int64)?, _ other: (time: Int64, seq: Int64)?
    ) -> Int64? {
        guard let one, let other else { return (one ?? other)?.seq }
        return one < other ? one.seq : other.seq
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
        return Self.earlier(
            try earliestPrompt(row, other),
            try earliestPrompt(row, other.union(.timeIsArrival)))
    }

    /// With one value of `flags` the index has them in their order, however many wait.
    private func earliestPrompt(
        _ row: NewEventRow, _ flags: EventFlags
    ) throws -> (time: Int64, seq: Int64)? {
        findPrompt.bind(1, row.openKey)
        findPrompt.bind(2, flags.rawValue)
        findPrompt.bind(3, row.session)
        findPrompt.bind(4, row.kind)
        defer { findPrompt.reset() }
        return try findPrompt.step() ? (findPrompt.int(1), findPrompt.int(0)) : nil
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
