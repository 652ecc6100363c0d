import Platform
import Synchronization

/// What the recorders and the sending thread share.
final class Mailbox: Sendable {
    let outbox: Outbox
    /// Lines are there.
    let work: WakeUp
    /// Somebody waits for the lines to be sent, or the sender ends.
    let control: WakeUp

    struct Orders {
        var isClosed = false
        /// To be signalled when nothing is waiting any more.
        var flushers: [WakeUp] = []
    }

    private struct Sent {
        var lines: UInt64 = 0
        var datagrams: UInt64 = 0
        var refused: UInt64 = 0
    }

    private let orders = Mutex(Orders())
    private let sent = Mutex(Sent())

    init(_ options: BackgroundSender.Options) throws(SystemError) {
        let wakeBytes = min(4 * options.datagramBytesMax, options.bufferBytes / 4)
        outbox = Outbox(byteCount: options.bufferBytes, wakeBytes: wakeBytes)
        work = try WakeUp()
        control = try WakeUp()
    }

    // MARK: The recorders' side

    /// False when there was no room.
    @inline(__always)
    @discardableResult
    func append(
        lineBytes: Int, isOwn: Bool = false, _ write: (UnsafeMutableRawPointer) -> Int
    ) -> Bool {
        switch outbox.append(lineBytes: lineBytes, isOwn: isOwn, write) {
        case .dropped: return false
        case .none: break
        case .begin, .full: work.signal()
        }
        return true
    }

    func drop() { outbox.drop() }

    func close() {
        outbox.close()
        orders.withLock { $0.isClosed = true }
        control.signal()
        work.signal()
    }

    func flush(milliseconds: Int32) -> Bool {
        guard figures.waiting > 0 else { return true }
        do throws(SystemError) {
            let done = try WakeUp()
            var poller = try Poller(eventsPerWait: 1)
            try poller.add(done.raw, .read, token: 0)
            orders.withLock { $0.flushers.append(done) }
            defer { orders.withLock { $0.flushers.removeAll { $0 === done } } }
            control.signal()
            work.signal()
            let deadline = MonotonicClock.microseconds() + Int64(milliseconds) * 1_000
            var isDone = false
            while !isDone {
                let leftMs = (deadline - MonotonicClock.microseconds() + 999) / 1_000
                guard leftMs > 0 else { break }
                try poller.wait(milliseconds: Int32(clamping: leftMs)) { _ in isDone = true }
            }
        } catch {
            // Without a descriptor to wait with there is no waiting.
        }
        return figures.waiting == 0
    }

    var figures: BackgroundSender.Figures {
        // In this order, so that what is sent was recorded.
        let sent = sent.withLock { $0 }
        let counts = outbox.counts
        var figures = BackgroundSender.Figures()
        figures.recorded = counts.recorded
        figures.dropped = counts.dropped
        figures.sent = sent.lines
        figures.datagrams = sent.datagrams
        figures.refused = sent.refused
        return figures
    }

    // MARK: The thread's side

    var isClosed: Bool { orders.withLock { $0.isClosed } }
    var isUrgent: Bool { orders.withLock { $0.isClosed || !$0.flushers.isEmpty } }

    func countSent(lines: UInt64) {
        sent.withLock {
            $0.lines += lines
            $0.datagrams += 1
        }
    }

    func countRefused(lines: UInt64) { sent.withLock { $0.refused += lines } }

    /// Tells those who wait that everything is sent.
    func tellFlushers() {
        guard outbox.counts.waiting == 0 else { return }
        orders.withLock { for flusher in $0.flushers { flusher.signal() } }
    }
}
