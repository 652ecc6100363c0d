internal import IngestCore
internal import Platform
internal import QuipuModel
internal import QuipuStore

/// What became of a batch in its commit.
struct CommittedBatch: Sendable {
    var outcome: BatchOutcome
    var isDurable: Bool
}

/// A source's account, and which of the stores keeps it.
struct OpenedSource: Sendable {
    var state: SourceState
    var generation: Int
}

/// Collects decoded batches and commits them in groups: whichever comes first,
/// `Limits.commitDelayMs` after the first or `Limits.commitBytes` of them. The only caller of the
/// store's writing methods.
actor Committer {
    /// A batch and whoever waits for what became of it.
    private struct Entry {
        var batch: PendingBatch
        var bytes: Int
        var generation: Int
        var answer: Promise<Result<CommittedBatch, StoreError>>

        /// What it is expected to take in the database.
        var weight: Int64 {
            SizeGate.weight(
                bytes: bytes, events: batch.decoded.events.count,
                rollups: batch.decoded.rollups.count)
        }
    }

    private let stores: Stores
    private let statistics: Statistics
    /// Is told of what failed, and knows whether the file is where it was.
    private let disk: DiskCondition
    private let size: SizeKeeper
    private let onCommit: @Sendable ([PendingBatch], CommitReceipt) async -> Void

    private var queue = CommitQueue<Entry, @Sendable () async -> Void>()
    private var roomWaiters: [CheckedContinuation<Void, Never>] = []
    private var timer: Task<Void, Never>?
    /// Sources that wait to be opened, all of them together.
    private var openings: [(SourceOpening, Promise<Result<OpenedSource, StoreError>>)] = []

    init(
        stores: Stores, statistics: Statistics, disk: DiskCondition, size: SizeKeeper,
        onCommit: @escaping @Sendable ([PendingBatch], CommitReceipt) async -> Void
    ) {
        self.stores = stores
        self.statistics = statistics
        self.disk = disk
        self.size = size
        self.onCommit = onCommit
    }

    /// Waits until the queue has room. One batch is always admitted, however large.
    func room() async {
        while !queue.hasRoom {
            await withCheckedContinuation { roomWaiters.append($0) }
        }
    }

    /// Queues a batch; what became of it is known after its commit. Batches are committed in the
    /// order of these calls.
    ///
    /// - Parameter generation: as its source was opened with.
    func enqueue(
        _ batch: PendingBatch, bytes: Int, generation: Int
    ) -> Promise<Result<CommittedBatch, StoreError>> {
        let answer = Promise<Result<CommittedBatch, StoreError>>()
        guard !queue.isDraining else {
            answer.fulfil(.failure(.closed))
            return answer
        }
        let entry = Entry(batch: batch, bytes: bytes, generation: generation, answer: answer)
        follow(queue.add(entry, bytes: bytes))
        statistics.queue(bytes: queue.bytes, batches: queue.count)
        return answer
    }

    /// Opens a source between two commits, after everything queued before it.
    func open(_ opening: SourceOpening) -> Promise<Result<OpenedSource, StoreError>> {
        let answer = Promise<Result<OpenedSource, StoreError>>()
        openings.append((opening, answer))
        if openings.count == 1 { ask { await self.openAll() } }
        return answer
    }

    /// An agent that starts opens thousands; a transaction for each would take minutes.
    private func openAll() async {
        let waiting = openings
        openings = []
        let store = stores.current
        do throws(StoreError) {
            let states = try await store.open(waiting.map(\.0))
            let generation = stores.generation
            for ((_, answer), state) in zip(waiting, states) {
                answer.fulfil(.success(OpenedSource(state: state, generation: generation)))
            }
        } catch {
            disk.failed(error, of: store)
            for (_, answer) in waiting { answer.fulfil(.failure(error)) }
        }
    }

    /// Goes the way of a batch, through the queue and the store's writer, and proves both alive.
    func probe() async -> Bool {
        await withCheckedContinuation { answer in
            ask { [stores, disk] in
                let store = stores.current
                do throws(StoreError) {
                    try await store.probe()
                    answer.resume(returning: true)
                } catch {
                    disk.failed(error, of: store)
                    // A store that answers with an error is alive; a hung one never gets here.
                    answer.resume(returning: error != .closed)
                }
            }
        }
    }

    /// Runs something while no commit runs and none begins.
    func exclusively<Value: Sendable>(
        _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        await withCheckedContinuation { answer in
            ask { answer.resume(returning: await body()) }
        }
    }

    /// Changes something between two commits, after everything queued before it.
    func change<Answer: Sendable>(
        _ body: @escaping @Sendable (any Store) async throws(StoreError) -> Answer
    ) async -> Result<Answer, StoreError> {
        guard !queue.isDraining else { return .failure(.closed) }
        return await exclusively { [stores, disk] in
            let store = stores.current
            do throws(StoreError) {
                // Memory that stands in would forget it, and nobody keeps it for us.
                if disk.problem != nil { throw .notKept }
                return .success(try await body(store))
            } catch {
                disk.failed(error, of: store)
                return .failure(error)
            }
        }
    }

    /// Stores what the daemon itself was told, and tells subscribers of it.
    func store(
        _ decoded: DecodedBatch, asOwn source: String
    ) async -> Result<CommitReceipt, StoreError> {
        let result = await change { store throws(StoreError) in
            let now = Timestamp(microseconds: WallClock.microseconds())
            let receipt = try await store.store(decoded, asOwn: source, at: now)
            guard receipt.outcomes == [.stored] else {
                throw .failed(code: 0, message: "\(source) was refused: \(receipt.outcomes)")
            }
            return receipt
        }
        if case .success(let receipt) = result { await onCommit([], receipt) }
        return result
    }

    /// Commits what is queued now, without waiting for more.
    func flush() async {
        // Questions go after everything that was queued before them.
        await withCheckedContinuation { done in
            ask { done.resume() }
        }
    }

    /// Commits what is queued; what comes from now on is refused.
    func drain() async {
        size.stop()
        follow(queue.drain())
        while !queue.isIdle {
            await withCheckedContinuation { roomWaiters.append($0) }
        }
    }

    private func ask(_ question: @escaping @Sendable () async -> Void) {
        follow(queue.ask(question))
    }

    private func follow(_ signal: CommitQueue<Entry, @Sendable () async -> Void>.Signal) {
        switch signal {
        case .none: break
        case .startTimer:
            timer = Task { [weak self] in
                try? await Task.sleep(for: .milliseconds(Limits.commitDelayMs))
                await self?.timerFired()
            }
        case .run:
            timer?.cancel()
            timer = nil
            Task { await run() }
        }
    }

    private func timerFired() { follow(queue.timerFired()) }

    private func run() async {
        while let round = queue.next(bytesMax: disk.groupBytes) {
            await commit(round.entries)
            for question in round.questions { await question() }
        }
        let signal = queue.ended()
        releaseRoom()
        follow(signal)
    }

    /// A batch may have waited while another store took the place of the one that it was for: there
    /// its source's id may be another's.
    private func isOfStoreInUse(_ entry: Entry) -> Bool {
        guard entry.generation != stores.generation else { return true }
        entry.answer.fulfil(
            .success(CommittedBatch(outcome: .unknownSource, isDurable: false)))
        return false
    }

    /// Near the size budget in several commits, each of which may wait for room in the database.
    private func commit(_ entries: [Entry]) async {
        var rest = entries[...]
        while !rest.isEmpty {
            let store = stores.current
            let weights = rest.map(\.weight)
            let count = size.count(of: weights, in: store)
            let weight = weights[..<count].reduce(0, +)
            await size.makeRoom(for: weight, in: store)
            await commit(Array(rest.prefix(count)), weight: weight)
            rest = rest.dropFirst(count)
        }
    }

    private func commit(_ entries: [Entry], weight: Int64) async {
        let bytes = entries.reduce(0) { $0 + $1.bytes }
        let entries = entries.filter { isOfStoreInUse($0) }
        guard !entries.isEmpty else {
            queue.committed(bytes)
            return releaseRoom()
        }
        let batches = entries.map(\.batch)
        let started = MonotonicClock.microseconds()
        let result: Result<CommitReceipt, StoreError>
        let store = stores.current
        do throws(StoreError) {
            let now = Timestamp(microseconds: WallClock.microseconds())
            let receipt = try await store.commit(batches, at: now)
            // What went into a file that was deleted meanwhile is not kept.
            guard !receipt.isDurable || disk.isInPlace else { throw .fileIsGone }
            result = .success(receipt)
        } catch {
            disk.failed(error, of: store)
            result = .failure(error)
        }
        let elapsed = MonotonicClock.microseconds() - started
        queue.committed(bytes)
        releaseRoom()
        switch result {
        case .success(let receipt):
            statistics.committed(batches, receipt, microseconds: elapsed)
            size.committed(weight, grownBytes: receipt.grownBytes, in: store)
            for (entry, outcome) in zip(entries, receipt.outcomes) {
                entry.answer.fulfil(
                    .success(CommittedBatch(outcome: outcome, isDurable: receipt.isDurable)))
            }
            await onCommit(batches, receipt)
        case .failure(let error):
            statistics.commitFailed(error)
            for entry in entries { entry.answer.fulfil(.failure(error)) }
        }
        statistics.queue(bytes: queue.bytes, batches: queue.count)
    }

    private func releaseRoom() {
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}
