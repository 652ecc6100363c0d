import Foundation
import QuipuClient
import QuipuModel
import QuipuProtocol

/// A daemon and an agent of their own, in a temporary directory, as a user would start them.
public final class Rig {
    public let directory: TemporaryDirectory
    public private(set) var daemon: Program?
    public private(set) var agent: Program?
    public let watch: [String]

    public var runtime: String { directory("run") }
    public var state: String { directory("state") }
    public var logs: String { directory("logs") }
    public var querySocket: String { runtime + "/query.sock" }
    public var ingestSocket: String { runtime + "/ingest.sock" }
    public var metricsSocket: String { runtime + "/metrics.sock" }
    public var statsdSocket: String { runtime + "/statsd.sock" }

    private static let patienceSeconds = 120.0 * Patience.factor

    public init(watch: [String] = ["**/*.jsonl"]) throws {
        directory = try TemporaryDirectory()
        self.watch = watch
        try FileManager.default.createDirectory(
            atPath: directory("logs"), withIntermediateDirectories: true)
    }

    private var places: [String] { ["--runtime-dir", runtime, "--state-dir", state] }

    /// Keeps the machine's own configuration out of the test.
    private var environment: [String: String] {
        ["XDG_CONFIG_HOME": directory("config"), "HOME": directory("home"), "QUIPU_CONFIG": ""]
    }

    public func startDaemon(
        _ extra: [String] = [], environment more: [String: String] = [:]
    ) throws {
        daemon = try Program(
            "quipud", places + extra, environment: environment.merging(more) { $1 },
            log: directory("quipud.log"))
        try waitUntil("quipud answers") { (try? ask("health")) != nil }
    }

    /// Starts the daemon from a shell that has done something before, such as setting limits.
    public func startDaemon(
        underShell before: String, environment more: [String: String] = [:]
    ) throws {
        daemon = try Program(
            "/bin/bash",
            ["-c", before + " \"$@\"", "quipud", Program.directory + "/quipud"] + places,
            environment: environment.merging(more) { $1 }, log: directory("quipud.log"))
        try waitUntil("quipud answers") { (try? ask("health")) != nil }
    }

    public func startAgent(
        _ extra: [String] = [], environment more: [String: String] = [:]
    ) throws {
        let globs = watch.flatMap { ["--watch", logs + "/" + $0] }
        agent = try Program(
            "quipu-agent", places + globs + extra,
            environment: environment.merging(more) { $1 }, log: directory("agent.log"))
        // Its last socket is bound by then.
        try waitUntil("quipu-agent receives") {
            agent?.log.contains("ready:") == true
                && (try? DatagramSender(path: metricsSocket)) != nil
        }
    }

    public func start() throws {
        try startDaemon()
        try startAgent()
    }

    public func stop() {
        agent?.stop()
        daemon?.stop()
    }

    deinit {
        agent?.kill9()
        daemon?.kill9()
    }

    // MARK: Asking

    @discardableResult
    public func ask(_ method: String, _ params: JSON = [:]) throws -> JSON {
        let seconds = Double(Client.timeoutSecondsDefault) * Patience.factor
        var client = try Client(path: querySocket, timeoutSeconds: Int(seconds))
        return try client.call(method, params).result
    }

    /// All events that match, page by page.
    public func allEvents(_ params: [JSON.Member] = []) throws -> [JSON] {
        var events: [JSON] = []
        var cursor: JSON?
        repeat {
            var members =
                params + [
                    JSON.Member("limit", .int(Int64(Limits.rowsPerReplyMax))),
                    JSON.Member("since", "2000-01-01T00:00:00Z"), JSON.Member("order", "asc"),
                ]
            if let cursor { members.append(JSON.Member("cursor", cursor)) }
            let page = try ask("events.query", .object(members))
            events += page["events"]?.array ?? []
            cursor = page["next_cursor"]
        } while cursor != nil
        return events
    }

    /// Waits until nothing is on its way and as many lines have been received as expected.
    public func waitForLines(_ count: Int64) throws {
        try waitUntil("\(count) lines are in the ledger") {
            guard let ledger = try? ask("ledger"), let total = ledger["total"] else {
                return false
            }
            return (total["received"]?.int ?? 0) >= count
        }
    }

    /// Asks again and again until it is so. There is no event to await across processes.
    public func waitUntil(_ what: String, _ condition: () -> Bool) throws {
        let deadline = Date().addingTimeInterval(Self.patienceSeconds)
        while !condition() {
            guard Date() < deadline else {
                throw Timeout(
                    what: what, daemon: daemon?.log ?? "not started", agent: agent?.log ?? "")
            }
            usleep(20_000)
        }
    }

    /// Lets a random while pass, so that what follows hits the processes at a moment nobody chose.
    public func pass(microseconds: UInt32) { usleep(microseconds) }

    public struct Timeout: Error, CustomStringConvertible {
        let what, daemon, agent: String
        public var description: String {
            "waited in vain: \(what)\n--- quipud\n\(daemon)\n--- quipu-agent\n\(agent)"
        }
    }

    // MARK: Feeding

    public func append(_ text: String, to name: String) throws {
        let path = logs + "/" + name
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw POSIXError(.EIO) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw POSIXError(.EIO) }
    }

    public func send(_ datagram: String) throws {
        let sender = try DatagramSender(path: metricsSocket)
        try sender.send(Array(datagram.utf8))
    }
}
