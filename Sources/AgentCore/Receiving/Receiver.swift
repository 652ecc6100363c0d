public import Platform
public import QuipuModel
import Synchronization

/// A socket that applications send to. Its descriptor is non-blocking.
public final class Listener: Sendable {
    public enum Kind: Sendable {
        /// Unix. The kernel holds few of them for us, so they are read at once.
        case datagrams
        /// The kernel holds hundreds: while few come they are read a millisecond's worth at a time,
        /// which costs a fifth.
        case udp
        /// Accepts connections.
        case streams
    }

    public let kind: Kind
    public let dialect: Dialect
    let descriptor: OwnedDescriptor

    public init(_ descriptor: consuming OwnedDescriptor, kind: Kind, dialect: Dialect) {
        self.descriptor = descriptor
        self.kind = kind
        self.dialect = dialect
    }
}

/// What the receiver saw since it started.
public struct ReceiverFigures: Sendable, Equatable {
    /// Datagrams that the kernel handed over, and their bytes.
    public var datagrams: UInt64 = 0
    public var datagramBytes: UInt64 = 0
    /// Reads from stream connections that brought something, and their bytes.
    public var streamReads: UInt64 = 0
    public var streamBytes: UInt64 = 0
    /// Stream connections that are open, and those that were refused because as many were as may
    /// be, or as one user may have.
    public var connections = 0
    public var connectionsRefused: UInt64 = 0
    /// Calls on sockets that failed for a reason of ours or the kernel's, and the last of them.
    public var failures: UInt64 = 0
    public var lastFailure: SystemError?
    /// `net.unix.max_dgram_qlen` at the start. A Unix datagram socket that this process bound
    /// itself holds about this many before its senders are refused; one from systemd may hold more.
    public var kernelQueueLength: Int?

    /// With fewer, a short burst is refused: the kernel's default of 10 is, systemd sets 512.
    public static let kernelQueueLengthWanted = 128

    /// What to tell the administrator, if anything.
    public var kernelQueueIsShort: Bool {
        kernelQueueLength.map { $0 < Self.kernelQueueLengthWanted } ?? false
    }
}

/// Takes everything that applications send and puts it into the spool, on one thread.
///
/// A reader of the spool sees nothing here block: when the spool is full, what comes is still read,
/// refused and counted, so that no sender ever waits.
public final class Receiver: Sendable {
    let spool: Spool
    let listeners: [Listener]
    let halfSentMsMax: Int
    /// Connections that may be open, in all and of one user: where descriptors are few, logs must
    /// find some too.
    let connectionsMax: Int
    let connectionsPerUserMax: Int
    let stopSignal: WakeUp
    private let shared = Mutex(ReceiverFigures())

    /// - Parameter halfSentMsMax: A stream connection that stays in the middle of a line or packet
    ///   for so long is closed.
    public init(
        spool: Spool, listeners: [Listener], halfSentMsMax: Int = Limits.halfSentRequestMsMax
    ) throws(SystemError) {
        self.spool = spool
        self.listeners = listeners
        self.halfSentMsMax = halfSentMsMax
        connectionsMax = min(Limits.connectionsMax, ProcessFacts.descriptorsMax / 4)
        connectionsPerUserMax = min(Limits.connectionsPerUserMax, connectionsMax * 3 / 4)
        stopSignal = try WakeUp()
        shared.withLock { $0.kernelQueueLength = KernelLimits.unixDatagramQueue() }
    }

    public var figures: ReceiverFigures { shared.withLock { $0 } }

    /// Receives until `stop`, on the calling thread. Then takes what still waits in the kernel, and
    /// returns. Once only.
    public func run() throws(SystemError) {
        var loop = try ReceiverLoop(self)
        try loop.run()
    }

    /// From any thread, any number of times.
    public func stop() { stopSignal.signal() }

    func note(_ change: (inout ReceiverFigures) -> Void) { shared.withLock { change(&$0) } }
}
