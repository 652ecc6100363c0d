internal import Logging
internal import Platform
internal import QuipuProtocol
internal import Synchronization

/// The daemon's listening sockets: from the service manager where it hands them over, else our own.
final class Sockets: Sendable {
    let query: Int32
    let ingest: Int32
    /// Bound by ourselves, and so closed and removed by us.
    private let own: [(descriptor: OwnedSocket, path: String)]
    private let stopAction = Mutex<(@Sendable () -> Void)?>(nil)

    var onStop: (@Sendable () -> Void)? {
        get { stopAction.withLock { $0 } }
        set { stopAction.withLock { $0 = newValue } }
    }

    /// Readers and agents: the owner and the socket's group.
    private static let mode: UInt32 = 0o660

    /// To be called before anything asks which sockets were handed over.
    static func closeStrangers(_ manager: ServiceManager, log: Logger) {
        let closed = manager.closeSockets(except: ["query": .stream, "ingest": .stream])
        guard !closed.isEmpty else { return }
        log.warning("closed sockets that nobody here serves: \(closed.joined(separator: ", "))")
    }

    init(places: Places, manager: ServiceManager) throws(DaemonError) {
        var own: [(OwnedSocket, String)] = []
        func socket(_ name: String, _ path: String) throws(DaemonError) -> Int32 {
            if let handed = manager.socket(named: name) { return handed }
            do throws(SystemError) {
                let socket = OwnedSocket(
                    try UnixSocket.listen(at: path, kind: .stream, mode: Self.mode))
                own.append((socket, path))
                return socket.raw
            } catch {
                throw DaemonError("cannot listen: \(error)")
            }
        }
        query = try socket("query", places.querySocket)
        ingest = try socket("ingest", places.ingestSocket)
        self.own = own
    }

    func stop() {
        onStop?()
        for (_, path) in own { Files.removeSocket(path) }
    }
}

/// A listening socket that lives as long as the daemon.
final class OwnedSocket: Sendable {
    private let descriptor: OwnedDescriptor
    var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
