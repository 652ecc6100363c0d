import Glibc
import Synchronization

/// The service manager's side of a daemon: readiness, status, watchdog, sockets handed over.
///
/// Speaks the protocols of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3) directly: they
/// are a datagram and three environment variables, and libsystemd would double the agent's memory
/// at rest. Without a manager every call does nothing.
public final class ServiceManager: Sendable {
    private let notifyPath: String?
    /// How often the manager wants to hear `WATCHDOG=1`, microseconds; nil without a watchdog.
    public let watchdogMicroseconds: Int64?
    /// Descriptors handed over, by name (`FileDescriptorName=`).
    private let listening: Mutex<[String: [Int32]]>

    private static let firstDescriptor: Int32 = 3

    /// Reads what the manager left in the environment, where it is meant for this process.
    public init(environment: [String: String]) {
        notifyPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let process = String(getpid())
        let watchdogIsOurs = environment["WATCHDOG_PID"].map { $0 == process } ?? true
        watchdogMicroseconds =
            watchdogIsOurs
            ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil } : nil

        var listening: [String: [Int32]] = [:]
        if environment["LISTEN_PID"] == process, let text = environment["LISTEN_FDS"],
            let count = Int32(text), count > 0, count < 1_024
        {
            let names = environment["LISTEN_FDNAMES"]?.split(
                separator: ":", omittingEmptySubsequences: false)
            for i in 0..<count {
                let descriptor = Self.firstDescriptor + i
                // What was announced and is not there may soon be a file of ours.
                guard Self.isSocket(descriptor) else { continue }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                let flags = fcntl(descriptor, F_GETFL)
                _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
                let name =
                    names.flatMap { Int(i) < $0.count ? String($0[Int(i)]) : nil } ?? "unknown"
                listening[name, default: []].append(descriptor)
            }
        }
        self.listening = Mutex(listening)
    }

    public var isPresent: Bool { notifyPath != nil }

    /// The first socket handed over under `name`; nil when there is none.
    public func socket(named name: String) -> Int32? {
        listening.withLock { $0[name]?.first }
    }

    /// Closes handed-over sockets that nobody here serves, so that whoever connects is refused and
    /// does not wait for ever: those whose names are not `kinds`', those of another kind, and all
    /// after the first of a name. The names of what was closed.
    public func closeSockets(except kinds: [String: UnixSocket.Kind]) -> [String] {
        listening.withLock { listening in
            var closed: [String] = []
            for (name, descriptors) in listening {
                let kept = kinds[name].flatMap { kind in
                    descriptors.first { Self.isListening($0, kind) }
                }
                for descriptor in descriptors where descriptor != kept {
                    close(descriptor)
                    closed.append(name)
                }
                listening[name] = kept.map { [$0] }
            }
            return closed.sorted()
        }
    }

    private static func isSocket(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    private static func isListening(_ descriptor: Int32, _ kind: UnixSocket.Kind) -> Bool {
        func option(_ name: Int32) -> Int32? {
            var value: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
        }
        switch kind {
        case .stream: return option(SO_ACCEPTCONN) == 1
        case .datagram: return option(SO_TYPE) == Int32(SOCK_DGRAM.rawValue)
        }
    }

    public func ready(status: String) { send("READY=1\nSTATUS=\(status)") }
    public func status(_ text: String) { send("STATUS=\(text)") }
    public func stopping() { send("STOPPING=1") }
    public func watchdog() { send("WATCHDOG=1") }
    /// Asks for `microseconds` more to start, stop or answer the watchdog.
    public func extendTimeout(microseconds: Int64) { send("EXTEND_TIMEOUT_USEC=\(microseconds)") }

    public func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.microseconds())")
    }

    private func send(_ message: String) {
        guard let notifyPath else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(notifyPath.utf8)
        guard bytes.count <= UnixSocket.pathBytesMax else { return }
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \sockaddr_un.sun_path) ?? 2
        let length = socklen_t(offset + bytes.count + (isAbstract ? 0 : 1))
        let raw = Glibc.socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return }
        defer { close(raw) }
        let text = Array(message.utf8)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(raw, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
