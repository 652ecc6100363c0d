internal import Logging
internal import Platform
internal import QuipuModel
internal import QuipuStore

/// Runs retention from time to time, and when somebody asks; one run at a time.
actor RetentionJob {
    /// After the start, and then again and again; memory is soon full.
    private static let intervalSeconds = 300
    private static let memoryIntervalSeconds = 2
    /// A clock that was set by more than this makes everything look old, or nothing.
    private static let clockStepMax: Int64 = 3_600 * 1_000_000

    private let stores: Stores
    private let statistics: Statistics
    private let log: Logger
    private var policy: RetentionPolicy
    private var turns = Turns<Result<RetentionReport, StoreError>>()
    /// Wall clock less monotonic clock at the start, microseconds.
    private let clockOffset = WallClock.microseconds() - MonotonicClock.microseconds()
    private var saidClockStep = false

    init(stores: Stores, statistics: Statistics, policy: RetentionPolicy, log: Logger) {
        self.stores = stores
        self.statistics = statistics
        self.policy = policy
        self.log = log
    }

    func adopt(_ policy: RetentionPolicy) { self.policy = policy }

    func run() async {
        var idleSeconds = 0
        while !Task.isCancelled {
            // The beat itself; stopping ends it at once.
            try? await Task.sleep(for: .seconds(Self.memoryIntervalSeconds))
            idleSeconds += Self.memoryIntervalSeconds
            let isDue = idleSeconds >= Self.intervalSeconds || !stores.current.isDurable
            guard isDue, !Task.isCancelled, clockIsSteady() else { continue }
            idleSeconds = 0
            if case .failure(let error) = await runNow() { log.error("retention: \(error)") }
        }
    }

    /// Runs it once, after all runs that were asked for before.
    func runNow() async -> Result<RetentionReport, StoreError> {
        await turns.take { await self.runOnce() }.value
    }

    private func runOnce() async -> Result<RetentionReport, StoreError> {
        let now = Timestamp(microseconds: WallClock.microseconds())
        do throws(StoreError) {
            let report = try await stores.ask { [policy] store throws(StoreError) in
                try await store.retain(Self.policy(policy, for: store), at: now)
            }
            statistics.retained(report, at: now)
            return .success(report)
        } catch {
            return .failure(error)
        }
    }

    private static func policy(
        _ policy: RetentionPolicy, for store: any Store
    ) -> RetentionPolicy {
        store.isDurable ? policy : policy.inMemory
    }

    func foretell() async -> Result<RetentionReport, StoreError> {
        do throws(StoreError) {
            let now = Timestamp(microseconds: WallClock.microseconds())
            return .success(
                try await stores.ask { [policy] store throws(StoreError) in
                    try await store.retainable(Self.policy(policy, for: store), at: now)
                })
        } catch {
            return .failure(error)
        }
    }

    /// False after a step of the wall clock: whether the new time is the right one, only people
    /// know. They restart the daemon, or run retention themselves.
    private func clockIsSteady() -> Bool {
        let offset = WallClock.microseconds() - MonotonicClock.microseconds()
        let isSteady = abs(offset - clockOffset) < Self.clockStepMax
        if !isSteady, !saidClockStep {
            saidClockStep = true
            log.warning(
                "the clock was set by over an hour: retention waits for a restart or admin.retention"
            )
        }
        return isSteady
    }
}
