internal import NIOCore
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Synchronization

/// Once a second: rates, status and statistics for subscribers. And the watchdog's proof of life,
/// which goes through the sockets' loop, the ingest queue and the store before the manager hears of
/// it. While one is under way, what the writer gets done counts too: behind a slow disk the proof
/// may take longer than the manager waits.
struct Heartbeat: Sendable {
    let committer: Committer
    let dispatcher: Dispatcher
    let manager: ServiceManager
    let watchdog: WatchdogState
    let progress: WorkProgress
    /// The sockets'.
    let loop: any EventLoop
    private let proof = Proof()

    init(
        committer: Committer, dispatcher: Dispatcher, manager: ServiceManager,
        watchdog: WatchdogState, progress: WorkProgress, loop: any EventLoop
    ) {
        self.committer = committer
        self.dispatcher = dispatcher
        self.manager = manager
        self.watchdog = watchdog
        self.progress = progress
        self.loop = loop
    }

    private static let statusSeconds = 5
    /// Proofs in each interval that the manager waits: three chances to be late.
    private static let probesPerInterval: Int64 = 4
    /// How often the signs of life are looked at in it: a disk that takes half of it for one write
    /// leaves room for two looks.
    private static let looksPerInterval: Int64 = 8
    /// How long work may stand in for a proof that does not come back.
    private static let patienceIntervals: Int64 = 6

    func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await tick() }
            if let interval = manager.watchdogMicroseconds {
                tasks.addTask { await prove(every: interval / Self.probesPerInterval) }
                tasks.addTask { await tell(interval: interval) }
            }
        }
    }

    private func tick() async {
        var seconds = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            dispatcher.statistics.tick()
            seconds += 1
            guard seconds % Self.statusSeconds == 0 else { continue }
            manager.status(dispatcher.statistics.summary)
            if dispatcher.hub.hasSubscribers(.stats),
                let stats = try? await dispatcher.stats()
            {
                dispatcher.hub.publish(.stats, [stats.json])
            }
        }
    }

    private func prove(every microseconds: Int64) async {
        while !Task.isCancelled {
            // A loop that hangs never runs this.
            _ = try? await loop.submit {}.get()
            proof.begin()
            if await committer.probe() {
                proof.succeed()
                watchdog.probed(at: Timestamp(microseconds: WallClock.microseconds()))
            }
            try? await Task.sleep(for: .microseconds(microseconds))
        }
    }

    private func tell(interval: Int64) async {
        let patience = Self.patienceIntervals * interval
        var seen = (proofs: Int64(0), progress: progress.count)
        while !Task.isCancelled {
            let now = (proofs: proof.count, progress: progress.count)
            let isAtWork = now.progress != seen.progress || progress.isKnownToBeLong
            if now.proofs != seen.proofs || isAtWork && proof.isUnderWay(atMost: patience) {
                manager.watchdog()
            }
            seen = now
            try? await Task.sleep(for: .microseconds(interval / Self.looksPerInterval))
        }
    }
}

/// The proof of life that is under way in the queue and the store, and how many came back.
private final class Proof: Sendable {
    private struct State {
        var count: Int64 = 0
        var began: Int64?
    }

    private let state = Mutex(State())

    var count: Int64 { state.withLock { $0.count } }

    func begin() { state.withLock { $0.began = MonotonicClock.microseconds() } }

    func succeed() {
        state.withLock { state in
            state.count += 1
            state.began = nil
        }
    }

    func isUnderWay(atMost microseconds: Int64) -> Bool {
        let now = MonotonicClock.microseconds()
        return state.withLock { state in
            state.began.map { now - $0 < microseconds } ?? false
        }
    }
}
