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
    private let size: SizeKeeper
    private var turns = Turns<Result<RetentionReport, StoreError>>()
    /// Nil until the store was asked what is remembered.
    private var clock: RetentionClock?

    /// The database is larger than it may be, and retention can do nothing about it.
    private var isStuck = false

    init(stores: Stores, statistics: Statistics, size: SizeKeeper, log: Logger) {
        self.stores = stores
        self.statistics = statistics
        self.size = size
        self.log = log
    }

    func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.runByTime() }
            tasks.addTask {
                for await _ in self.size.calls {
                    let result = await self.takeTurn { await self.shrink() }
                    if case .failure(let error) = result { self.log.error("retention: \(error)") }
                }
            }
        }
    }

    /// Stopping waits for the chunk that runs, not for all of them.
    private func takeTurn(
        _ body: @escaping @Sendable () async -> Result<RetentionReport, StoreError>
    ) async -> Result<RetentionReport, StoreError> {
        let turn = turns.take(body)
        return await withTaskCancellationHandler {
            await turn.value
        } onCancel: {
            turn.cancel()
        }
    }

    private func runByTime() async {
        var beats = Self.beatsPerRun
        while !Task.isCancelled {
            // The beat itself; stopping ends it at once.
            let seconds = stores.current.isDurable ? Self.beatSeconds : Self.memoryBeatSeconds
            try? await Task.sleep(for: .seconds(seconds))
            guard !Task.isCancelled, let time = await believedTime() else { continue }
            beats += 1
            guard beats >= Self.beatsPerRun || !stores.current.isDurable else { continue }
            beats = 0
            let result = await takeTurn { await self.runOnce(at: time) }
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
            let report = try await stores.ask { [size] store throws(StoreError) in
                try await store.retain(size.policy(for: store), at: time)
            }
            statistics.retained(report, at: time.clock)
            if report.isExhausted { size.exhausted(stores.current) }
            noteSize()
            return .success(report)
        } catch {
            return .failure(error)
        }
    }

    /// Until the database is within its budget, or nothing more can go.
    private func shrink() async -> Result<RetentionReport, StoreError> {
        var removed = RetentionReport()
        do throws(StoreError) {
            while size.isOver(stores.current), !Task.isCancelled {
                let now = Self.now
                let report = try await stores.ask { [size] store throws(StoreError) in
                    try await store.shrink(size.policy(for: store), at: RetentionTime(now))
                }
                removed.add(report)
                statistics.retained(report, at: now)
                if report.isExhausted { size.exhausted(stores.current) }
            }
            noteSize()
            return .success(removed)
        } catch {
            return .failure(error)
        }
    }

    private func noteSize() {
        let store = stores.current
        let wasStuck = isStuck
        isStuck = !size.retained(store)
        guard isStuck, !wasStuck else { return }
        log.warning(
            """
            the database takes \(store.usedBytes) bytes of what retention does not take for its \
            size; database_max_bytes is less
            """)
    }

    func foretell() async -> Result<RetentionReport, StoreError> {
        do throws(StoreError) {
            return .success(
                try await stores.ask { [size] store throws(StoreError) in
                    try await store.retainable(size.policy(for: store), at: Self.now)
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
