internal import Synchronization

/// Places for one who produces what another works off: who finds none waits.
final class WaitingRoom: Sendable {
    private struct State {
        var free: Int
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ places: Int) { state = Mutex(State(free: places)) }

    /// Takes a place. Only one may wait at a time.
    func enter() async {
        await withCheckedContinuation { continuation in
            let isLetIn = state.withLock { state in
                state.free -= 1
                if state.free >= 0 || state.isClosed { return true }
                state.waiter = continuation
                return false
            }
            if isLetIn { continuation.resume() }
        }
    }

    func leave() { wake { $0.free += 1 } }

    /// Nobody works anything off any more, and nobody waits.
    func close() { wake { $0.isClosed = true } }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            guard state.free >= 0 || state.isClosed else {
                return nil as CheckedContinuation<Void, Never>?
            }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
