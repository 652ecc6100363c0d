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

    private func isOver(_ policy: RetentionPolicy) async throws(StoreError) -> Bool {
        try await read { context in
            try RetentionWriter(
                connection: context.connection, policy: policy,
                time: RetentionTime(Timestamp(microseconds: 0))
            ).usedBytes() > policy.databaseBytesMax
        }
    }
}
