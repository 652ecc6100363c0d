import QuipuModel
import QuipuStore
import Synchronization
import Testing

@testable import DaemonCore

/// Groups, order, refusal and failure, against a store that only remembers.
@Suite struct CommitterTests {
    private static func batch(_ source: Int64, _ from: UInt64, _ to: UInt64) -> PendingBatch {
        PendingBatch(
            sourceID: source, from: from, to: to, size: to, head: nil, finished: false,
            decoded: DecodedBatch())
    }

    private static let noDisk = DiskCondition(files: DatabaseFiles(path: "/nowhere/quipu.db"))

    private static func committer(_ store: MemoryStore) -> Committer {
        committer(Stores(store))
    }

    private static func committer(_ stores: Stores) -> Committer {
        let statistics = Statistics(startedMicroseconds: 0)
        return Committer(
            stores: stores, statistics: statistics, disk: noDisk,
            size: SizeKeeper(
                stores: stores, statistics: statistics, disk: noDisk, policy: RetentionPolicy())
        ) { _, _ in }
    }

    @Test func batchesThatComeTogetherAreCommittedTogetherAndInOrder() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        var answers: [Promise<Result<CommittedBatch, StoreError>>] = []
        for i in 0..<10 {
            answers.append(
                await committer.enqueue(
                    Self.batch(1, UInt64(i * 10), UInt64(i * 10 + 10)), bytes: 10,
                    generation: 0))
        }
        for answer in answers { #expect(await answer.value.map(\.outcome) == .success(.stored)) }
        #expect(store.commits.count == 1)
        #expect(store.commits.first?.map(\.from) == (0..<10).map { UInt64($0 * 10) })
    }

    @Test func aFullGroupDoesNotWait() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        let answer = await committer.enqueue(
            Self.batch(1, 0, 10), bytes: Limits.commitBytes, generation: 0)
        #expect(await answer.value.map(\.outcome) == .success(.stored))
    }

    @Test func aFailedCommitFailsItsBatchesOnly() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        store.failNext(.failed(code: 13, message: "database or disk is full"))
        let first = await committer.enqueue(
            Self.batch(1, 0, 10), bytes: Limits.commitBytes, generation: 0)
        #expect(
            await first.value.map(\.outcome)
                == .failure(.failed(code: 13, message: "database or disk is full")))
        let second = await committer.enqueue(
            Self.batch(1, 0, 10), bytes: Limits.commitBytes, generation: 0)
        #expect(await second.value.map(\.outcome) == .success(.stored))
    }

    @Test func afterDrainingNothingIsTaken() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        let before = await committer.enqueue(Self.batch(1, 0, 10), bytes: 10, generation: 0)
        await committer.drain()
        #expect(await before.value.map(\.outcome) == .success(.stored))
        let after = await committer.enqueue(Self.batch(1, 10, 20), bytes: 10, generation: 0)
        #expect(await after.value.map(\.outcome) == .failure(.closed))
    }

    /// What runs exclusively sees no commit begin, and the one after it goes to the new store.
    @Test func aStoreIsReplacedBetweenCommits() async {
        let (first, second) = (MemoryStore(), MemoryStore())
        let stores = Stores(first)
        let committer = Self.committer(stores)
        let before = await committer.enqueue(Self.batch(1, 0, 10), bytes: 10, generation: 0)
        let count = await committer.exclusively {
            _ = stores.replace(with: second)
            return first.commits.count
        }
        #expect(count == 1)
        // The id may be another source's there.
        let late = await committer.enqueue(Self.batch(1, 10, 20), bytes: 10, generation: 0)
        let opened = await committer.open(
            SourceOpening(
                SourceIdentity(host: "h", kind: .file, key: "file:1", path: "/a"), size: 0,
                restart: nil, at: Timestamp(microseconds: 0)))
        guard case .success(let source) = await opened.value else {
            Issue.record("it was not opened")
            return
        }
        let after = await committer.enqueue(
            Self.batch(1, 10, 20), bytes: Limits.commitBytes, generation: source.generation)
        #expect(await before.value.map(\.outcome) == .success(.stored))
        #expect(await late.value.map(\.outcome) == .success(.unknownSource))
        #expect(await after.value.map(\.outcome) == .success(.stored))
        #expect(first.commits.count == 1)
        #expect(second.commits.count == 1)
    }

    /// A commit waits for room while there is something to take, and goes on when there is not.
    @Test(arguments: [20, 2])
    func aCommitWaitsForRoomWhileThereIsSomeToMake(chunks: Int) async {
        let budget = RetentionPolicy().inMemory.databaseBytesMax
        let store = MemoryStore(used: budget + (8 << 20), chunks: chunks)
        let committer = Self.committer(store)
        let answer = await committer.enqueue(
            Self.batch(1, 0, 10), bytes: Limits.commitBytes, generation: 0)
        #expect(await answer.value.map(\.outcome) == .success(.stored))
        // A MiB each, twice what comes; or all that there are, and the one that finds none.
        #expect(store.evictions == (chunks == 20 ? 8 : 3))
    }

    @Test func theProbeGoesThroughTheStore() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        #expect(await committer.probe())
        #expect(store.probes == 1)
    }
}

/// Remembers what was committed; answers no question.
private final class MemoryStore: Store {
    let isDurable = false
    private struct State {
        var commits: [[PendingBatch]] = []
        var probes = 0
        var nextFailure: StoreError?
        var used: Int64 = 0
        /// Of a MiB each, that can be evicted.
        var chunks = 0
        var evictions = 0
    }

    private let state: Mutex<State>

    init(used: Int64 = 0, chunks: Int = 0) {
        var state = State()
        state.used = used
        state.chunks = chunks
        self.state = Mutex(state)
    }

    var evictions: Int { state.withLock { $0.evictions } }
    var usedBytes: Int64 { state.withLock { $0.used } }
    func evict(
        downTo bytes: Int64, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport {
        state.withLock { state in
            var report = RetentionReport()
            state.evictions += 1
            report.isExhausted = state.chunks == 0
            if state.chunks > 0 {
                state.chunks -= 1
                state.used -= 1 << 20
                report.events = 1
            }
            return report
        }
    }

    var commits: [[PendingBatch]] { state.withLock { $0.commits } }
    var probes: Int { state.withLock { $0.probes } }
    func failNext(_ error: StoreError) { state.withLock { $0.nextFailure = error } }

    func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) async throws(StoreError) -> SourceState {
        SourceState(id: 1, incarnation: 1, position: 0, head: nil)
    }

    func commit(
        _ batches: [PendingBatch], at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt {
        let failure = state.withLock { state in
            defer { state.nextFailure = nil }
            if state.nextFailure == nil { state.commits.append(batches) }
            return state.nextFailure
        }
        if let failure { throw failure }
        return CommitReceipt(
            outcomes: batches.map { _ in .stored }, created: nil, completed: [])
    }

    func record(_ figures: [OwnFigure], at now: Timestamp) async throws(StoreError) {}
    func store(
        _ decoded: DecodedBatch, asOwn source: String, at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt { throw .closed }
    func put(_ document: DocumentUpdate, at now: Timestamp) async throws(StoreError) {}
    func deleteDocument(_ id: String) async throws(StoreError) -> Bool { false }
    func tasks(_ query: TaskQuery) async throws(StoreError) -> TaskPage { throw .closed }
    func task(_ query: TaskDetailQuery) async throws(StoreError) -> TaskDetail? { nil }
    func activity(_ query: ActivityQuery) async throws(StoreError) -> Page<TaskActivity> {
        throw .closed
    }
    func document(_ id: String) async throws(StoreError) -> Document? { nil }
    func documents(_ query: DocumentQuery) async throws(StoreError) -> Page<DocumentSummary> {
        throw .closed
    }
    func search(
        _ search: DocumentSearch, _ query: DocumentQuery
    ) async throws(StoreError) -> Page<DocumentHit> { throw .closed }
    func overview(_ range: TimeRange, now: Timestamp) async throws(StoreError) -> Overview {
        throw .closed
    }
    func probe() async throws(StoreError) { state.withLock { $0.probes += 1 } }
    func events(_ query: EventQuery) async throws(StoreError) -> Page<Event> { throw .closed }
    func events(
        seqs: [Int64], filters: [Filter]
    ) async throws(StoreError) -> [Event] { throw .closed }
    func summary(_ query: SummaryQuery) async throws(StoreError) -> Page<EventGroup> {
        throw .closed
    }
    func sessions(_ query: SessionQuery) async throws(StoreError) -> Page<SessionSummary> {
        throw .closed
    }
    func session(_ name: String) async throws(StoreError) -> SessionDetail? { throw .closed }
    func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics> {
        throw .closed
    }
    func files(_ query: FileQuery) async throws(StoreError) -> Page<FileTouches> { throw .closed }
    func series(_ query: SeriesQuery) async throws(StoreError) -> Page<Series> { throw .closed }
    func metric(_ query: MetricQuery) async throws(StoreError) -> MetricAnswer {
        throw .closed
    }
    func ledger(_ page: PageRequest) async throws(StoreError) -> Ledger { throw .closed }
    func sql(_ query: SQLQuery) async throws(StoreError) -> SQLRows { throw .closed }
    func retain(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport { throw .closed }
    func shrink(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport { throw .closed }
    func retainable(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport { throw .closed }
    func backup(to path: String) async throws(StoreError) -> BackupReport { throw .closed }
    func status() async throws(StoreError) -> StoreStatus { throw .closed }
    func close() async {}

    func costs(_ query: CostQuery) async throws(StoreError) -> CostSummary { throw .closed }
    func blocks(_ query: BlockQuery) async throws(StoreError) -> [CostBlock] { throw .closed }
    func reconcile(_ query: ReconcileQuery) async throws(StoreError) -> Reconciliation {
        throw .closed
    }
    func prices(_ page: PageRequest) async throws(StoreError) -> PriceList { throw .closed }
    func set(_ price: Price, recompute: Bool) async throws(StoreError) -> PriceChange {
        throw .closed
    }
    func adopt(filePrices: [Price]) async throws(StoreError) { throw .closed }
    func limits() async throws(StoreError) -> [SpendLimit] { throw .closed }
    func set(_ limit: SpendLimit) async throws(StoreError) { throw .closed }
    func removeLimit(
        _ scope: SpendLimit.Scope, _ period: SpendLimit.Period
    ) async throws(StoreError) -> Bool { throw .closed }
    func spent(
        by scope: SpendLimit.Scope, in range: TimeRange
    ) async throws(StoreError) -> Double { throw .closed }
    func spentBySession(
        in scope: SpendLimit.Scope
    ) async throws(StoreError) -> [String: Double] { throw .closed }
}
