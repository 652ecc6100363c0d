import GRDBSQLite
import QuipuModel

/// The sources' positions and accounts; the writer's side.
final class SourceWriter {
    struct Entry {
        var id: Int64
        var host: String
        var incarnation: Int
        var position: UInt64
        var head: SourceHead?
        /// There is a later incarnation.
        var isClosed = false
        /// Whose batches are refused until they open it again, the latest last.
        fileprivate(set) var refused: [Int] = []

        var state: SourceState {
            SourceState(id: id, incarnation: incarnation, position: position, head: head)
        }
    }

    private static let refusedMax = 8
    /// Beyond, the cache starts anew.
    private static let entriesMax = 4_096
    private static let columns = "id, host, incarnation, position, head_bytes, head_hash"

    private var entries: [Int64: Entry] = [:]
    private let connection: OpaquePointer
    private let findByID: RawStatement
    private let findByKey: RawStatement
    private let insert: RawStatement
    private let seen: RawStatement
    private let close: RawStatement
    private let rewind: RawStatement
    private let rename: RawStatement
    private let homes: SourceHomes
    private let advance: RawStatement
    private let reject: RawStatement
    private let lose: RawStatement
    private let keep: RawStatement
    private let trim: RawStatement

    init(_ connection: OpaquePointer) throws {
        self.connection = connection
        homes = try SourceHomes(connection)
        func prepare(_ sql: String) throws -> RawStatement { try RawStatement(connection, sql) }
        findByID = try prepare(
            """
            SELECT \(Self.columns), EXISTS (
                SELECT 1 FROM sources AS later
                WHERE later.host = this.host AND later.kind = this.kind AND later.key = this.key
                    AND later.incarnation > this.incarnation)
            FROM sources AS this WHERE id = ?1
            """)
        findByKey = try prepare(
            """
            SELECT \(Self.columns) FROM sources WHERE host = ?1 AND kind = ?2 AND key = ?3
            ORDER BY incarnation DESC LIMIT 1
            """)
        insert = try prepare(
            """
            INSERT INTO sources (host, kind, key, path, incarnation, opened, size)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """)
        seen = try prepare("UPDATE sources SET path = ?2, size = ?3 WHERE id = ?1")
        close = try prepare(
            """
            UPDATE sources SET finished = 1, size = position,
                lost_bytes = \(Self.adding(2, to: "lost_bytes")), touched = ?3
            WHERE id = ?1
            """)
        rewind = try prepare(
            """
            UPDATE sources SET incarnation = incarnation + 1, position = 0, head_bytes = NULL,
                head_hash = NULL, finished = 0,
                lost_bytes = \(Self.adding(2, to: "lost_bytes")), touched = ?3
            WHERE id = ?1
            """)
        rename = try prepare("UPDATE sources SET key = ?2 WHERE id = ?1")
        advance = try prepare(
            """
            UPDATE sources SET position = ?2, size = ?3, head_bytes = coalesce(?4, head_bytes),
                head_hash = coalesce(?5, head_hash), finished = ?6, touched = ?11,
                received = \(Self.adding(7, to: "received")),
                stored = \(Self.adding(8, to: "stored")),
                merged = \(Self.adding(9, to: "merged")),
                blank = \(Self.adding(10, to: "blank")),
                lost_bytes = \(Self.adding(12, to: "lost_bytes"))
            WHERE id = ?1
            """)
        reject = try prepare(
            """
            INSERT INTO ledger_rejected VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET count = min(count + excluded.count, \(Limits.countMax))
            """)
        lose = try prepare(
            """
            INSERT INTO ledger_lost VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET count = min(count + excluded.count, \(Limits.countMax))
            """)
        keep = try prepare(
            """
            INSERT INTO rejects (source, offset, reason, time, head) VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        trim = try prepare(
            """
            DELETE FROM rejects WHERE source = ?1 AND id <= (
                SELECT id FROM rejects WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
            """)
    }

    /// What agents claim to have counted never makes a column more than an integer holds.
    private static func adding(_ parameter: Int, to column: String) -> String {
        "min(\(column) + ?\(parameter), \(Limits.countMax))"
    }

    // MARK: Opening

    func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) throws -> SourceState {
        guard let entry = try current(identity) ?? renamed(identity) else {
            return try make(identity, incarnation: 1, size: size, at: now).state
        }
        // To start an incarnation anew of which nothing was stored or lost says nothing.
        if let restart,
            restart.fits(incarnation: entry.incarnation, position: entry.position),
            entry.position > 0 || restart.lostBytes > 0
        {
            if identity.kind == .document { return try begin(entry, again: restart, at: now) }
            entries[entry.id]?.isClosed = true
            close.bind(1, entry.id)
            close.bind(2, count: restart.lostBytes)
            close.bind(3, now.microseconds)
            try close.run()
            return try make(identity, incarnation: entry.incarnation + 1, size: size, at: now).state
        }
        seen.bind(1, entry.id)
        seen.bind(2, copying: identity.path)
        seen.bind(3, Int64(clamping: size))
        try seen.run()
        return entry.state
    }

    /// A document is rewritten many times over: it has one account for all of its incarnations.
    private func begin(
        _ entry: Entry, again restart: SourceRestart, at now: Timestamp
    ) throws -> SourceState {
        rewind.bind(1, entry.id)
        rewind.bind(2, count: restart.lostBytes)
        rewind.bind(3, now.microseconds)
        try rewind.run()
        var entry = entry
        entry.incarnation += 1
        entry.position = 0
        entry.head = nil
        return remember(entry).state
    }

    /// The account that a document had before it was renamed.
    private func renamed(_ identity: SourceIdentity) throws -> Entry? {
        guard identity.kind == .document, let former = identity.formerKey else { return nil }
        var known = identity
        known.key = former
        guard let entry = try current(known) else { return nil }
        rename.bind(1, entry.id)
        rename.bind(2, copying: identity.key)
        try rename.run()
        return entry
    }

    /// What another host has of a file is this one's, where nothing else can be meant.
    func bringHome(_ identity: SourceIdentity) throws {
        guard identity.kind != .document, SourceKey.isOfOneFile(identity.key),
            try current(identity) == nil
        else { return }
        for id in try homes.bring(identity) { entries[id]?.host = identity.host }
    }

    func refuse(_ sender: Int, _ source: Int64) {
        guard sender != 0, var entry = entries[source], !entry.refused.contains(sender) else {
            return
        }
        if entry.refused.count == Self.refusedMax { entry.refused.removeFirst() }
        entry.refused.append(sender)
        entries[source] = entry
    }

    func admit(_ sender: Int, _ source: Int64) {
        entries[source]?.refused.removeAll { $0 == sender }
    }

    func entry(_ id: Int64) throws -> Entry? {
        if let known = entries[id] { return known }
        findByID.bind(1, id)
        defer { findByID.reset() }
        guard try findByID.step() else { return nil }
        var entry = Self.entry(of: findByID)
        entry.isClosed = findByID.int(6) != 0
        return remember(entry)
    }

    private func current(_ identity: SourceIdentity) throws -> Entry? {
        findByKey.bind(1, copying: identity.host)
        findByKey.bind(2, copying: identity.kind.rawValue)
        findByKey.bind(3, copying: identity.key)
        defer { findByKey.reset() }
        return try findByKey.step() ? Self.entry(of: findByKey) : nil
    }

    private func make(
        _ identity: SourceIdentity, incarnation: Int, size: UInt64, at now: Timestamp
    ) throws -> Entry {
        insert.bind(1, copying: identity.host)
        insert.bind(2, copying: identity.kind.rawValue)
        insert.bind(3, copying: identity.key)
        insert.bind(4, copying: identity.path)
        insert.bind(5, Int64(incarnation))
        insert.bind(6, now.microseconds)
        insert.bind(7, Int64(clamping: size))
        try insert.run()
        return remember(
            Entry(
                id: sqlite3_last_insert_rowid(connection), host: identity.host,
                incarnation: incarnation, position: 0, head: nil))
    }

    private func remember(_ entry: Entry) -> Entry {
        if entries.count >= Self.entriesMax { entries.removeAll(keepingCapacity: true) }
        entries[entry.id] = entry
        return entry
    }

    private static func entry(of row: RawStatement) -> Entry {
        var head: SourceHead?
        if let bytes = row.optionalInt(4), let hash = row.optionalInt(5) {
            head = SourceHead(bytes: Int(bytes), hash: UInt64(bitPattern: hash))
        }
        return Entry(
            id: row.int(0), host: row.string(1) ?? "", incarnation: Int(row.int(2)),
            position: UInt64(clamping: row.int(3)), head: head)
    }

    // MARK: Going on

    /// Moves the position behind `batch` and books what became of its lines.
    func advance(_ batch: PendingBatch, tally: Tally, at now: Timestamp) throws {
        guard var entry = try entry(batch.sourceID) else { return }
        entry.position = batch.to
        entry.head = batch.head ?? entry.head
        entries[entry.id] = entry
        advance.bind(1, batch.sourceID)
        advance.bind(2, Int64(clamping: batch.to))
        advance.bind(3, Int64(clamping: max(batch.size, batch.to)))
        advance.bind(4, batch.head.map { Int64($0.bytes) })
        advance.bind(5, batch.head.map { Int64(bitPattern: $0.hash) })
        advance.bind(6, Int64(batch.finished ? 1 : 0))
        advance.bind(7, count: tally.received)
        advance.bind(8, count: tally.stored)
        advance.bind(9, count: tally.merged)
        advance.bind(10, count: tally.blank)
        advance.bind(11, now.microseconds)
        advance.bind(12, count: batch.lostBytes)
        try advance.run()
        for (reason, count) in tally.rejected {
            try book(reject, batch.sourceID, reason.rawValue, count)
        }
        for (cause, count) in tally.lost { try book(lose, batch.sourceID, cause, count) }
        try keep(batch.decoded.rejects, of: batch.sourceID, at: now)
    }

    private func book(
        _ statement: RawStatement, _ source: Int64, _ word: String, _ count: UInt64
    ) throws {
        statement.bind(1, source)
        statement.bind(2, copying: word)
        statement.bind(3, count: count)
        try statement.run()
    }

    private func keep(_ lines: [RejectedLine], of source: Int64, at now: Timestamp) throws {
        guard !lines.isEmpty else { return }
        for line in lines.suffix(Limits.rejectsKeptPerSource) {
            keep.bind(1, source)
            keep.bind(2, Int64(clamping: line.lineOffset))
            keep.bind(3, copying: line.reason.rawValue)
            keep.bind(4, now.microseconds)
            keep.bind(5, copying: Array(line.head.prefix(Limits.rejectedLineKeptBytes)))
            try keep.run()
        }
        trim.bind(1, source)
        trim.bind(2, Int64(Limits.rejectsKeptPerSource))
        try trim.run()
    }
}
