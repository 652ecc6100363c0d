import Glibc

/// A file descriptor with one owner: closed when the owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    public let raw: Int32

    public init(owning raw: Int32) { self.raw = raw }

    /// Gives the descriptor away without closing it.
    public consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    deinit { close(raw) }
}

/// A descriptor kept for when there is no other: with it, who waits to be accepted can be turned
/// away instead of being left waiting.
public struct SpareDescriptor: ~Copyable {
    private var held: OwnedDescriptor?

    public init() { restore() }

    /// Makes room for one descriptor, until `restore`.
    public mutating func give() { held = nil }

    public mutating func restore() {
        let raw = open("/dev/null", O_RDONLY | O_CLOEXEC)
        if raw >= 0 { held = OwnedDescriptor(owning: raw) }
    }
}

extension OwnedDescriptor {
    public func setNonBlocking() throws(SystemError) {
        let flags = fcntl(raw, F_GETFL)
        guard flags >= 0, fcntl(raw, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .current("fcntl")
        }
    }

    /// A send that waits gives up after this with `EAGAIN`.
    public func limitSending(seconds: Int) throws(SystemError) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        guard setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, size) == 0 else {
            throw .current("setsockopt SO_SNDTIMEO")
        }
    }

    /// Reads at most the buffer's size; 0 at the end of the stream.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        while true {
            let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw .current("read") }
        }
    }

    /// Sends what the socket takes, without SIGPIPE.
    public func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        while true {
            let count = Glibc.send(
                raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return count }
            if errno != EINTR { throw .current("send") }
        }
    }

    /// Writes everything to a file or a blocking descriptor.
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(
                raw, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw .current("write")
            }
        }
    }
}
