import QuipuModel

/// All that writes rows, with its statements and caches. Lives from one failed transaction to the
/// next: what was rolled back must not be remembered, so a failure drops all of it.
final class WriterTables {
    let connection: OpaquePointer
    let strings: StringTable
    let payloads: PayloadBlockWriter
    let sessions: SessionWriter
    /// For whatever has a `RecordContext`: events, usage.
    let contexts: SessionContexts
    let files: FileTouchWriter
    let sources: SourceWriter
    let elements: ElementWriter
    let events: EventWriter
    let eventRollups: EventRollupWriter
    let errorRollups: ErrorRollupWriter
    let rollups: RollupWriter
    let usage: UsageWriter
    let tasks: TaskWriter
    let pages: PageCounts
    private let addToCounter: RawStatement
    private let setCounter: RawStatement
    private var countedSeq: Int64
    private var countedBlock: Int64
    private var countedSeries: Int64
    private var countedOverflow: Double = 0

    init(_ connection: OpaquePointer, seriesMax: Int) throws {
        self.connection = connection
        pages = try PageCounts(connection)
        addToCounter = try RawStatement(
            connection,
            "UPDATE counters SET value = min(value + ?2, \(Limits.countMax)) WHERE name = ?1")
        setCounter = try RawStatement(
            connection, "UPDATE counters SET value = ?2 WHERE name = ?1")
        let series = try RawStatement(
            connection, "SELECT value FROM counters WHERE name = 'series'")
        countedSeries = try series.step() ? series.int(0) : 0
        strings = try StringTable(connection)
        payloads = try PayloadBlockWriter(connection)
        files = try FileTouchWriter(connection)
        contexts = try SessionContexts(connection, strings: strings)
        sessions = try SessionWriter(connection, contexts: contexts)
        sources = try SourceWriter(connection)
        elements = try ElementWriter(connection)
        eventRollups = try EventRollupWriter(connection)
        errorRollups = try ErrorRollupWriter(connection)
        tasks = try TaskWriter(connection, strings: strings)
        events = try EventWriter(
            connection, strings: strings, contexts: contexts, payloads: payloads,
            sessions: sessions, files: files, rollups: eventRollups, errors: errorRollups)
        rollups = try RollupWriter(
            connection, strings: strings, seriesCount: countedSeries, seriesMax: seriesMax)
        usage = try UsageWriter(
            connection, strings: strings, contexts: contexts, sessions: sessions)
        countedSeq = events.nextSeq
        countedBlock = payloads.nextID
    }

    /// Stores what fits its source's position. All of it is one transaction's work.
    func store(_ batches: [PendingBatch], at now: Timestamp) throws -> CommitReceipt {
        let firstSeq = events.nextSeq
        let usedBefore = try pages.usedBytes()
        var completed: Set<Int64> = []
        var outcomes: [BatchOutcome] = []
        outcomes.reserveCapacity(batches.count)
        for batch in batches {
            outcomes.append(try store(batch, at: now, &completed))
        }
        try rollups.flush()
        try eventRollups.flush()
        try errorRollups.flush()
        try sessions.flush()
        try contexts.flush()
        try files.flush()
        if outcomes.contains(.stored) { try count(at: now) }
        let created = events.nextSeq > firstSeq ? firstSeq...(events.nextSeq - 1) : nil
        var receipt = CommitReceipt(
            outcomes: outcomes, created: created,
            completed: completed.filter { $0 < firstSeq }.sorted())
        receipt.spend = try usage.spend.take()
        receipt.grownBytes = try pages.usedBytes() - usedBefore
        return receipt
    }

    /// Figures of the daemon itself.
    func record(_ figures: [OwnFigure], host: String, at now: Timestamp) throws {
        var batch = DecodedBatch()
        func slice(_ text: String) -> Slice {
            guard !text.isEmpty else { return .none }
            defer { batch.bytes += text.utf8 }
            return Slice(offset: batch.bytes.count, count: text.utf8.count)
        }
        for (index, figure) in figures.enumerated() {
            batch.series.append(
                SeriesKey(name: slice(figure.name), type: figure.type, tags: slice(figure.tags)))
            batch.rollups.append(
                RollupDelta(
                    series: index, bucketStart: now.bucket(seconds: Limits.rollupSeconds),
                    rollup: figure.rollup))
        }
        try rollups.store(batch, host: host)
        try rollups.flush()
        try count(at: now)
    }

    /// Stores what the daemon itself was told as the next lines of a source of its own.
    func store(_ decoded: DecodedBatch, asOwn source: String, host: String, at now: Timestamp)
        throws
        -> CommitReceipt
    {
        let identity = SourceIdentity(
            host: host, kind: .file, key: SourceKey.daemonPrefix + source,
            path: SourceKey.daemonPrefix + source)
        let state = try sources.open(identity, size: 0, restart: nil, at: now)
        let end = state.position + UInt64(decoded.events.count)
        var decoded = decoded
        for index in decoded.events.indices {
            decoded.events[index].lineOffset = state.position + UInt64(index)
        }
        for index in decoded.taskChanges.indices {
            decoded.taskChanges[index].lineOffset = state.position + UInt64(index)
            let change = decoded.taskChanges[index]
            let session = decoded.string(change[.session])
            let scope = try tasks.scope(of: decoded.string(change.task) ?? "", session: session)
            decoded.taskChanges[index].scope = scope
        }
        let batch = PendingBatch(
            sourceID: state.id, from: state.position, to: end, size: end, head: nil,
            finished: false, decoded: decoded)
        return try store([batch], at: now)
    }

    private func store(
        _ batch: PendingBatch, at now: Timestamp, _ completed: inout Set<Int64>
    ) throws -> BatchOutcome {
        guard let entry = try sources.entry(batch.sourceID), !entry.isClosed else {
            return .unknownSource
        }
        guard batch.from == entry.position, batch.to >= batch.from, batch.to <= Int64.max,
            !entry.refused.contains(batch.sender)
        else {
            sources.refuse(batch.sender, entry.id)
            return .refused(position: entry.position)
        }
        var batch = batch
        var tally = batch.decoded.tally
        try elements.takeKnown(
            from: &batch.decoded, document: entry.id, pass: entry.incarnation, tally: &tally)
        // Where all of it was known, its payloads are, too.
        if batch.decoded.events.isEmpty { batch.dropPayloads() }
        try payloads.begin(batch)
        try batch.decoded.bytes.withUnsafeBytes { bytes in
            var told = batch.decoded.usages[...]
            for event in batch.decoded.events {
                // In the order of lines: what a line says of its session holds from there on.
                while let row = told.first, row.lineOffset < event.lineOffset {
                    try store(told.removeFirst(), bytes, source: entry.id, &tally)
                }
                if !event.context.parent.isNone { try usage.note(event, bytes) }
                let outcome = try events.store(event, bytes, source: entry.id)
                if case .completed(let seq) = outcome { completed.insert(seq) }
                // A line counts once, as what its first record became.
                guard !event.isFurther else { continue }
                if case .created = outcome { tally.stored += 1 } else { tally.merged += 1 }
            }
            for row in told { try store(row, bytes, source: entry.id, &tally) }
            try tasks.store(batch.decoded.taskChanges, bytes, source: entry.id)
        }
        try rollups.store(batch.decoded, host: entry.host)
        try sources.advance(batch, tally: tally, at: now)
        return .stored
    }

    private func store(
        _ row: UsageRecord, _ bytes: UnsafeRawBufferPointer, source: Int64, _ tally: inout Tally
    ) throws {
        let outcome = try usage.store(row, bytes, source: source)
        guard !row.isFurther else { return }
        switch outcome {
        case .made: tally.stored += 1
        case .merged: tally.merged += 1
        }
    }

    private func count(at now: Timestamp) throws {
        try add(events.nextSeq - countedSeq, to: "events")
        try add(events.nextSeq - countedSeq, to: "next_event")
        countedSeq = events.nextSeq
        try add(payloads.nextID - countedBlock, to: "next_payload_block")
        countedBlock = payloads.nextID
        try add(rollups.seriesCount - countedSeries, to: "series")
        countedSeries = rollups.seriesCount
        // Weights are what senders claim of their sampling.
        let overflow = min(
            (rollups.overflowSamples - countedOverflow).rounded(.down), Double(Limits.countMax))
        try add(Int64(overflow), to: "series_overflow")
        countedOverflow += overflow
        setCounter.bind(1, copying: "last_commit")
        setCounter.bind(2, now.microseconds)
        try setCounter.run()
    }

    func add(_ change: Int64, to counter: String) throws {
        guard change != 0 else { return }
        addToCounter.bind(1, copying: counter)
        addToCounter.bind(2, change)
        try addToCounter.run()
    }
}
