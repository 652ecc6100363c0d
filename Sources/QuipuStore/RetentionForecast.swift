public import QuipuModel

extension SQLiteStore {
    /// Roughly what `retain` would take away now, for its age and for the size.
    public func retainable(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport {
        try await read { context in
            try RetentionForecast(context: context, policy: policy, now: now).report()
        }
    }
}

/// Counts what retention would take, without taking it.
struct RetentionForecast {
    /// The pages of a larger database would take too long to look at.
    private static let searchedBytesMax: Int64 = 1 << 30
    /// What a byte of a block takes there.
    private static let payloadScale = 1.03

    let context: ReadContext
    let policy: RetentionPolicy
    let now: Timestamp

    func report() throws -> RetentionReport {
        var report = try rowsByAge()
        try addMetrics(to: &report)
        try addSize(to: &report)
        return report
    }

    private func moment(_ age: Int64) -> Int64 { now.microseconds - age * 1_000_000 }

    private func number(_ question: String, _ values: Int64...) throws -> Int64 {
        let statement = try context.prepare(question)
        for (index, value) in values.enumerated() { statement.bind(Int32(index + 1), value) }
        defer { statement.reset() }
        return try statement.step() ? statement.int(0) : 0
    }

    private func count(_ rows: String, before cutoff: Int64) throws -> Int {
        Int(try number("SELECT count(*) FROM \(rows)", cutoff))
    }

    private func rowsByAge() throws -> RetentionReport {
        var report = RetentionReport()
        let events = moment(policy.eventsSeconds)
        report.payloadBlocks = try count(
            "payload_blocks WHERE last_time < ?1", before: moment(policy.payloadsSeconds))
        report.events = try count("events WHERE time < ?1", before: events)
        report.sessions = try count(
            "sessions WHERE last_activity < ?1 AND last < ?1", before: events)
        report.sources = try count("sources WHERE finished = 1 AND touched < ?1", before: events)
        report.usageRows = try count("usage_rows WHERE time < ?1", before: events)
        report.usageCalls = try count(
            "usage_calls WHERE time < ?1", before: moment(policy.usageSeconds))
        report.tasks = try count("tasks WHERE updated < ?1", before: moment(policy.tasksSeconds))
        if let age = policy.documentsSeconds {
            report.documents = try count("documents WHERE updated < ?1", before: moment(age))
        }
        for (width, end) in RetentionWriter.eventRollupEnds(policy, now) {
            report.eventRollups += try count(
                "event_rollups WHERE width = \(width) AND start < ?1", before: end)
        }
        return report
    }

    private func addMetrics(to report: inout RetentionReport) throws {
        // Of what is not packed yet, too old for a tier.
        let rest = RollupPacker.cutoff(at: now)
        for tier in MetricTier.allCases {
            guard let age = policy.metricSeconds[tier] else { continue }
            let cutoff = tier.blockStart(now.bucket(seconds: 1) - age)
            let packed = try number(
                """
                SELECT ifnull(sum(points), 0) FROM rollup_blocks
                WHERE tier = \(tier.seconds) AND start < ?1
                """, cutoff)
            let open = try number(
                """
                SELECT count(*) FROM (
                    SELECT DISTINCT series, bucket / \(tier.seconds) FROM open_rollups
                    WHERE bucket < ?1)
                """, min(cutoff, rest))
            if tier == MetricTier.allCases.last {
                report.rollups += Int(packed + open)
            } else {
                report.rollupsMerged += Int(packed + open)
            }
        }
        let age = policy.metricSeconds.values.max() ?? 0
        report.series = Int(
            try number(
                """
                SELECT count(*) FROM series AS s WHERE last < ?1
                    AND NOT EXISTS (SELECT 1 FROM open_rollups WHERE series = s.id AND bucket >= ?2)
                """, moment(age), rest))
    }

    // MARK: Size

    /// What goes for the size, after what goes for its age.
    private func addSize(to report: inout RetentionReport) throws {
        let pages = try PageCounts(context.connection)
        let used = try pages.usedBytes()
        let free = try pages.fileBytes() - used
        let sizes = try sizes(used: used)
        let payloads = moment(policy.payloadsSeconds)
        let old = try number(
            "SELECT ifnull(sum(length(data)), 0) FROM payload_blocks WHERE last_time < ?1",
            payloads)
        var taken =
            Double(old) * sizes.payloadScale + Double(report.events) * sizes.eventBytes
        defer {
            report.bytesFreed = max(0, free + Int64(taken) - RetentionWriter.freeBytesKept)
        }
        guard used - Int64(taken) > policy.databaseBytesMax else { return }
        let target = Double(policy.databaseBytesMax) * RetentionWriter.sizeTarget
        let goal = Double(used) - target

        let block = try context.prepare(
            "SELECT length(data) FROM payload_blocks WHERE last_time >= ?1 ORDER BY last_time")
        block.bind(1, payloads)
        while taken < goal, try block.step() {
            taken += Double(block.int(0)) * sizes.payloadScale
            report.payloadBlocks += 1
        }
        let left = sizes.events - report.events
        let more = min(left, Int(max(0, goal - taken) / max(1, sizes.eventBytes)))
        report.events += more
        taken += Double(more) * sizes.eventBytes
        let documents = try DocumentWriter.bytesAtMost(context.connection)
        guard more == left, goal - taken <= Double(documents) else { return }
        let document = try context.prepare(
            "SELECT size_bytes FROM documents WHERE updated >= ?1 ORDER BY updated")
        document.bind(1, policy.documentsSeconds.map(moment) ?? .min)
        while taken < goal, try document.step() {
            taken += Double(document.int(0))
            report.documents += 1
        }
    }

    private struct Sizes {
        var events: Int
        /// What one takes on average, with its entries in indexes.
        var eventBytes: Double
        /// What a byte of a block of payloads takes in pages.
        var payloadScale: Double
    }

    private func sizes(used: Int64) throws -> Sizes {
        let events = try number("SELECT value FROM counters WHERE name = 'events'")
        let payloads = try number("SELECT ifnull(sum(length(data)), 0) FROM payload_blocks")
        func pages(_ table: String) throws -> Int64 {
            try number(
                """
                SELECT ifnull(sum(pgsize), 0) FROM dbstat
                WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = '\(table)')
                """)
        }
        var scale = Self.payloadScale
        var eventPages = max(0, used - Int64(Double(payloads) * scale))
        if used <= Self.searchedBytesMax {
            eventPages = try pages("events")
            scale = Double(try pages("payload_blocks")) / Double(max(1, payloads))
        }
        return Sizes(
            events: Int(events), eventBytes: Double(eventPages) / Double(max(1, events)),
            payloadScale: scale)
    }
}
