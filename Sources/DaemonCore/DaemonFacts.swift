internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import Synchronization

/// What `health` tells beside the database: who is connected, and how the watchdog fares.
struct DaemonFacts: Sendable {
    let version: String
    let isInMemory: Bool
    let agents: AgentRegister
    let watchdog: WatchdogState
    let connections: @Sendable () -> Int
}

/// Agents that are connected to `ingest.sock`.
final class AgentRegister: Sendable {
    private struct Entry {
        var host: String?
        var peer: PeerCredentials
        var connectedMicroseconds: Int64
        var lastBatchMicroseconds: Int64?
        var sources: Set<Int64> = []
    }

    private let entries = Mutex<[Int: Entry]>([:])
    private let nextID = Mutex(0)

    func connect(_ peer: PeerCredentials, now: Int64) -> Int {
        let id = nextID.withLock { id in
            id += 1
            return id
        }
        entries.withLock { $0[id] = Entry(peer: peer, connectedMicroseconds: now) }
        return id
    }

    func opened(_ id: Int, host: String, source: Int64) {
        entries.withLock { entries in
            entries[id]?.host = host
            entries[id]?.sources.insert(source)
        }
    }

    func shipped(_ id: Int, now: Int64) {
        entries.withLock { $0[id]?.lastBatchMicroseconds = now }
    }

    func disconnect(_ id: Int) { entries.withLock { _ = $0.removeValue(forKey: id) } }

    var count: Int { entries.withLock { $0.count } }

    func list(now: Int64) -> [JSON] {
        entries.withLock { entries in
            entries.sorted { $0.key < $1.key }.map { _, entry in
                [
                    "host": .optional(entry.host), "pid": .int(Int64(entry.peer.processID)),
                    "uid": .int(Int64(entry.peer.userID)),
                    "connected_s": .int((now - entry.connectedMicroseconds) / 1_000_000),
                    "last_batch_s": entry.lastBatchMicroseconds.map {
                        .int((now - $0) / 1_000_000)
                    } ?? .null,
                    "sources": .int(Int64(entry.sources.count)),
                ]
            }
        }
    }
}

/// When the last proof of life came back.
final class WatchdogState: Sendable {
    private struct State {
        var intervalMicroseconds: Int64?
        var lastProbeMicroseconds: Int64?
        var lastProbeTook: Int64?
    }

    private let state = Mutex(State())

    func enable(intervalMicroseconds: Int64?) {
        state.withLock { $0.intervalMicroseconds = intervalMicroseconds }
    }

    func probed(at now: Int64, took microseconds: Int64) {
        state.withLock { state in
            state.lastProbeMicroseconds = now
            state.lastProbeTook = microseconds
        }
    }

    var json: JSON {
        let now = MonotonicClock.microseconds()
        return state.withLock { state in
            [
                "enabled": .bool(state.intervalMicroseconds != nil),
                "interval_ms": state.intervalMicroseconds.map { .int($0 / 1_000) } ?? .null,
                "last_probe_s": state.lastProbeMicroseconds.map {
                    .int((now - $0) / 1_000_000)
                } ?? .null,
                "probe_ms": state.lastProbeTook.map { .number(Double($0) / 1_000) } ?? .null,
            ]
        }
    }
}
