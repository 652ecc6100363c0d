import QuipuModel
import Synchronization

/// Lines between those who record and the thread that sends: a bounded piece of memory.
///
/// Recording copies a line's bytes under a lock that is held for that copy alone. What finds no
/// room is dropped and counted; nobody waits for it.
final class Outbox: Sendable {
    /// What became of a line, and what its recorder has to do.
    enum Signal {
        case dropped
        case none
        /// The first line since the thread took all: it has to look at the clock from now on.
        case begin
        /// Enough for a datagram is there.
        case full
    }

    private struct State: ~Copyable {
        var lines: Lines
        var recorded: UInt64 = 0
        var dropped: UInt64 = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let wakeBytes: Int

    init(byteCount: Int, wakeBytes: Int) {
        state = Mutex(State(lines: Lines(byteCount: byteCount)))
        self.wakeBytes = wakeBytes
    }

    /// Appends one line in pieces; the newline is added. At most `lineBytes` are written.
    ///
    /// - Parameter isOwn: it tells of this sender; nothing is lost where it finds no room.
    @inline(__always)
    func append(
        lineBytes: Int, isOwn: Bool = false, _ write: (UnsafeMutableRawPointer) -> Int
    ) -> Signal {
        state.withLock { state in
            guard !state.isClosed, let place = state.lines.room(for: lineBytes + 1) else {
                if !isOwn { state.dropped &+= 1 }
                return .dropped
            }
            state.recorded &+= 1
            let before = state.lines.count
            let count = write(place)
            place.storeBytes(of: 0x0a, toByteOffset: count, as: UInt8.self)
            state.lines.count = before + count + 1
            if before == 0 { return .begin }
            return before < wakeBytes && state.lines.count >= wakeBytes ? .full : .none
        }
    }

    /// Counts a line that could not even be written down.
    func drop() { state.withLock { $0.dropped &+= 1 } }

    /// Swaps the lines for an empty piece of memory of the same size.
    func take(_ empty: inout Lines) {
        state.withLock { swap(&$0.lines, &empty) }
    }

    /// Whether enough for a datagram waits.
    var isFull: Bool { state.withLock { $0.lines.count >= wakeBytes } }

    func close() { state.withLock { $0.isClosed = true } }

    var counts: (recorded: UInt64, dropped: UInt64, waiting: Int) {
        state.withLock { ($0.recorded, $0.dropped, $0.lines.count) }
    }
}

/// Whole lines, one after the other.
struct Lines: ~Copyable, Sendable {
    // Owned by whoever holds this value, which cannot be copied.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer
    private let byteCount: Int
    var count = 0

    init(byteCount: Int) {
        base = .allocate(byteCount: byteCount, alignment: 16)
        self.byteCount = byteCount
    }

    deinit { base.deallocate() }

    @inline(__always)
    func room(for bytes: Int) -> UnsafeMutableRawPointer? {
        byteCount - count >= bytes ? base + count : nil
    }

    /// The next datagram from `start` on: as many whole lines as fit, without the last newline. A
    /// line that is longer than that goes alone.
    func datagram(from start: Int, bytesMax: Int) -> UnsafeRawBufferPointer {
        let rest = UnsafeRawBufferPointer(start: base + start, count: count - start)
        if rest.count <= bytesMax + 1 { return part(rest, rest.count - 1) }
        var end = bytesMax
        while end > 0, rest[end] != 0x0a { end -= 1 }
        if end == 0 {
            end = bytesMax
            while rest[end] != 0x0a { end += 1 }
        }
        return part(rest, end)
    }

    private func part(
        _ bytes: UnsafeRawBufferPointer, _ count: Int
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.baseAddress, count: count)
    }

    func lineCount(from start: Int, to end: Int) -> UInt64 {
        var lines: UInt64 = 0
        for index in start..<end
        where base.load(fromByteOffset: index, as: UInt8.self) == 0x0a { lines += 1 }
        return lines
    }
}
