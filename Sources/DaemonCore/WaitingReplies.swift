internal import Platform
internal import QuipuModel
internal import Synchronization

/// What all readers together have not taken yet. Above `Limits.repliesWaitingBytesMax` the one that
/// has taken nothing for longest is cut.
final class WaitingReplies: Sendable {
    enum Verdict: Equatable {
        case idle
        case waiting
        /// The bound that was hit.
        case cut(String)
    }

    private struct Reader {
        var bytes = 0
        /// When something was last taken, or was first there to take.
        var progress: Int64
        var close: @Sendable () -> Void
    }

    private struct State {
        var readers: [Int: Reader] = [:]
        var lastID = 0
        var bytes = 0
        /// Those that were cut for the room that they took, until they have noticed.
        var cut: Set<Int> = []
    }

    /// A reader that took something within this time is never the one that is cut.
    private static let graceMicroseconds: Int64 = 200_000

    private let state = Mutex(State())
    private let bytesMax: Int
    private let now: @Sendable () -> Int64

    init(
        bytesMax: Int = Limits.repliesWaitingBytesMax,
        now: @escaping @Sendable () -> Int64 = MonotonicClock.microseconds
    ) {
        self.bytesMax = bytesMax
        self.now = now
    }

    /// A reader comes; `close` ends its connection.
    func enter(close: @escaping @Sendable () -> Void) -> Int {
        let now = now()
        return state.withLock { state in
            state.lastID += 1
            state.readers[state.lastID] = Reader(progress: now, close: close)
            return state.lastID
        }
    }

    func leave(_ id: Int) {
        state.withLock { state in
            state.bytes -= state.readers.removeValue(forKey: id)?.bytes ?? 0
            state.cut.remove(id)
        }
    }

    func add(_ count: Int, of id: Int) {
        let now = now()
        let close = state.withLock { state -> (@Sendable () -> Void)? in
            guard var reader = state.readers[id] else { return nil }
            if reader.bytes == 0 { reader.progress = now }
            reader.bytes += count
            state.readers[id] = reader
            state.bytes += count
            guard state.bytes > bytesMax else { return nil }
            return Self.cutSlowest(&state, now: now)
        }
        close?()
    }

    func take(_ count: Int, of id: Int) {
        let now = now()
        state.withLock { state in
            guard state.readers[id] != nil else { return }
            state.readers[id]?.bytes -= count
            state.readers[id]?.progress = now
            state.bytes -= count
        }
    }

    /// What is to become of a reader that is looked at.
    func verdict(on id: Int) -> Verdict {
        let now = now()
        return state.withLock { state in
            guard let reader = state.readers[id] else { return .idle }
            if reader.bytes == 0 { return .idle }
            let stillMs = (now - reader.progress) / 1_000
            return stillMs >= Limits.slowReaderMsMax ? .cut("slow_reader_ms") : .waiting
        }
    }

    private static func cutSlowest(_ state: inout State, now: Int64) -> (@Sendable () -> Void)? {
        let slowest = state.readers
            .filter { $0.value.bytes > 0 && !state.cut.contains($0.key) }
            .min { $0.value.progress < $1.value.progress }
        guard let slowest, now - slowest.value.progress >= graceMicroseconds else { return nil }
        state.cut.insert(slowest.key)
        return slowest.value.close
    }
}
