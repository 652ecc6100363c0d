import AgentCore
import Platform
import QuipuModel
import QuipuProtocol
import Settings

/// The sockets that applications send to: handed over by the service manager, else bound here.
struct Sockets {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    static let kinds: [String: UnixSocket.Kind] = ["metrics": .datagram, "statsd": .stream]

    private(set) var all: [Listener] = []
    private let manager: ServiceManager
    private let settings: AgentSettings
    /// Held while sockets of ours stand in the runtime directory.
    private var lock: LockFile?

    init(places: Places, settings: AgentSettings, manager: ServiceManager) throws {
        self.manager = manager
        self.settings = settings
        let dialect = settings.dialect.dialect
        try add("metrics", .datagrams, places.metricsSocket, dialect, places)
        try add("statsd", .streams, places.statsdSocket, dialect, places)
        if let udp = settings.udp { try add(udp: udp, settings.udpDialect.dialect) }
    }

    private mutating func add(
        _ name: String, _ kind: Listener.Kind, _ path: String, _ dialect: Dialect, _ places: Places
    ) throws {
        if let raw = manager.socket(named: name) {
            all.append(Listener(OwnedDescriptor(owning: raw), kind: kind, dialect: dialect))
            return
        }
        if lock == nil { lock = try Self.claim(places.runtimeDirectory) }
        let descriptor = try UnixSocket.listen(
            at: path, kind: kind == .streams ? .stream : .datagram, mode: settings.socketMode)
        all.append(Listener(descriptor, kind: kind, dialect: dialect))
    }

    private static func claim(_ directory: String) throws -> LockFile {
        try Directories.make(directory)
        try Directories.requireOwn(directory)
        do throws(LockFile.Failure) {
            return try LockFile(path: directory + "/quipu-agent.lock")
        } catch {
            switch error {
            case .held(let pid):
                let who = pid.map { "quipu-agent with pid \($0)" } ?? "another quipu-agent"
                throw Failure(description: "\(who) already uses \(directory)")
            case .system(let error): throw error
            }
        }
    }

    /// Nil when it is not HOST:PORT.
    static func address(_ place: String) -> (host: String, port: UInt16)? {
        guard let colon = place.lastIndex(of: ":"),
            let port = UInt16(place[place.index(after: colon)...])
        else { return nil }
        return (place[..<colon].filter { $0 != "[" && $0 != "]" }, port)
    }

    private mutating func add(udp place: String, _ dialect: Dialect) throws {
        guard let (host, port) = Self.address(place) else {
            throw Failure(description: "udp.listen: \"\(place)\" is not HOST:PORT")
        }
        guard settings.udpAnywhere || host.hasPrefix("127.") || ["::1", "localhost"].contains(host)
        else {
            throw Failure(
                description:
                    "udp.listen: \(host) is open to other machines; take 127.0.0.1, or set "
                    + "udp.anywhere: true in the configuration if that is meant")
        }
        let descriptor = try UDPSocket.bind(host: host, port: port)
        all.append(Listener(descriptor, kind: .udp, dialect: dialect))
    }
}

extension AgentSettings.DialectName {
    fileprivate var dialect: Dialect {
        switch self {
        case .statsd: .statsd
        case .dogstatsd: .dogstatsd
        }
    }
}
