public import Platform
public import QuipuModel
public import QuipuProtocol

/// Fires metrics and events at the agent's `metrics.sock` without ever holding its caller up.
///
/// What is recorded goes into a bounded piece of memory, and from there, packed into datagrams, to
/// the agent by a thread of the sender's own: after `Options.flushMs`, or as soon as there is a
/// good deal of it. Nothing waits and nothing throws. While no agent runs, or while its queue is
/// full, lines stay in memory until it is; what finds no room then is dropped and counted, here in
/// `figures` and, once the agent is back, in the daemon's `stats`.
///
///     let sender = try BackgroundSender(path: "/run/quipu/metrics.sock")
///     let requests = sender.counter("app.requests", tags: ["route": "/login"])
///     requests.increment()
///
/// Make the counters, gauges and timers once and keep them: recording then costs well under a
/// microsecond. Before the process ends, `flush` sends what is left.
public final class BackgroundSender: Sendable {
    public struct Options: Sendable {
        /// Memory for lines that wait; the same again for those that are being sent.
        public var bufferBytes = 1 << 20
        /// The longest packed datagram. A longer line goes alone.
        public var datagramBytesMax = 8 << 10
        /// How long a line waits for others at most.
        public var flushMs: Int32 = 100

        public init() {}
    }

    /// Counts since the sender was made.
    public struct Figures: Sendable, Equatable {
        /// Lines taken into the buffer.
        public var recorded: UInt64 = 0
        /// Lines that found no room, could not be written down, or came after `close`.
        public var dropped: UInt64 = 0
        /// Lines that the agent's socket took.
        public var sent: UInt64 = 0
        public var datagrams: UInt64 = 0
        /// Lines that a datagram was refused with for good, such as one larger than the kernel
        /// takes.
        public var refused: UInt64 = 0

        /// Lines that are still to be sent.
        public var waiting: UInt64 { recorded &- sent &- refused }
    }

    let mailbox: Mailbox

    /// Throws when the system has no thread or descriptor for it; whether an agent runs does not
    /// matter.
    public init(path: String, options: Options = Options()) throws(SystemError) {
        mailbox = try Mailbox(options)
        let loop = SendingLoop(path: path, options: options, mailbox: mailbox)
        try Threads.start(name: "quipu-sender") { loop.run() }
    }

    /// What is left is tried once more, without waiting.
    deinit { mailbox.close() }

    public var figures: Figures { mailbox.figures }

    /// Waits until all that was recorded before has been sent, at most `milliseconds`. For the end
    /// of a program, and for tests. False when something is still waiting.
    @discardableResult
    public func flush(milliseconds: Int32) -> Bool { mailbox.flush(milliseconds: milliseconds) }

    /// Ends the sender: what is recorded from now on is dropped.
    public func close() { mailbox.close() }

    // MARK: Metrics

    /// - Parameters:
    ///   - name: `:`, `|` and line breaks in it become underscores; cut at 200 bytes.
    ///   - tags: at most 32; what would end a tag becomes an underscore, and each is cut at 200
    ///     bytes.
    public func counter(_ name: String, tags: [(String, String)] = []) -> Counter {
        Counter(series: SeriesLine(name, .counter, tags, mailbox))
    }

    public func gauge(_ name: String, tags: [(String, String)] = []) -> Gauge {
        Gauge(series: SeriesLine(name, .gauge, tags, mailbox))
    }

    public func timer(_ name: String, tags: [(String, String)] = []) -> Timer {
        Timer(series: SeriesLine(name, .timer, tags, mailbox))
    }

    public func histogram(_ name: String, tags: [(String, String)] = []) -> Histogram {
        Histogram(series: SeriesLine(name, .histogram, tags, mailbox))
    }

    public func distribution(_ name: String, tags: [(String, String)] = []) -> Histogram {
        Histogram(series: SeriesLine(name, .distribution, tags, mailbox))
    }

    public func set(_ name: String, tags: [(String, String)] = []) -> DistinctSet {
        DistinctSet(series: SeriesLine(name, .set, tags, mailbox))
    }

    // MARK: Events

    /// Something that happened, or a unit of work that is done.
    ///
    /// - Parameters:
    ///   - kind: What sort of thing, such as `generation`.
    ///   - attributes: An object; its members can be asked for and summed up.
    public func event(
        _ kind: String, name: String? = nil, status: EventStatus = .none,
        durationMs: Double? = nil, session: String? = nil, task: String? = nil,
        error: String? = nil, attributes: JSON = [:], time: Timestamp? = nil
    ) {
        let time = time ?? Timestamp(microseconds: WallClock.microseconds())
        var members = [
            JSON.Member("event", .string(kind)), JSON.Member("time", .string(time.rfc3339)),
        ]
        func add(_ name: String, _ value: JSON?) {
            if let value { members.append(JSON.Member(name, value)) }
        }
        add("name", name.map(JSON.string))
        add("status", status.word.map(JSON.string))
        add("duration_ms", durationMs.flatMap { $0.isFinite ? JSON.number($0) : nil })
        add("session", session.map(JSON.string))
        add("task", task.map(JSON.string))
        add("error", error.map(JSON.string))
        if let members = attributes.members, !members.isEmpty { add("attributes", attributes) }
        let line = JSON.object(members).bytes
        guard line.count <= Limits.datagramBytesMax else { return mailbox.drop() }
        mailbox.append(lineBytes: line.count) { place in
            line.withUnsafeBytes { place.copyMemory(from: $0) }
            return line.count
        }
    }
}
