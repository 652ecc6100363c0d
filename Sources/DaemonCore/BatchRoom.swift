internal import QuipuModel
internal import Synchronization

/// What the replies of unfinished batches may hold together: a batch of large ones waits with what
/// it has for the rest, and there may be as many as there are connections.
final class BatchRoom: Sendable {
    private struct State {
        var total = 0
        var byUser: [UInt32: Int] = [:]
    }

    private let state = Mutex(State())
    private let bytesMax: Int
    private let bytesPerUserMax: Int

    init(
        bytesMax: Int = Limits.batchRepliesBytesMax,
        bytesPerUserMax: Int = Limits.batchRepliesPerUserBytesMax
    ) {
        self.bytesMax = bytesMax
        self.bytesPerUserMax = bytesPerUserMax
    }

    /// False where there is no room; what was taken is given back with `give`.
    func take(_ count: Int, of user: UInt32) -> Bool {
        state.withLock { state in
            let ofUser = state.byUser[user, default: 0] + count
            guard ofUser <= bytesPerUserMax, state.total + count <= bytesMax else { return false }
            state.byUser[user] = ofUser
            state.total += count
            return true
        }
    }

    func give(_ count: Int, of user: UInt32) {
        state.withLock { state in
            let rest = state.byUser[user, default: 0] - count
            state.byUser[user] = rest == 0 ? nil : rest
            state.total -= count
        }
    }
}
