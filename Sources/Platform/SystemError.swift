import Glibc

/// A call to the operating system that failed: what was tried, on what, and errno.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: Int32
    public var operation: String
    public var path: String?

    public init(code: Int32, operation: String, path: String? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// From `errno` as it is now.
    public static func current(_ operation: String, path: String? = nil) -> SystemError {
        SystemError(code: errno, operation: operation, path: path)
    }

    public var description: String {
        let reason = String(cString: strerror(code))
        guard let path else { return "\(operation): \(reason)" }
        return "\(operation) \(path): \(reason)"
    }

    public var isWouldBlock: Bool { code == EAGAIN }
    /// A datagram's receiver, or the kernel, has no room for it now.
    public var isQueueFull: Bool { code == EAGAIN || code == ENOBUFS }
    /// A datagram is longer than the socket takes.
    public var isTooLong: Bool { code == EMSGSIZE }
    /// Nobody listens at a socket, or there is none.
    public var isNobodyThere: Bool { [ENOENT, ENOTDIR, ECONNREFUSED].contains(code) }
    public var isDenied: Bool { [EACCES, EPERM].contains(code) }
    /// The other side has closed.
    public var isDisconnected: Bool { [EPIPE, ECONNRESET].contains(code) }
}
