internal import QuipuStore
internal import Synchronization

/// The database that is in use: the file's, or memory's while persistence is off.
final class Stores: Sendable {
    private let state: Mutex<any Store>

    init(_ store: any Store) { state = Mutex(store) }

    var current: any Store { state.withLock { $0 } }

    /// The one that was in use before.
    func replace(with next: any Store) -> any Store {
        state.withLock { store in
            defer { store = next }
            return store
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
