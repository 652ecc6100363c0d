internal import Platform
internal import QuipuModel
internal import QuipuStore

/// What became of a batch in its commit.
struct CommittedBatch: Sendable {
    var outcome: BatchOutcome
    var isDurable: Bool
}

/// Collects decoded batches and commits them in groups: whichever comes first,
/// `Limits.commitDelayMs` after the first or `Limits.commitBytes` of them. The only caller of the
/// store's writing methods.
actor Committer {
    /// A batch and whoever waits for what became of it.
    private struct Entry {
        var batch: PendingBatch
        var bytes: Int
        var answer: Promise<Result<CommittedBatch, StoreError>>
    }

    private let stores: Stores
    private let statistics: Statistics
    /// Is told of what failed, and knows whether the file is where it was.
    private let disk: DiskCondition
    private let onCommit: @Sendable ([PendingBatch], CommitReceipt) async -> Void

    private var queue: [Entry] = []
    private var queuedBytes = 0
    private var opens: [@Sendable () async -> Void] = []
    private var isDraining = false
    private var isRunning = false
    private var roomWaiters: [CheckedContinuation<Void, Never>] = []
    private var timer: Task<Void, Never>?

    init(
        stores: Stores, statistics: Statistics, disk: DiskCondition,
        onCommit: @escaping @Sendable ([PendingBatch], CommitReceipt) async -> Void
    ) {
        self.stores = stores
        self.statistics = statistics
        self.disk = disk
        self.onCommit = onCommit
    }

    /// Waits until the queue has room. One batch is always admitted, however large.
    func room() async {
        while queuedBytes >= Limits.ingestQueueBytesMax {
            await withCheckedContinuation { roomWaiters.append($0) }
        }
    }

    /// Queues a batch; what became of it is known after its commit. Batches are committed in the
    /// order of these calls.
    func enqueue(
        _ batch: PendingBatch, bytes: Int
    ) -> Promise<Result<CommittedBatch, StoreError>> {
        let answer = Promise<Result<CommittedBatch, StoreError>>()
        guard !isDraining else {
            answer.fulfil(.failure(.closed))
            return answer
        }
        queue.append(Entry(batch: batch, bytes: bytes, answer: answer))
        queuedBytes += bytes
        statistics.queue(bytes: queuedBytes, batches: queue.count)
        schedule()
        return answer
    }

    /// Runs a writing question between two commits, after everything queued before it.
    func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) async -> Result<SourceState, StoreError> {
        await withCheckedContinuation { answer in
            opens.append { [stores, disk] in
                let store = stores.current
                do throws(StoreError) {
                    answer.resume(
                        returning: .success(
                            try await store.open(
                                identity, size: size, restart: restart, at: now)))
                } catch {
                    disk.failed(error, of: store)
                    answer.resume(returning: .failure(error))
                }
            }
            wake()
        }
    }

    /// Goes the way of a batch, through the queue and the store's writer, and proves both alive.
    func probe() async -> Bool {
        await withCheckedContinuation { answer in
            opens.append { [stores, disk] in
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
            wake()
        }
    }

    /// Runs something while no commit runs and none begins.
    func exclusively<Value: Sendable>(
        _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        await withCheckedContinuation { answer in
            opens.append { answer.resume(returning: await body()) }
            wake()
        }
    }

    /// Changes something between two commits, after everything queued before it.
    func change<Answer: Sendable>(
        _ body: @escaping @Sendable (any Store) async throws(StoreError) -> Answer
    ) async -> Result<Answer, StoreError> {
        guard !isDraining else { return .failure(.closed) }
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
            return try await store.store(decoded, asOwn: source, at: now)
        }
        if case .success(let receipt) = result { await onCommit([], receipt) }
        return result
    }

    /// Commits what is queued now, without waiting for more.
    func flush() async {
        // Questions go after everything that was queued before them.
        await withCheckedContinuation { done in
            opens.append { done.resume() }
            wake()
        }
    }

    /// Commits what is queued; what comes from now on is refused.
    func drain() async {
        isDraining = true
        wake()
        while isRunning || !queue.isEmpty {
            await withCheckedContinuation { roomWaiters.append($0) }
        }
    }

    private func schedule() {
        if isDraining || queuedBytes >= Limits.commitBytes {
            wake()
        } else if timer == nil, !isRunning {
            timer = Task { [weak self] in
                try? await Task.sleep(for: .milliseconds(Limits.commitDelayMs))
                await self?.timerFired()
            }
        }
    }

    private func timerFired() {
        guard timer != nil else { return }
        wake()
    }

    private func wake() {
        timer?.cancel()
        timer = nil
        guard !isRunning else { return }
        isRunning = true
        Task { await run() }
    }

    private func run() async {
        while !queue.isEmpty || !opens.isEmpty {
            while !queue.isEmpty {
                let (entries, bytes) = nextGroup()
                await commit(entries, bytes: bytes)
            }
            let questions = opens
            opens = []
            for question in questions { await question() }
            // What came in meanwhile waits for its own delay, unless it is a full group already.
            if opens.isEmpty, !isDraining, queuedBytes < Limits.commitAgainBytes { break }
        }
        isRunning = false
        releaseRoom()
        if !queue.isEmpty { schedule() }
    }

    /// All that is queued, as far as a small disk takes it at once.
    private func nextGroup() -> ([Entry], bytes: Int) {
        var bytes = 0
        var count = 0
        while count < queue.count, count == 0 || bytes + queue[count].bytes <= disk.groupBytes {
            bytes += queue[count].bytes
            count += 1
        }
        let entries = Array(queue[..<count])
        queue.removeFirst(count)
        return (entries, bytes)
    }

    private func commit(_ entries: [Entry], bytes: Int) async {
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
        queuedBytes -= bytes
        releaseRoom()
        switch result {
        case .success(let receipt):
            statistics.committed(batches, receipt, microseconds: elapsed)
            for (entry, outcome) in zip(entries, receipt.outcomes) {
                entry.answer.fulfil(
                    .success(CommittedBatch(outcome: outcome, isDurable: receipt.isDurable)))
            }
            await onCommit(batches, receipt)
        case .failure(let error):
            statistics.commitFailed(error)
            for entry in entries { entry.answer.fulfil(.failure(error)) }
        }
        statistics.queue(bytes: queuedBytes, batches: queue.count)
    }

    private func releaseRoom() {
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}
