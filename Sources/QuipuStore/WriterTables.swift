import QuipuModel

/// All that writes rows, with its statements and caches. Lives from one failed transaction to the
/// next: what was rolled back must not be remembered, so a failure drops all of it.
final class WriterTables {
    let connection: OpaquePointer
    let strings: StringTable
    let payloads: PayloadBlockWriter
    let sessions: SessionWriter
    let sources: SourceWriter
    let events: EventWriter
    let eventRollups: EventRollupWriter
    let rollups: RollupWriter
    let tasks: TaskWriter
    private let addToCounter: RawStatement
    private let setCounter: RawStatement
    private var countedSeq: Int64
    private var countedBlock: Int64
    private var countedSeries: Int64
    private var countedOverflow: Double = 0

    init(_ connection: OpaquePointer, seriesMax: Int) throws {
        self.connection = connection
        addToCounter = try RawStatement(
            connection, "UPDATE counters SET value = value + ?2 WHERE name = ?1")
        setCounter = try RawStatement(
            connection, "UPDATE counters SET value = ?2 WHERE name = ?1")
        let series = try RawStatement(
            connection, "SELECT value FROM counters WHERE name = 'series'")
        countedSeries = try series.step() ? series.int(0) : 0
        strings = try StringTable(connection)
        payloads = try PayloadBlockWriter(connection)
        sessions = try SessionWriter(connection)
        sources = try SourceWriter(connection)
        eventRollups = try EventRollupWriter(connection)
        tasks = try TaskWriter(connection, strings: strings)
        events = try EventWriter(
            connection, strings: strings, payloads: payloads, sessions: sessions,
            rollups: eventRollups)
        rollups = try RollupWriter(
            connection, strings: strings, seriesCount: countedSeries, seriesMax: seriesMax)
        countedSeq = events.nextSeq
        countedBlock = payloads.nextID
    }

    /// Stores what fits its source's position. All of it is one transaction's work.
    func store(_ batches: [PendingBatch], at now: Timestamp) throws -> CommitReceipt {
        let firstSeq = events.nextSeq
        var completed: Set<Int64> = []
        var outcomes: [BatchOutcome] = []
        outcomes.reserveCapacity(batches.count)
        for batch in batches {
            outcomes.append(try store(batch, at: now, &completed))
        }
        try rollups.flush()
        try eventRollups.flush()
        try sessions.flush()
        if outcomes.contains(.stored) { try count(at: now) }
        let created = events.nextSeq > firstSeq ? firstSeq...(events.nextSeq - 1) : nil
        return CommitReceipt(
            outcomes: outcomes, created: created,
            completed: completed.filter { $0 < firstSeq }.sorted())
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
            host: host, kind: .file, key: "quipud:" + source, path: "quipud:" + source)
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
        guard let entry = try sources.entry(batch.sourceID) else { return .unknownSource }
        guard batch.from == entry.position, batch.to >= batch.from, batch.to <= Int64.max else {
            return .refused(position: entry.position)
        }
        var tally = batch.decoded.tally
        try payloads.begin(batch)
        try batch.decoded.bytes.withUnsafeBytes { bytes in
            for event in batch.decoded.events {
                switch try events.store(event, bytes, source: entry.id) {
                case .created: tally.stored += 1
                case .completed(let seq):
                    tally.merged += 1
                    completed.insert(seq)
                case .repeated: tally.merged += 1
                }
            }
            try tasks.store(batch.decoded.taskChanges, bytes, source: entry.id)
        }
        try rollups.store(batch.decoded, host: entry.host)
        try sources.advance(batch, tally: tally, at: now)
        return .stored
    }

    private func count(at now: Timestamp) throws {
        try add(events.nextSeq - countedSeq, to: "events")
        try add(events.nextSeq - countedSeq, to: "next_event")
        countedSeq = events.nextSeq
        try add(payloads.nextID - countedBlock, to: "next_payload_block")
        countedBlock = payloads.nextID
        try add(rollups.seriesCount - countedSeries, to: "series")
        countedSeries = rollups.seriesCount
        let overflow = (rollups.overflowSamples - countedOverflow).rounded(.down)
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
