internal import IngestCore
internal import Platform
internal import QuipuModel
internal import QuipuStore
internal import Synchronization

/// Keeps the database within its budget while it is written: calls retention as soon as it is over,
/// and where writing is faster than that, lets commits wait for chunks of it.
final class SizeKeeper: Sendable {
    private struct State {
        var policy: RetentionPolicy
        var gate = SizeGate()
        /// Whose the gate is.
        var generation = 0
        var isStopping = false
    }

    private let state: Mutex<State>
    private let stores: Stores
    private let statistics: Statistics
    private let disk: DiskCondition
    private let continuation: AsyncStream<Void>.Continuation
    /// Retention has something to do.
    let calls: AsyncStream<Void>

    init(
        stores: Stores, statistics: Statistics, disk: DiskCondition, policy: RetentionPolicy
    ) {
        self.stores = stores
        self.statistics = statistics
        self.disk = disk
        state = Mutex(State(policy: policy))
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func adopt(_ policy: RetentionPolicy) {
        state.withLock { $0.policy = policy }
        callWhenOver(stores.current)
    }

    func policy(for store: any Store) -> RetentionPolicy {
        let policy = state.withLock { $0.policy }
        return store.isDurable ? policy : policy.inMemory
    }

    /// What waits is committed at once from now on.
    func stop() { state.withLock { $0.isStopping = true } }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func withGate<Result>(
        of store: any Store, _ body: (inout SizeGate, _ budget: Int64) -> Result
    ) -> Result {
        let budget = policy(for: store).databaseBytesMax
        let generation = stores.generation
        return state.withLock { state in
            if state.generation != generation {
                state.gate = SizeGate()
                state.generation = generation
            }
            return body(&state.gate, budget)
        }
    }

    // MARK: Commits

    func count(of weights: [Int64], in store: any Store) -> Int {
        withGate(of: store) { gate, budget in
            gate.count(of: weights, used: store.usedBytes, budget: budget)
        }
    }

    /// Returns when there is room for a commit, or when there will be none. Retention may run at
    /// the same time: each looks before each of its chunks whether there is still too much.
    func makeRoom(for weight: Int64, in store: any Store) async {
        let goal = withGate(of: store) { gate, budget in
            gate.goal(before: weight, used: store.usedBytes, budget: budget)
        }
        guard let goal else { return }
        statistics.hit(limit: "database_max_bytes")
        while store.usedBytes > goal, !isStopping {
            let now = Timestamp(microseconds: WallClock.microseconds())
            do throws(StoreError) {
                let report = try await store.evict(downTo: goal, at: now)
                statistics.retained(report, at: now)
                guard !report.isExhausted else { return exhausted(store) }
            } catch {
                // The commit will fail as well, and says so.
                return disk.failed(error, of: store)
            }
        }
    }

    func committed(_ weight: Int64, grownBytes: Int64, in store: any Store) {
        withGate(of: store) { gate, _ in
            gate.committed(weight, grownBytes: grownBytes)
        }
        callWhenOver(store)
    }

    // MARK: Retention

    private func callWhenOver(_ store: any Store) {
        if isOver(store) { continuation.yield() }
    }

    func isOver(_ store: any Store) -> Bool {
        withGate(of: store) { gate, budget in store.usedBytes > gate.bound(budget) }
    }

    /// It found nothing more to take.
    func exhausted(_ store: any Store) {
        withGate(of: store) { gate, budget in
            gate.exhausted(used: store.usedBytes, budget: budget)
        }
    }

    /// It ended. False where the database is larger than it may be and nothing can be done.
    func retained(_ store: any Store) -> Bool {
        withGate(of: store) { gate, budget in
            gate.retained(used: store.usedBytes, budget: budget)
            return !gate.isExhausted
        }
    }
}
