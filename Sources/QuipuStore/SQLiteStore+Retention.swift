public import QuipuModel

extension SQLiteStore {
    /// Takes away what the policy does not keep, in chunks between commits, and gives space back.
    public func retain(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport {
        let report = try await run(RetentionStep.all, policy, at: time)
        try await writer.remember(retentionTime: time.believed)
        return report
    }

    public func shrink(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport {
        try await run([.size, .trim], policy, at: time)
    }

    public func evict(
        downTo bytes: Int64, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport {
        try await writer.evict(downTo: bytes, at: now)
    }

    public var usedBytes: Int64 { writer.usedBytes }

    private func run(
        _ steps: [RetentionStep], _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport {
        var report = RetentionReport()
        for step in steps {
            // Each step begins anew: how fast one step's rows go says nothing about another's.
            var pace = ChunkPace()
            var chunk = RetentionChunk()
            while !chunk.isDone, !Task.isCancelled {
                if step == .size, chunk.report == RetentionReport(), try await !isOver(policy) {
                    break
                }
                chunk = try await writer.retain(
                    step, rows: pace.rows, after: chunk, policy: policy, at: time)
                report.add(chunk.report)
                pace.follow(chunk.took)
            }
        }
        // The file shrinks with the next checkpoint.
        if report.bytesFreed > 0 { await writer.shortenFile() }
        return report
    }

    /// What `retain` would take away for its age now; rows of a size over the budget are not
    /// foretold.
    public func retainable(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport {
        try await read { context in
            func count(
                _ rows: String, before cutoff: Int64, _ what: String = "count(*)"
            ) throws -> Int {
                let statement = try context.prepare("SELECT \(what) FROM \(rows)")
                statement.bind(1, cutoff)
                return try statement.step() ? Int(statement.int(0)) : 0
            }
            func moment(_ age: Int64) -> Int64 { now.microseconds - age * 1_000_000 }
            var report = RetentionReport()
            let events = moment(policy.eventsSeconds)
            report.payloadBlocks = try count(
                "payload_blocks WHERE last_time < ?1", before: moment(policy.payloadsSeconds))
            report.events = try count("events WHERE time < ?1", before: events)
            report.sessions = try count("sessions WHERE last_activity < ?1", before: events)
            report.sources = try count(
                "sources WHERE finished = 1 AND touched < ?1", before: events)
            report.usageRows = try count("usage_rows WHERE time < ?1", before: events)
            report.usageCalls = try count(
                "usage_calls WHERE time < ?1", before: moment(policy.usageSeconds))
            report.tasks = try count(
                "tasks WHERE updated < ?1", before: moment(policy.tasksSeconds))
            if let age = policy.documentsSeconds {
                report.documents = try count("documents WHERE updated < ?1", before: moment(age))
            }
            for tier in MetricTier.allCases {
                guard let age = policy.metricSeconds[tier] else { continue }
                let old = try count(
                    "rollup_blocks WHERE tier = \(tier.seconds) AND start < ?1",
                    before: tier.blockStart(now.bucket(seconds: 1) - age),
                    "ifnull(sum(points), 0)")
                if tier == MetricTier.allCases.last {
                    report.rollups += old
                } else {
                    report.rollupsMerged += old
                }
            }
            return report
        }
    }

    private func isOver(_ policy: RetentionPolicy) async throws(StoreError) -> Bool {
        try await read { context in
            try RetentionWriter(
                connection: context.connection, policy: policy,
                time: RetentionTime(Timestamp(microseconds: 0))
            ).usedBytes() > policy.databaseBytesMax
        }
    }
}
