import Foundation
import Platform
import QuipuProtocol
import Synchronization

/// Answers on `query.sock` with what a test gave it, and keeps what it was asked.
final class FakeDaemon: Sendable {
    private struct State {
        var answers: [String: [String]]
        var requests: [JSON] = []
        var isStopped = false
    }

    private let state: Mutex<State>
    private let path: String

    /// - Parameter answers: by method, the lines to write: `$ID` stands for the request's id. A
    ///   line that
    ///   is `close` closes the connection.
    init(at path: String, answers: [String: [String]]) throws {
        self.path = path
        state = Mutex(State(answers: answers))
        let listener = try UnixSocket.listen(at: path, kind: .stream, mode: 0o600).release()
        Thread.detachNewThread { [self] in
            serve(OwnedDescriptor(owning: listener))
        }
    }

    var requests: [JSON] { state.withLock { $0.requests } }

    func stop() { state.withLock { $0.isStopped = true } }

    private func serve(_ listener: consuming OwnedDescriptor) {
        guard var poller = try? Poller(eventsPerWait: 1) else { return }
        try? poller.add(listener.raw, .read, token: 0)
        while !state.withLock({ $0.isStopped }) {
            try? poller.wait(milliseconds: 50) { _ in }
            while let connection = (try? UnixSocket.accept(on: listener.raw)) ?? nil {
                converse(connection)
            }
        }
    }

    private func converse(_ connection: consuming OwnedDescriptor) {
        guard var poller = try? Poller(eventsPerWait: 1) else { return }
        try? poller.add(connection.raw, .read, token: 0)
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while !state.withLock({ $0.isStopped }) {
            var isReady = false
            try? poller.wait(milliseconds: 50) { _ in isReady = true }
            guard isReady else { continue }
            let count = chunk.withUnsafeMutableBytes { (try? connection.read(into: $0)) ?? 0 }
            guard count > 0 else { return }
            pending += chunk[..<count]
            while let end = pending.firstIndex(of: 0x0a) {
                let line = Array(pending[..<end])
                pending.removeSubrange(...end)
                guard answer(line, on: connection) else { return }
            }
        }
    }

    /// False when the connection is to be closed.
    private func answer(_ line: [UInt8], on connection: borrowing OwnedDescriptor) -> Bool {
        guard let request = try? JSON.parse(line) else { return false }
        let lines = state.withLock { state in
            state.requests.append(request)
            return state.answers[request["method"]?.string ?? ""] ?? ["close"]
        }
        for line in lines {
            if line == "close" { return false }
            let id = request["id"]?.text ?? "null"
            let bytes = Array((line.replacing("$ID", with: id) + "\n").utf8)
            _ = bytes.withUnsafeBytes { try? connection.send($0) }
        }
        return true
    }

    deinit { stop() }
}

/// What the examples of `protocol/` answer.
enum Canned {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "protocol/examples/valid")

    static func result(_ name: String) throws -> JSON {
        let data = try Data(contentsOf: folder.appending(path: name + ".json"))
        return try JSON.parse([UInt8](data), nestingMax: 256)["reply"]?["result"] ?? .null
    }

    static func reply(_ name: String) throws -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":\(try result(name).text)}"
    }

    /// One example for each method.
    static func answers() throws -> [String: [String]] {
        var answers: [String: [String]] = [:]
        for name in [
            "rpc.discover/all", "health/well", "stats/busy", "ledger/one_source",
            "events.query/page", "events.summary/by_provider", "sessions.list/recent",
            "sessions.get/one", "tools.stats/all", "errors.list/recent", "metrics.list/pattern",
            "metrics.query/chart", "subscribe/events", "files.list/edited",
            "costs.summary/by_day", "costs.blocks/active", "costs.reconcile/partial_row",
            "limits.list/all", "limits.set/day", "limits.check/warned", "prices.list/some",
            "prices.set/unpriced",
            "metrics.query/chart", "subscribe/events", "tasks.list/failed_ones", "tasks.get/one",
            "tasks.activity/newest", "tasks.put/completes", "documents.list/by_provider",
            "documents.get/one", "documents.search/phrase", "documents.put/architecture",
            "documents.delete/one", "overview/day",
        ] {
            answers[String(name.prefix { $0 != "/" })] = [try reply(name)]
        }
        return answers
    }
}
