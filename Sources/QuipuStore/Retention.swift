import GRDBSQLite
import QuipuModel
import Sketches

/// What retention does, one after the other.
enum RetentionStep: Equatable {
    /// Packs rollups at rest, which makes them few bytes. It takes away only what came so late that
    /// a tier no longer has its time.
    case pack
    case payloads
    case events
    case sessions
    case eventRollups
    case usageRows
    case usageCalls
    case metrics(MetricTier)
    case series
    case sources
    case tasks
    case documents
    case size
    case vacuum
    /// Of the size budget only what commits wait for: nothing that somebody put here to be kept.
    case evict(downTo: Int64)
    /// Gives back what the file has beyond its budget; free pages within it are used again.
    case trim

    static let all: [RetentionStep] =
        [.pack, .payloads, .events, .sessions, .eventRollups, .usageRows, .usageCalls]
        + MetricTier.allCases.map { .metrics($0) } + [
            .series, .sources, .tasks, .documents, .size, .vacuum,
        ]
}

/// One chunk of one step, and where the next one goes on.
struct RetentionChunk {
    var report = RetentionReport()
    var isDone = false
    /// The last series looked at.
    var series: Int64 = 0
    /// How long it held the writer.
    var took = Duration.zero
    /// What was removed may be remembered by the writer's caches.
    var dropsCaches = false
}

/// Takes away what is too old or too much, some rows at a time, in the writer's transactions.
struct RetentionWriter {
    /// Where the database is over its budget, it comes down to this part of it.
    static let sizeTarget = 0.95
    /// Free pages that are left for the next rows.
    private static let pagesKept: Int64 = 64
    static let freeBytesKept = pagesKept * 4_096

    /// Few at a time: each may be large, and none goes that need not.
    private static let documentsPerChunk = 8
    /// What a block of payloads takes as long as to take.
    private static let rowsPerBlock = 8
    /// Of the smallest step.
    private static let eventsMin = 16

    let connection: OpaquePointer
    let policy: RetentionPolicy
    let time: RetentionTime

    private var now: Timestamp { time.aged }

    func run(
        _ step: RetentionStep, rows: Int, after chunk: RetentionChunk
    ) throws -> RetentionChunk {
        var next = RetentionChunk()
        switch step {
        case .pack:
            next.series = chunk.series
            try pack(rows, &next)
        case .payloads:
            next.report.payloadBlocks = try delete(
                from: "payload_blocks", column: "last_time", before: cutoff(policy.payloadsSeconds),
                rows: rows)
            next.isDone = next.report.payloadBlocks < rows
        case .events:
            next.report.events = try deleteEvents(
                before: cutoff(policy.eventsSeconds), rows: rows)
            next.isDone = next.report.events < rows
        case .sessions: try sessions(rows, &next)
        case .eventRollups: try eventRollups(rows, &next)
        case .usageRows:
            next.report.usageRows = try delete(
                from: "usage_rows", column: "time", before: cutoff(policy.eventsSeconds), rows: rows
            )
            next.isDone = next.report.usageRows < rows
        case .usageCalls: try usageCalls(rows, &next)
        case .metrics(let tier):
            next.series = chunk.series
            try metrics(tier, rows, &next)
        case .series: try series(rows, &next)
        case .sources: try sources(rows, &next)
        case .tasks:
            next.report.tasks = try delete(
                from: "tasks", column: "updated", before: cutoff(policy.tasksSeconds), rows: rows)
            next.isDone = next.report.tasks < rows
        case .documents:
            if let age = policy.documentsSeconds {
                next.report.documents = try DocumentWriter(connection: connection)
                    .delete(before: cutoff(age), rows: rows)
            }
            next.isDone = next.report.documents < rows
        case .size: try shrink(rows, &next)
        case .evict(let bytes): try evict(rows, downTo: bytes, &next)
        case .vacuum: try vacuum(rows, &next)
        case .trim: try vacuum(rows, keepingBytes: policy.databaseBytesMax, &next)
        }
        return next
    }

    private func cutoff(_ seconds: Int64) -> Int64 { now.microseconds - seconds * 1_000_000 }

    // MARK: Events

    private func delete(
        from table: String, column: String, before cutoff: Int64, rows: Int
    ) throws -> Int {
        let delete = try RawStatement(
            connection,
            """
            DELETE FROM \(table) WHERE rowid IN (
                SELECT rowid FROM \(table) WHERE \(column) < ?1 ORDER BY \(column) LIMIT ?2)
            """)
        delete.bind(1, cutoff)
        delete.bind(2, Int64(rows))
        try delete.run()
        return Int(sqlite3_changes(connection))
    }

    private func deleteEvents(before cutoff: Int64, rows: Int) throws -> Int {
        let count = try delete(from: "events", column: "time", before: cutoff, rows: rows)
        try subtract(count, from: "events")
        return count
    }

    private func subtract(_ count: Int, from counter: String) throws {
        guard count > 0 else { return }
        let update = try RawStatement(
            connection, "UPDATE counters SET value = value - ?2 WHERE name = ?1")
        update.bind(1, copying: counter)
        update.bind(2, Int64(count))
        try update.run()
    }

    private func sessions(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        // Before their sessions, by which they are found; by an age of their own, since a session
        // may last longer than that.
        let files = try deleteFiles(before: cutoff(policy.eventsSeconds), rows: rows)
        guard files < rows else { return chunk.isDone = false }
        let old = """
            SELECT session FROM sessions WHERE last_activity < ?1 AND last < ?1
            ORDER BY session LIMIT ?2
            """
        for table in ["session_tools", "session_agents", "sessions"] {
            let delete = try RawStatement(
                connection, "DELETE FROM \(table) WHERE session IN (\(old))")
            delete.bind(1, cutoff(policy.eventsSeconds))
            delete.bind(2, Int64(rows))
            try delete.run()
            chunk.report.sessions = Int(sqlite3_changes(connection))
        }
        chunk.dropsCaches = chunk.report.sessions > 0
        chunk.isDone = chunk.report.sessions < rows
    }

    private func deleteFiles(before cutoff: Int64, rows: Int) throws -> Int {
        let delete = try RawStatement(
            connection,
            """
            DELETE FROM file_touches WHERE (session, path) IN (
                SELECT session, path FROM file_touches WHERE last < ?1 AND session IN (
                    SELECT 0 UNION ALL SELECT session FROM sessions WHERE first < ?1)
                LIMIT ?2)
            """)
        delete.bind(1, cutoff)
        delete.bind(2, Int64(rows))
        try delete.run()
        return Int(sqlite3_changes(connection))
    }

    /// The narrowest spans go with their events; hours and days stay longer.
    private func eventRollups(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        let delete = try RawStatement(
            connection,
            """
            DELETE FROM event_rollups WHERE width = ?1 AND start < ?2 AND start <= ifnull((
                SELECT start FROM event_rollups WHERE width = ?1 ORDER BY start LIMIT 1 OFFSET ?3),
                ?2)
            """)
        let deleteErrors = try RawStatement(
            connection,
            """
            DELETE FROM error_rollups WHERE width = ?1 AND start < min(?2, ifnull((
                SELECT start FROM event_rollups WHERE width = ?1 ORDER BY start LIMIT 1), ?2))
            """)
        for (width, end) in Self.eventRollupEnds(policy, now) {
            delete.bind(1, width)
            delete.bind(2, end)
            delete.bind(3, Int64(rows))
            try delete.run()
            chunk.report.eventRollups += Int(sqlite3_changes(connection))
            deleteErrors.bind(1, width)
            deleteErrors.bind(2, end)
            try deleteErrors.run()
        }
        chunk.isDone = chunk.report.eventRollups < rows
    }

    /// Before when rollups of each width go.
    static func eventRollupEnds(
        _ policy: RetentionPolicy, _ now: Timestamp
    ) -> [(width: Int64, end: Int64)] {
        let ages = [policy.eventDaysSeconds, policy.eventHoursSeconds, policy.eventsSeconds]
        return zip(EventRollup.widths, ages).map { width, age in
            let end = now.bucket(seconds: 1) - max(age, policy.eventsSeconds)
            return (width, end.aligned(to: width))
        }
    }

    private func usageCalls(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        chunk.report.usageCalls = try delete(
            from: "usage_calls", column: "time", before: cutoff(policy.usageSeconds), rows: rows)
        chunk.isDone = chunk.report.usageCalls < rows
    }

    // MARK: Metrics

    private func pack(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        let packer = try RollupPacker(connection)
        // Takes nothing away, so that a clock that is wrong costs nothing.
        let cutoff = RollupPacker.cutoff(at: time.clock)
        try eachSeries(rows, &chunk) { try packer.pack($0, before: cutoff, rows: rows) }
        chunk.report.rollupsMerged = packer.merged
        chunk.report.rollups = packer.dropped
    }

    /// Takes the blocks that are as old as the tier is kept; wider tiers have the same samples.
    private func metrics(_ tier: MetricTier, _ rows: Int, _ chunk: inout RetentionChunk) throws {
        guard let age = policy.metricSeconds[tier] else { return chunk.isDone = true }
        let cutoff = tier.blockStart(now.bucket(seconds: 1) - age)
        if chunk.series == 0 { try TierFloors.raise(tier, to: cutoff, connection) }
        let count = try RawStatement(
            connection,
            """
            SELECT ifnull(sum(points), 0) FROM rollup_blocks
            WHERE series = ?1 AND tier = ?2 AND start < ?3
            """)
        let delete = try RawStatement(
            connection, "DELETE FROM rollup_blocks WHERE series = ?1 AND tier = ?2 AND start < ?3")
        var points = 0
        try eachSeries(rows, &chunk) { series in
            for statement in [count, delete] {
                statement.bind(1, series)
                statement.bind(2, tier.seconds)
                statement.bind(3, cutoff)
            }
            defer { count.reset() }
            guard try count.step(), count.int(0) > 0 else { return 0 }
            points += Int(count.int(0))
            try delete.run()
            return Int(sqlite3_changes(connection))
        }
        if tier == MetricTier.allCases.last {
            chunk.report.rollups = points
        } else {
            chunk.report.rollupsMerged = points
        }
    }

    /// Goes through the series by their ids, so that no table need be searched for old rows.
    ///
    /// - Parameter work: says how many rows it took; so many that there may be more: again.
    private func eachSeries(
        _ rows: Int, _ chunk: inout RetentionChunk, _ work: (Int64) throws -> Int
    ) throws {
        let next = try RawStatement(
            connection, "SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT 1")
        var looked = 0
        while looked < rows {
            next.bind(1, chunk.series)
            guard try next.step() else { return chunk.isDone = true }
            let series = next.int(0)
            next.reset()
            let taken = try work(series)
            looked += 1 + taken
            if taken < rows { chunk.series = series }
        }
    }

    /// Those whose last rollup is gone.
    private func series(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        let age = policy.metricSeconds.values.max() ?? 0
        let delete = try RawStatement(
            connection,
            """
            DELETE FROM series WHERE id IN (
                SELECT id FROM series AS s WHERE last < ?1
                    AND NOT EXISTS (SELECT 1 FROM rollup_blocks WHERE series = s.id)
                    AND NOT EXISTS (SELECT 1 FROM open_rollups WHERE series = s.id)
                LIMIT ?2)
            """)
        delete.bind(1, cutoff(age))
        delete.bind(2, Int64(rows))
        try delete.run()
        chunk.report.series = Int(sqlite3_changes(connection))
        try subtract(chunk.report.series, from: "series")
        chunk.dropsCaches = chunk.report.series > 0
        chunk.isDone = chunk.report.series < rows
    }

    // MARK: Sources

    /// Accounts of sources that are at their end and whose events are gone.
    private func sources(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        let old = """
            SELECT id FROM sources WHERE finished = 1 AND touched < ?1 ORDER BY id LIMIT ?2
            """
        for (table, column) in [
            ("ledger_rejected", "source"), ("ledger_lost", "source"), ("rejects", "source"),
            ("elements", "document"), ("sources", "id"),
        ] {
            let delete = try RawStatement(
                connection, "DELETE FROM \(table) WHERE \(column) IN (\(old))")
            delete.bind(1, cutoff(policy.eventsSeconds))
            delete.bind(2, Int64(rows))
            try delete.run()
            chunk.report.sources = Int(sqlite3_changes(connection))
        }
        chunk.dropsCaches = chunk.report.sources > 0
        let forgotten = try forgetElements(rows)
        chunk.isDone = chunk.report.sources < rows && forgotten < rows
    }

    /// Elements that did not come again in many passes over their document.
    private func forgetElements(_ rows: Int) throws -> Int {
        let delete = try RawStatement(
            connection,
            """
            DELETE FROM elements WHERE (document, hash) IN (
                SELECT e.document, e.hash FROM sources AS s JOIN elements AS e ON e.document = s.id
                WHERE s.kind = 'document' AND s.incarnation > ?1 AND e.pass < s.incarnation - ?1
                LIMIT ?2)
            """)
        delete.bind(1, Int64(Limits.elementPassesKept))
        delete.bind(2, Int64(rows))
        try delete.run()
        return Int(sqlite3_changes(connection))
    }

    // MARK: Size

    /// Payloads first, since they are worth the least for their bytes; then events; last what
    /// somebody put here to be kept.
    private func shrink(_ rows: Int, _ chunk: inout RetentionChunk) throws {
        let target = Int64(Double(policy.databaseBytesMax) * Self.sizeTarget)
        guard try usedBytes() > target else { return chunk.isDone = true }
        try evict(rows, downTo: target, &chunk)
        guard chunk.report.isExhausted else { return }
        // Nobody's documents go where the rest is too large without them.
        guard try usedBytes() - DocumentWriter.bytesAtMost(connection) <= target else {
            return chunk.isDone = true
        }
        chunk.report.documents = try DocumentWriter(connection: connection)
            .delete(before: .max, rows: Self.documentsPerChunk)
        chunk.isDone = chunk.report.documents == 0
        chunk.report.isExhausted = chunk.isDone
    }

    /// Takes no more than has to go, as far as averages tell.
    private func evict(
        _ rows: Int, downTo bytes: Int64, _ chunk: inout RetentionChunk
    ) throws {
        let used = try usedBytes()
        let excess = used - bytes
        guard excess > 0 else { return chunk.isDone = true }
        let block = try number(
            "SELECT avg(size) FROM (SELECT length(data) AS size FROM payload_blocks LIMIT 8)")
        if block > 0 {
            let blocks = Int(clamping: excess / block + 1)
            chunk.report.payloadBlocks = try delete(
                from: "payload_blocks", column: "last_time", before: .max,
                rows: min(max(1, rows / Self.rowsPerBlock), blocks))
        }
        guard chunk.report.payloadBlocks == 0 else { return }
        // More than an event takes, so that the last ones go in ever smaller steps.
        let events = try number("SELECT value FROM counters WHERE name = 'events'")
        let event = max(1, used / max(1, events))
        chunk.report.events = try deleteEvents(
            before: .max, rows: min(rows, Int(clamping: excess / event) + Self.eventsMin))
        chunk.report.isExhausted = chunk.report.events == 0
    }

    func usedBytes() throws -> Int64 { try PageCounts(connection).usedBytes() }

    /// - Parameter keepingBytes: the file need not become shorter than this.
    private func vacuum(
        _ rows: Int, keepingBytes: Int64 = 0, _ chunk: inout RetentionChunk
    ) throws {
        let free = try pragma("freelist_count")
        let before = try pragma("page_count")
        let beyond = before - keepingBytes / (try pragma("page_size"))
        let count = min(free - Self.pagesKept, beyond, Int64(rows))
        guard count > 0 else { return chunk.isDone = true }
        guard
            sqlite3_exec(connection, "PRAGMA incremental_vacuum(\(count))", nil, nil, nil)
                == SQLITE_OK
        else {
            throw SQLiteFailure(
                code: sqlite3_extended_errcode(connection),
                message: String(cString: sqlite3_errmsg(connection)))
        }
        let freed = before - (try pragma("page_count"))
        chunk.report.bytesFreed = freed * (try pragma("page_size"))
        chunk.isDone = freed == 0
    }

    private func pragma(_ name: String) throws -> Int64 { try number("PRAGMA \(name)") }

    private func number(_ question: String) throws -> Int64 {
        let statement = try RawStatement(connection, question)
        return try statement.step() ? statement.int(0) : 0
    }
}
