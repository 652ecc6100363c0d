import GRDB
import GRDBSQLite
import Synchronization

/// Says from outside whether the writer gets on with something long: a large migration, a slow
/// disk, a chunk of retention. What stands still does not count, however busy it looks.
public final class WorkProgress: Sendable {
    /// Steps of SQLite's machine between two signs.
    private static let stepsPerSign: Int32 = 20_000

    private let signs = Atomic<UInt64>(0)
    private let patienceEnd = Mutex<ContinuousClock.Instant?>(nil)

    public init() {}

    /// Grows whenever something was done; what it grows by means nothing.
    public var count: UInt64 { signs.load(ordering: .relaxed) }

    /// Whether work runs that is known to give no sign for long, and has not had its time.
    public var isKnownToBeLong: Bool {
        patienceEnd.withLock { $0.map { ContinuousClock.now < $0 } ?? false }
    }

    func advance() { signs.add(1, ordering: .relaxed) }

    /// Runs what gives no sign while it runs, because it waits for the disk several times.
    func knownToBeLong<Result>(
        _ limit: Duration, _ body: () throws -> Result
    ) rethrows -> Result {
        patienceEnd.withLock { $0 = .now + limit }
        defer {
            patienceEnd.withLock { $0 = nil }
            advance()
        }
        return try body()
    }

    /// Lets the work of `connection` give signs, until `unwatch`.
    func watch(_ connection: OpaquePointer) {
        sqlite3_progress_handler(
            connection, Self.stepsPerSign,
            { context in
                guard let context else { return 0 }
                Unmanaged<WorkProgress>.fromOpaque(context).takeUnretainedValue().advance()
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func unwatch(_ connection: OpaquePointer) {
        sqlite3_progress_handler(connection, 0, nil, nil)
        advance()
    }
}
