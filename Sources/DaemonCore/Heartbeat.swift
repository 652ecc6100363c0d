internal import Platform
internal import QuipuModel
internal import QuipuProtocol

/// Once a second: rates, status and statistics for subscribers. And the watchdog's proof of life,
/// which goes through the ingest queue and the store before the manager hears of it.
struct Heartbeat: Sendable {
    let committer: Committer
    let dispatcher: Dispatcher
    let manager: ServiceManager
    let watchdog: WatchdogState

    private static let statusSeconds = 5
    /// Proofs in each interval that the manager waits: three chances to be late.
    private static let probesPerInterval: Int64 = 4

    func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await tick() }
            if let interval = manager.watchdogMicroseconds {
                tasks.addTask { await prove(every: interval / Self.probesPerInterval) }
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
            if await committer.probe() {
                manager.watchdog()
                watchdog.probed(at: Timestamp(microseconds: WallClock.microseconds()))
            }
            try? await Task.sleep(for: .microseconds(microseconds))
        }
    }
}
