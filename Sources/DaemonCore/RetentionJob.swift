internal import Logging
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// Runs retention from time to time, and when somebody asks; one run at a time.
actor RetentionJob {
    private static let beatSeconds = 10
    /// Memory is soon full.
    private static let memoryBeatSeconds = 2
    /// Beats between two runs. The first comes soon, so that a daemon that never runs for long
    /// forgets, too; memory is looked at with every beat.
    private static let beatsPerRun = 30

    private let stores: Stores
    private let statistics: Statistics
    private let log: Logger
    private var policy: RetentionPolicy
    private var turns = Turns<Result<RetentionReport, StoreError>>()
    /// Nil until the store was asked what is remembered.
    private var clock: RetentionClock?

    init(stores: Stores, statistics: Statistics, policy: RetentionPolicy, log: Logger) {
        self.stores = stores
        self.statistics = statistics
        self.policy = policy
        self.log = log
    }

    func adopt(_ policy: RetentionPolicy) { self.policy = policy }

    func run() async {
        var beats = Self.beatsPerRun
        while !Task.isCancelled {
            // The beat itself; stopping ends it at once.
            let seconds = stores.current.isDurable ? Self.beatSeconds : Self.memoryBeatSeconds
            try? await Task.sleep(for: .seconds(seconds))
            guard !Task.isCancelled, let time = await believedTime() else { continue }
            beats += 1
            guard beats >= Self.beatsPerRun || !stores.current.isDurable else { continue }
            beats = 0
            let result = await turns.take { await self.runOnce(at: time) }.value
            if case .failure(let error) = result { log.error("retention: \(error)") }
        }
    }

    /// Runs it once, after all runs that were asked for before. Whoever asks believes the clock.
    func runNow() async -> Result<RetentionReport, StoreError> {
        await turns.take {
            await self.believe()
            return await self.runOnce(at: RetentionTime(Self.now))
        }.value
    }

    private func runOnce(at time: RetentionTime) async -> Result<RetentionReport, StoreError> {
        do throws(StoreError) {
            let report = try await stores.ask { [policy] store throws(StoreError) in
                try await store.retain(Self.policy(policy, for: store), at: time)
            }
            statistics.retained(report, at: time.clock)
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
            return .success(
                try await stores.ask { [policy] store throws(StoreError) in
                    try await store.retainable(Self.policy(policy, for: store), at: Self.now)
                })
        } catch {
            return .failure(error)
        }
    }

    // MARK: Time

    private static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds()) }

    private func believe() {
        clock = RetentionClock(believed: Self.now, runningMicroseconds: BootClock.microseconds())
    }

    /// Nil where the store cannot say what was believed before.
    private func believedTime() async -> RetentionTime? {
        let now = Self.now
        let running = BootClock.microseconds()
        if clock == nil {
            do throws(StoreError) {
                let status = try await stores.ask { store throws(StoreError) in
                    try await store.status()
                }
                clock = RetentionClock(
                    believed: status.retentionTime, runningMicroseconds: running)
            } catch {
                return nil
            }
        }
        guard var clock else { return nil }
        let wasBehind = clock.isBehind
        let time = clock.read(now, runningMicroseconds: running)
        self.clock = clock
        if clock.isBehind, !wasBehind {
            log.notice(
                """
                the clock leapt to \(now.rfc3339): retention was at \(time.believed.rfc3339) and \
                follows by a day an hour; admin.retention follows at once
                """)
        }
        return time
    }
}
