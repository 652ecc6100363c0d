import QuipuModel

/// Sessions that began as a copy of another one: whoever resumes or forks a session gets a
/// transcript with all of its rows, under a session id of its own.
///
/// Copies keep their ids and their times, and they come first in their file. So the first events of
/// a session, and one of many later on, are looked for around their time, whatever their session;
/// where one is found, its session is remembered as the copy's origin, and from then on a call that
/// is new to the copy is looked for under its origins' keys, too. No index over ids alone is
/// needed, which would cost a page for each event.
final class ForkFinder {
    private struct Session {
        var origins: [Int64]
        var looked = 0
    }

    /// The first so many events of a session with ids, and later one of so many.
    private static let firstLooked = 8
    private static let laterLookedEach = 64
    /// Hooks and transcripts give one event times that differ, up to this.
    private static let clockDifference: Int64 = 2_000_000
    /// Of each side of the time.
    private static let rowsMax: Int64 = 32
    private static let sessionsMax = 8_192

    private var sessions: [Int64: Session] = [:]
    private let load: RawStatement
    private let insert: RawStatement
    private let after: RawStatement
    private let before: RawStatement

    init(_ connection: OpaquePointer) throws {
        load = try RawStatement(
            connection, "SELECT origin FROM session_origins WHERE session = ?1")
        insert = try RawStatement(
            connection, "INSERT OR IGNORE INTO session_origins VALUES (?1, ?2)")
        let columns = "SELECT id, session, tool_use_id, identity, flags FROM events"
        after = try RawStatement(
            connection,
            "\(columns) WHERE time BETWEEN ?1 AND ?1 + ?2 ORDER BY time LIMIT \(Self.rowsMax)")
        before = try RawStatement(
            connection,
            """
            \(columns) WHERE time BETWEEN ?1 - ?2 AND ?1 - 1
            ORDER BY time DESC LIMIT \(Self.rowsMax)
            """)
    }

    func origins(of session: Int64) throws -> [Int64] { try known(session).origins }

    /// The `seq` of the event that `row` is a copy of.
    func find(_ row: NewEventRow, session: Int64) throws -> Int64? {
        // Ids that are short are made up, and anybody may make up the same ones.
        if row.isCallHalf, (row.toolUseID?.count ?? 0) < Limits.uniqueIDBytesMin { return nil }
        var known = try known(session)
        known.looked += 1
        sessions[session] = known
        let isDue =
            known.looked <= Self.firstLooked || known.looked.isMultiple(of: Self.laterLookedEach)
        guard isDue, !row.event.timeIsArrival, abs(row.event.time.microseconds) < Int64.max / 2
        else { return nil }
        for statement in [after, before] {
            guard let (seq, origin) = try find(row, session, statement) else { continue }
            insert.bind(1, session)
            insert.bind(2, origin)
            try insert.run()
            sessions[session]?.origins.append(origin)
            return seq
        }
        return nil
    }

    private func find(
        _ row: NewEventRow, _ session: Int64, _ statement: RawStatement
    ) throws -> (seq: Int64, origin: Int64)? {
        statement.bind(1, row.event.time.microseconds)
        statement.bind(2, Self.clockDifference)
        defer { statement.reset() }
        while try statement.step() {
            guard let origin = statement.optionalInt(1), origin != session else { continue }
            if isCopy(row, statement) { return (statement.int(0), origin) }
        }
        return nil
    }

    private func isCopy(_ row: NewEventRow, _ other: RawStatement) -> Bool {
        if row.isCallHalf {
            let flags = EventFlags(rawValue: other.int(4))
            guard let id = row.toolUseID, !flags.isDisjoint(with: .halves),
                let stored = other.bytes(2)
            else { return false }
            return stored.elementsEqual(id)
        }
        return row.identity != nil && other.optionalInt(3) == row.identity
    }

    private func known(_ session: Int64) throws -> Session {
        if let known = sessions[session] { return known }
        if sessions.count >= Self.sessionsMax { sessions.removeAll(keepingCapacity: true) }
        load.bind(1, session)
        defer { load.reset() }
        var known = Session(origins: [])
        while try load.step() { known.origins.append(load.int(0)) }
        sessions[session] = known
        return known
    }
}
