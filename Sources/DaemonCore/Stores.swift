internal import QuipuStore
internal import Synchronization

/// The database that is in use: the file's, or memory's while persistence is off.
final class Stores: Sendable {
    private struct State {
        var store: any Store
        var generation = 0
    }

    private let state: Mutex<State>

    init(_ store: any Store) { state = Mutex(State(store: store)) }

    var current: any Store { state.withLock { $0.store } }
    /// How often another one took the place of the one before. Ids of sources hold for one only.
    var generation: Int { state.withLock { $0.generation } }

    /// The one that was in use before.
    func replace(with next: any Store) -> any Store {
        state.withLock { state in
            defer {
                state.store = next
                state.generation += 1
            }
            return state.store
        }
    }

    /// Asks the one in use; again where it was replaced and closed under the question.
    func ask<Answer: Sendable>(
        _ question: @Sendable (any Store) async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let store = current
        do throws(StoreError) {
            return try await question(store)
        } catch {
            let next = current
            guard error == .closed, next !== store else { throw error }
            return try await question(next)
        }
    }
}
