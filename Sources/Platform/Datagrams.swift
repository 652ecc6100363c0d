import CPlatform
import Glibc

/// The headers with which one call receives up to `slots` datagrams, in memory of the caller's.
///
/// The kernel writes each length there as soon as the datagram's bytes are in their slot. In a
/// `SharedMapping` a length therefore survives the process, even when it is killed before the call
/// returns.
public struct MessageRing {
    public static let slots = Int(QUIPU_MESSAGE_SLOTS)
    /// The memory that a ring takes.
    public static var byteCount: Int { quipu_messages_bytes() }

    private let memory: UnsafeMutableRawPointer

    /// `memory`: `byteCount` bytes, aligned to 8. What stands there is kept.
    public init(at memory: UnsafeMutableRawPointer) { self.memory = memory }

    /// Lets a slot receive into `buffer`, and empties it.
    public func point(slot: Int, to buffer: UnsafeMutableRawBufferPointer) {
        quipu_message_point(memory, UInt32(slot), buffer.baseAddress, buffer.count)
    }

    /// Empties the first `count` slots.
    public func empty(first count: Int) { quipu_messages_rearm(memory, UInt32(count)) }

    /// Receives what waits into the slots from `first` on, at most as many as there are; 0 when
    /// nothing waits.
    public func receive(from socket: Int32, first: Int) throws(SystemError) -> Int {
        while true {
            let count = quipu_messages_receive(socket, memory, UInt32(first))
            if count >= 0 { return Int(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            default: throw .current("recvmmsg")
            }
        }
    }

    /// Bytes in a slot; nil when it is empty.
    public func length(slot: Int) -> Int? {
        let length = quipu_message_length(memory, UInt32(slot))
        return length == QUIPU_MESSAGE_PENDING ? nil : Int(length)
    }

    /// Whether the datagram was longer than its slot.
    public func isTruncated(slot: Int) -> Bool {
        quipu_message_is_truncated(memory, UInt32(slot)) != 0
    }

    /// Says that the caller itself put `length` bytes into a slot.
    public func setLength(_ length: Int, slot: Int) {
        quipu_message_set_length(memory, UInt32(slot), UInt32(length))
    }
}

/// UDP sockets.
public enum UDPSocket {
    /// Binds at `host:port`; the host is a numeric address (`127.0.0.1`, `::1`) or `localhost`. The
    /// kernel's receive buffer is raised towards `receiveBufferBytes`, as far as the kernel
    /// permits: what does not fit there is lost without anyone's knowing.
    public static func bind(
        host: String, port: UInt16, receiveBufferBytes: Int32 = 4 << 20
    ) throws(SystemError) -> OwnedDescriptor {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_PASSIVE | (host == "localhost" ? 0 : AI_NUMERICHOST)
        var found: UnsafeMutablePointer<addrinfo>?
        let place = "\(host):\(port)"
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
            throw SystemError(code: EADDRNOTAVAIL, operation: "getaddrinfo", path: place)
        }
        defer { freeaddrinfo(found) }
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = socket(found.pointee.ai_family, found.pointee.ai_socktype | flags, 0)
        guard raw >= 0 else { throw .current("socket") }
        let descriptor = OwnedDescriptor(owning: raw)
        var bytes = receiveBufferBytes
        setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        guard Glibc.bind(raw, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            throw .current("bind", path: place)
        }
        return descriptor
    }
}

/// What the kernel permits.
public enum KernelLimits {
    /// How many datagrams wait at a Unix socket that is made now, before its senders are refused;
    /// nil when /proc does not tell.
    public static func unixDatagramQueue() -> Int? {
        let raw = open("/proc/sys/net/unix/max_dgram_qlen", O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let descriptor = OwnedDescriptor(owning: raw)
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor.raw, &bytes, bytes.count)
        return Int(
            String(decoding: bytes.prefix(max(count, 0)).prefix { $0 > 0x20 }, as: UTF8.self))
    }
}
