import GRDBSQLite
import Synchronization

/// Ends a question that takes too long, or whose asker has gone.
final class Deadline: Sendable {
    /// How many steps of SQLite's machine lie between two looks at the clock.
    static let stepsBetweenLooks: Int32 = 2_000

    private let end: ContinuousClock.Instant
    private let withdrawn = Atomic(false)

    init(milliseconds: Int) { end = .now + .milliseconds(milliseconds) }

    var hasPassed: Bool { ContinuousClock.now >= end }
    var isWithdrawn: Bool { withdrawn.load(ordering: .relaxed) }

    /// Nobody waits for the answer any more.
    func withdraw() { withdrawn.store(true, ordering: .relaxed) }

    /// Whether what goes on for this question should stop.
    var hasEnded: Bool { isWithdrawn || hasPassed }

    func watch(_ connection: OpaquePointer, every steps: Int32 = Deadline.stepsBetweenLooks) {
        sqlite3_progress_handler(
            connection, steps, Self.look, Unmanaged.passUnretained(self).toOpaque())
    }

    /// For C, with a deadline as its context: not 0 when it has ended.
    static let look: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { context in
        guard let context else { return 0 }
        return Unmanaged<Deadline>.fromOpaque(context).takeUnretainedValue().hasEnded ? 1 : 0
    }

    func unwatch(_ connection: OpaquePointer) {
        sqlite3_progress_handler(connection, 0, nil, nil)
    }

    /// What to tell the asker of a question that ended with `error`.
    func reason(for error: any Error) -> StoreError {
        guard let failure = error as? SQLiteFailure, failure.isInterrupt else {
            return StoreError(error)
        }
        if isWithdrawn { return StoreError(CancellationError()) }
        return hasPassed ? .timeout : StoreError(error)
    }
}
