internal import QuipuModel
internal import Synchronization

/// Who may ask the database next: few questions run at a time, fewer of one user, and users take
/// turns. So nobody's questions, however many and expensive, keep others from theirs.
final class QueryGate: Sendable {
    private struct Waiter {
        var user: UInt32
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var running: [UInt32: Int] = [:]
        var total = 0
        /// In the order in which they came.
        var waiters: [Waiter] = []
        /// Whose turn was last, the latest last.
        var served: [UInt32] = []
    }

    private let state = Mutex(State())
    private let runningMax: Int
    private let runningPerUserMax: Int

    init(
        runningMax: Int = Limits.queriesRunningMax,
        runningPerUserMax: Int = Limits.queriesRunningPerUserMax
    ) {
        self.runningMax = runningMax
        self.runningPerUserMax = runningPerUserMax
    }

    /// Waits for a turn of `user`, which ends with `leave`.
    func enter(_ user: UInt32) async {
        await withCheckedContinuation { continuation in
            let isLetIn = state.withLock { state in
                if hasRoom(user, state) {
                    begin(user, &state)
                    return true
                }
                state.waiters.append(Waiter(user: user, continuation: continuation))
                return false
            }
            if isLetIn { continuation.resume() }
        }
    }

    func leave(_ user: UInt32) {
        let next = state.withLock { state in
            state.total -= 1
            let rest = state.running[user, default: 1] - 1
            state.running[user] = rest == 0 ? nil : rest
            return takeNext(&state)
        }
        next?.resume()
    }

    private func hasRoom(_ user: UInt32, _ state: State) -> Bool {
        state.total < runningMax && state.running[user, default: 0] < runningPerUserMax
    }

    private func begin(_ user: UInt32, _ state: inout State) {
        state.total += 1
        state.running[user, default: 0] += 1
        state.served.removeAll { $0 == user }
        state.served.append(user)
        // Only those who wait can be compared; the others' turns are forgotten.
        if state.served.count > Limits.connectionsMax { state.served.removeFirst() }
    }

    /// The first waiter of the user whose turn is longest ago.
    private func takeNext(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        let next = state.waiters.indices
            .filter { hasRoom(state.waiters[$0].user, state) }
            .min {
                turn(of: state.waiters[$0].user, state) < turn(of: state.waiters[$1].user, state)
            }
        guard let next else { return nil }
        let waiter = state.waiters.remove(at: next)
        begin(waiter.user, &state)
        return waiter.continuation
    }

    private func turn(of user: UInt32, _ state: State) -> Int {
        state.served.firstIndex(of: user) ?? -1
    }
}
