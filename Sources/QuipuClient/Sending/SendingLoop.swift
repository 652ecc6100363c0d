import Platform
import QuipuModel

/// The thread of a `BackgroundSender`.
struct SendingLoop: Sendable {
    let path: String
    let options: BackgroundSender.Options
    let mailbox: Mailbox

    /// How long to wait before an agent that is not there is looked for again: at first and at
    /// most.
    private static let retryMs: ClosedRange<Int32> = 50...1_000
    /// The name under which the daemon counts what senders dropped.
    private static let dropsName = "quipu.senders.lines_dropped"

    /// Until the mailbox is closed.
    func run() {
        do throws(SystemError) {
            var thread = try SendingThread(loop: self)
            try thread.run()
        } catch {
            // No descriptor to wait with: what comes from now on is dropped and counted.
        }
        mailbox.outbox.close()
    }

    /// What only the thread itself touches.
    private struct SendingThread: ~Copyable {
        let loop: SendingLoop
        private var mailbox: Mailbox { loop.mailbox }
        private var work: Poller
        private var control: Poller
        private var socket: OwnedDescriptor?
        private var retryMs = SendingLoop.retryMs.lowerBound
        private var lines: Lines
        private var dropsTold: UInt64 = 0

        init(loop: SendingLoop) throws(SystemError) {
            let work = try Poller(eventsPerWait: 1)
            try work.add(loop.mailbox.work.raw, .read, token: 0)
            let control = try Poller(eventsPerWait: 2)
            try control.add(loop.mailbox.control.raw, .read, token: 0)
            self.loop = loop
            self.work = work
            self.control = control
            lines = Lines(byteCount: loop.options.bufferBytes)
        }

        mutating func run() throws(SystemError) {
            while true {
                mailbox.tellFlushers()
                try work.wait(milliseconds: nil) { _ in }
                mailbox.work.clear()
                let isClosed = mailbox.isClosed
                if !isClosed { try gather() }
                mailbox.outbox.take(&lines)
                try send()
                lines.count = 0
                if isClosed { return }
                tellDrops()
            }
        }

        /// Lets more lines come, until it is time to send them.
        private mutating func gather() throws(SystemError) {
            let deadline = MonotonicClock.microseconds() + Int64(loop.options.flushMs) * 1_000
            while !mailbox.outbox.isFull, !mailbox.isUrgent {
                let leftMs = (deadline - MonotonicClock.microseconds() + 999) / 1_000
                guard leftMs > 0 else { return }
                try work.wait(milliseconds: Int32(clamping: leftMs)) { _ in }
                mailbox.work.clear()
            }
        }

        /// Sends all lines, however long it takes; gives up only when the mailbox is closed.
        private mutating func send() throws(SystemError) {
            var position = 0
            while position < lines.count {
                let datagram = lines.datagram(
                    from: position, bytesMax: loop.options.datagramBytesMax)
                let next = position + datagram.count + 1
                switch attempt(datagram) {
                case .taken:
                    mailbox.countSent(lines: lines.lineCount(from: position, to: next))
                    position = next
                case .impossible:
                    mailbox.countRefused(lines: lines.lineCount(from: position, to: next))
                    position = next
                case .queueFull:
                    if mailbox.isClosed { return }
                    try waitForRoom()
                case .nobodyThere:
                    socket = nil
                    if mailbox.isClosed { return }
                    try waitToRetry()
                }
            }
        }

        private enum Outcome {
            case taken
            /// Not this datagram, not to this socket, ever.
            case impossible
            case queueFull
            case nobodyThere
        }

        private mutating func attempt(_ datagram: UnsafeRawBufferPointer) -> Outcome {
            do throws(SystemError) {
                if socket == nil {
                    socket = try UnixSocket.connect(
                        to: loop.path, kind: .datagram, nonBlocking: true)
                }
                _ = try socket?.send(datagram)
                retryMs = SendingLoop.retryMs.lowerBound
                return .taken
            } catch {
                if error.isQueueFull { return .queueFull }
                return error.isTooLong ? .impossible : .nobodyThere
            }
        }

        /// Waits until the agent's queue takes more. The poller sees that for a connected socket.
        private mutating func waitForRoom() throws(SystemError) {
            guard let raw = socket?.raw else { return }
            try control.add(raw, .write, token: 1)
            defer { control.remove(raw) }
            try control.wait(milliseconds: SendingLoop.retryMs.upperBound) { _ in }
            mailbox.control.clear()
        }

        private mutating func waitToRetry() throws(SystemError) {
            try control.wait(milliseconds: retryMs) { _ in }
            mailbox.control.clear()
            retryMs = min(retryMs * 2, SendingLoop.retryMs.upperBound)
        }

        /// Tells the daemon what found no room here, now that somebody listens.
        private mutating func tellDrops() {
            let dropped = mailbox.figures.dropped
            guard dropped > dropsTold else { return }
            let line = "\(SendingLoop.dropsName):\(dropped - dropsTold)|c|#client:swift"
            let isTold = mailbox.append(lineBytes: line.utf8.count, isOwn: true) { place in
                var line = line
                line.withUTF8 { place.copyMemory(from: UnsafeRawBufferPointer($0)) }
                return line.utf8.count
            }
            if isTold { dropsTold = dropped }
        }
    }
}
