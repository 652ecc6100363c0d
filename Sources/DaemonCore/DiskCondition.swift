internal import Platform
internal import QuipuStore
internal import Synchronization

/// What is known of the disk: told by whoever asks the database, acted upon by `PersistenceSwitch`,
/// shown by `health`.
final class DiskCondition: Sendable {
    /// An error, and the store that gave it.
    struct Failure: Sendable {
        var error: StoreError
        var store: any Store
    }

    private struct State {
        var problem: String?
        var damaged: [String] = []
        /// Of the file that is in use.
        var identity: FileIdentity?
    }

    private let state: Mutex<State>
    private let continuation: AsyncStream<Failure>.Continuation
    let failures: AsyncStream<Failure>
    let files: DatabaseFiles

    init(files: DatabaseFiles) {
        self.files = files
        state = Mutex(State())
        (failures, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Why memory stands in for the file; nil while it does not.
    var problem: String? {
        get { state.withLock { $0.problem } }
        set { state.withLock { $0.problem = newValue } }
    }

    /// For a person.
    var problems: [String] {
        state.withLock { state in
            (state.problem.map { [$0] } ?? [])
                + state.damaged.map { "damaged: what could not be read was set aside as \($0)" }
        }
    }

    func lookForDamaged() {
        let found = files.damaged
        state.withLock { $0.damaged = found }
    }

    /// Some question failed.
    func failed(_ error: StoreError, of store: any Store) {
        guard store.isDurable, error.diskFault != nil else { return }
        continuation.yield(Failure(error: error, store: store))
    }

    // MARK: Where the file is

    func took(_ isInUse: Bool) {
        let identity = isInUse ? files.identity : nil
        state.withLock { $0.identity = identity }
    }

    /// False when what is at the file's place is another file, or none: what was written went where
    /// nobody will look.
    var isInPlace: Bool {
        guard let identity = state.withLock({ $0.identity }) else { return true }
        return identity == files.identity
    }
}
