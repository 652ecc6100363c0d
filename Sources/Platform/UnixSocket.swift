import CPlatform
import Glibc

/// Unix sockets by path: bound without following links and without a moment of wrong permissions.
public enum UnixSocket {
    public enum Kind: Sendable {
        case stream
        case datagram
    }

    /// The longest path that a socket address holds.
    public static let pathBytesMax = 107

    private static func make(_ kind: Kind, nonBlocking: Bool) throws(SystemError) -> OwnedDescriptor
    {
        let type = kind == .stream ? SOCK_STREAM : SOCK_DGRAM
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        let descriptor = socket(AF_UNIX, Int32(type.rawValue) | flags, 0)
        guard descriptor >= 0 else { throw .current("socket") }
        return OwnedDescriptor(owning: descriptor)
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count <= pathBytesMax else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Binds (and for streams listens) at `path`. A socket that stands there already is taken away
    /// first: the caller must hold the lock that proves its owner gone. Anything else there is an
    /// error. The mode is set before the path exists, so that there is no moment with another one.
    public static func listen(
        at path: String, kind: Kind, mode: UInt32, backlog: Int32 = 128
    ) throws(SystemError) -> OwnedDescriptor {
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                throw SystemError(code: EEXIST, operation: "bind", path: path)
            }
            guard unlink(path) == 0 else { throw .current("unlink", path: path) }
        }
        let descriptor = try make(kind, nonBlocking: true)
        guard fchmod(descriptor.raw, mode) == 0 else { throw .current("fchmod", path: path) }
        // The kernel takes the socket's mode, less the umask.
        let mask = umask(0)
        let bound = withAddress(path) { bind(descriptor.raw, $0, $1) }
        let code = errno
        umask(mask)
        guard bound == 0 else { throw SystemError(code: code, operation: "bind", path: path) }
        if kind == .stream, Glibc.listen(descriptor.raw, backlog) != 0 {
            throw .current("listen", path: path)
        }
        return descriptor
    }

    public static func connect(
        to path: String, kind: Kind, nonBlocking: Bool = false
    ) throws(SystemError) -> OwnedDescriptor {
        let descriptor = try make(kind, nonBlocking: nonBlocking)
        guard withAddress(path, { Glibc.connect(descriptor.raw, $0, $1) }) == 0 else {
            throw .current("connect", path: path)
        }
        return descriptor
    }

    /// The next connection, non-blocking; nil when none waits.
    public static func accept(on listener: Int32) throws(SystemError) -> OwnedDescriptor? {
        while true {
            let descriptor = quipu_accept(listener)
            if descriptor >= 0 { return OwnedDescriptor(owning: descriptor) }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return nil
            default: throw .current("accept")
            }
        }
    }
}
