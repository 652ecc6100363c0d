import CPlatform
import Glibc

/// epoll: which of many descriptors are ready. Level-triggered.
public struct Poller: ~Copyable {
    public struct Interest: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let read = Interest(rawValue: EPOLLIN.rawValue)
        public static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    public struct Event: Sendable {
        /// What the descriptor was added with.
        public var token: UInt64
        public var isReadable: Bool
        public var isWritable: Bool
        /// The other side is gone, or the descriptor has an error.
        public var isClosed: Bool
    }

    private let descriptor: OwnedDescriptor
    private var events: [epoll_event]

    public init(eventsPerWait: Int = 64) throws(SystemError) {
        let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard raw >= 0 else { throw .current("epoll_create1") }
        descriptor = OwnedDescriptor(owning: raw)
        events = Array(repeating: epoll_event(), count: eventsPerWait)
    }

    public func add(_ raw: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, raw, interest, token)
    }

    public func change(_ raw: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_MOD, raw, interest, token)
    }

    /// Before the descriptor is closed. A descriptor that is not there is no error.
    public func remove(_ raw: Int32) {
        _ = epoll_ctl(descriptor.raw, EPOLL_CTL_DEL, raw, nil)
    }

    private func control(
        _ operation: Int32, _ raw: Int32, _ interest: Interest, _ token: UInt64
    ) throws(SystemError) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        guard epoll_ctl(descriptor.raw, operation, raw, &event) == 0 else {
            throw .current("epoll_ctl")
        }
    }

    /// Waits for at most `milliseconds` (nil: for ever) and hands over each ready descriptor.
    public mutating func wait(
        milliseconds: Int32?, _ body: (Event) -> Void
    ) throws(SystemError) {
        let count = epoll_wait(
            descriptor.raw, &events, Int32(events.count), milliseconds ?? -1)
        if count < 0 {
            if errno == EINTR { return }
            throw .current("epoll_wait")
        }
        for i in 0..<Int(count) {
            let bits = events[i].events
            body(
                Event(
                    token: events[i].data.u64,
                    isReadable: bits & EPOLLIN.rawValue != 0,
                    isWritable: bits & EPOLLOUT.rawValue != 0,
                    isClosed: bits & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0))
        }
    }
}
