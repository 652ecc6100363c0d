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

    private static func committer(_ store: MemoryStore) -> Committer {
        Committer(store: store, statistics: Statistics(startedMicroseconds: 0)) { _, _ in }
    }

    @Test func batchesThatComeTogetherAreCommittedTogetherAndInOrder() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        var answers: [Promise<Result<BatchOutcome, StoreError>>] = []
        for i in 0..<10 {
            answers.append(
                await committer.enqueue(
                    Self.batch(1, UInt64(i * 10), UInt64(i * 10 + 10)), bytes: 10))
        }
        for answer in answers { #expect(await answer.value == .success(.stored)) }
        #expect(store.commits.count == 1)
        #expect(store.commits.first?.map(\.from) == (0..<10).map { UInt64($0 * 10) })
    }

    @Test func aFullGroupDoesNotWait() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        let answer = await committer.enqueue(Self.batch(1, 0, 10), bytes: Limits.commitBytes)
        #expect(await answer.value == .success(.stored))
    }

    @Test func aFailedCommitFailsItsBatchesOnly() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        store.failNext(.failed(code: 13, message: "database or disk is full"))
        let first = await committer.enqueue(Self.batch(1, 0, 10), bytes: Limits.commitBytes)
        #expect(
            await first.value
                == .failure(.failed(code: 13, message: "database or disk is full")))
        let second = await committer.enqueue(Self.batch(1, 0, 10), bytes: Limits.commitBytes)
        #expect(await second.value == .success(.stored))
    }

    @Test func afterDrainingNothingIsTaken() async {
        let store = MemoryStore()
        let committer = Self.committer(store)
        let before = await committer.enqueue(Self.batch(1, 0, 10), bytes: 10)
        await committer.drain()
        #expect(await before.value == .success(.stored))
        let after = await committer.enqueue(Self.batch(1, 10, 20), bytes: 10)
        #expect(await after.value == .failure(.closed))
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
    private struct State {
        var commits: [[PendingBatch]] = []
        var probes = 0
        var nextFailure: StoreError?
    }

    private let state = Mutex(State())

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
    func session(_ name: String) async throws(StoreError) -> SessionSummary? { throw .closed }
    func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics> {
        throw .closed
    }
    func series(_ query: SeriesQuery) async throws(StoreError) -> Page<Series> { throw .closed }
    func metric(_ query: MetricQuery) async throws(StoreError) -> [MetricSeries] {
        throw .closed
    }
    func ledger(_ page: PageRequest) async throws(StoreError) -> Ledger { throw .closed }
    func sql(_ query: SQLQuery) async throws(StoreError) -> SQLRows { throw .closed }
    func retain(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport { throw .closed }
    func retainable(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport { throw .closed }
    func backup(to path: String) async throws(StoreError) -> BackupReport { throw .closed }
    func status() async throws(StoreError) -> StoreStatus { throw .closed }
    func close() async {}
}
