internal import IngestCore
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import Synchronization

/// What `health` tells beside the database.
struct DaemonFacts: Sendable {
    let version: String
    let agents: AgentRegister
    let watchdog: WatchdogState
    let disk: DiskCondition
    /// Open connections on `query.sock`.
    let connections: @Sendable () -> Int
}

/// Agents that are connected to `ingest.sock`.
final class AgentRegister: Sendable {
    private struct State {
        var lastID = 0
        var agents: [Int: HealthReport.Agent] = [:]
        var closes: [Int: @Sendable () -> Void] = [:]
        var readers = SourceReaders()
    }

    private let state = Mutex(State())

    func connect(_ agent: HealthReport.Agent) -> Int {
        state.withLock { state in
            state.lastID += 1
            state.agents[state.lastID] = agent
            return state.lastID
        }
    }

    func shipped(_ id: Int, at now: Timestamp) {
        state.withLock { $0.agents[id]?.lastBatch = now }
    }

    /// How a connection is ended from outside.
    func canClose(_ id: Int, _ close: @escaping @Sendable () -> Void) {
        state.withLock { $0.closes[id] = close }
    }

    func closeAll() {
        for close in state.withLock({ Array($0.closes.values) }) { close() }
    }

    func disconnect(_ id: Int) {
        state.withLock { state in
            state.agents[id] = nil
            state.closes[id] = nil
            state.readers.disconnected(id)
        }
    }

    func opened(_ source: Int64, by id: Int) {
        state.withLock { state in
            // Its connection may have ended meanwhile.
            if state.agents[id] != nil { state.readers.opened(source, by: id) }
        }
    }

    func finished(_ source: Int64, by id: Int) {
        state.withLock { $0.readers.finished(source, by: id) }
    }

    /// Whether a loss counts, or another agent may still send what it is about.
    func mayLose(_ source: Int64, by id: Int) -> Bool {
        let nowMs = MonotonicClock.microseconds() / 1_000
        return state.withLock { $0.readers.mayLose(source, by: id, nowMs: nowMs) }
    }

    /// In the order in which they connected.
    var list: [HealthReport.Agent] {
        state.withLock { state in state.agents.sorted { $0.key < $1.key }.map(\.value) }
    }
}

/// When the last proof of life came back.
final class WatchdogState: Sendable {
    private let state: Mutex<HealthReport.Watchdog>

    init(intervalMicroseconds: Int64?) {
        state = Mutex(
            HealthReport.Watchdog(
                enabled: intervalMicroseconds != nil,
                intervalMs: intervalMicroseconds.map { $0 / 1_000 }, lastProbe: nil))
    }

    func probed(at now: Timestamp) { state.withLock { $0.lastProbe = now } }

    var report: HealthReport.Watchdog { state.withLock { $0 } }
}
