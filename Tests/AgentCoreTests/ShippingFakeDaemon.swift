import Platform
import QuipuModel
import QuipuProtocol

@testable import AgentCore

/// Speaks `protocol/ingest.md` over a real socket and keeps what it commits. Driven by the test, on
/// its thread: nothing happens but in `serve`. Its accounts outlive its connections, as a database
/// does.
final class FakeDaemon {
    struct Account {
        var identity: SourceIdentity
        var incarnation: Int64 = 1
        var position: UInt64 = 0
        var head: SourceHead?
        var content: [UInt8] = []
        var finished = false
        var lostBytes: Int64 = 0
        var restarts: [String] = []
        var skipped: [Range<Int64>] = []
    }

    /// What goes wrong next; each is done once and then forgotten.
    enum Fault: Equatable {
        /// The connection ends before the request is committed.
        case dropBeforeCommit
        /// The connection ends after the commit, before the answer.
        case dropAfterCommit
        /// Another agent was faster: the position is wrong although nothing was lost.
        case refuse
        case failure
        case forgetSource
    }

    private(set) var accounts: [Account] = []
    var faults: [Fault] = []
    var isDurable = true
    /// Requests are read and not answered.
    var isSilent = false
    private(set) var violations: [String] = []
    private(set) var largestBatch = 0
    private(set) var methods: [String] = []
    private var listener: Listening?
    private var connection: Connection?
    private let path: String

    private final class Listening {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private final class Connection {
        let descriptor: OwnedDescriptor
        var input: [UInt8] = []
        var start = 0
        var silenced: [[UInt8]] = []
        /// Ids differ from connection to connection, so that a stale one shows.
        var ids: [Int64: Int] = [:]

        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    init(path: String) throws {
        self.path = path
        try listen()
    }

    func listen() throws {
        listener = Listening(try UnixSocket.listen(at: path, kind: .stream, mode: 0o600))
    }

    /// As if the process had died: no socket, no connection.
    func stop() {
        listener = nil
        connection = nil
    }

    func disconnect() { connection = nil }

    /// Answers what came while it was silent.
    func speak() throws {
        isSilent = false
        for answer in connection?.silenced ?? [] { try send(answer) }
        connection?.silenced = []
    }

    var lines: [String] {
        accounts.filter { $0.identity.kind == .file }.flatMap { account in
            account.content.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    func account(_ suffix: String) -> Account? {
        accounts.last { $0.identity.path.hasSuffix(suffix) }
    }

    /// Takes and answers what there is; false when there was nothing.
    func serve() throws -> Bool {
        if let listener, let descriptor = try UnixSocket.accept(on: listener.descriptor.raw) {
            connection = Connection(descriptor)
        }
        guard let connection else { return false }
        var room = [UInt8](repeating: 0, count: 256 << 10)
        var isOpen = true
        var count = 0
        do {
            count = try room.withUnsafeMutableBytes { try connection.descriptor.read(into: $0) }
            isOpen = count > 0
        } catch let error as SystemError where error.isWouldBlock {
            return false
        }
        connection.input.append(contentsOf: room.prefix(count))
        while self.connection === connection, try takeRequest(connection) {}
        if !isOpen, self.connection === connection { self.connection = nil }
        return true
    }

    private func takeRequest(_ connection: Connection) throws -> Bool {
        let rest = connection.input[connection.start...]
        guard let end = rest.firstIndex(of: 0x0a) else { return false }
        let request = try JSON.parse(rest[..<end])
        let params = request["params"] ?? .null
        let bytes = Int(params["bytes"]?.int ?? 0)
        let bodyEnd = end + 1 + bytes
        guard connection.input.count >= bodyEnd else { return false }
        let body = Array(connection.input[(end + 1)..<bodyEnd])
        connection.start = bodyEnd
        if connection.start > 4 << 20 {
            connection.input.removeFirst(connection.start)
            connection.start = 0
        }
        try handle(request, params, body, connection)
        return true
    }

    private func handle(
        _ request: JSON, _ params: JSON, _ body: [UInt8], _ connection: Connection
    ) throws {
        let method = request["method"]?.string ?? ""
        methods.append(method)
        let fault = faults.isEmpty || method == "ingest.open" ? nil : faults.removeFirst()
        if fault == .dropBeforeCommit { return disconnect() }
        let answer: JSON
        switch (method, fault) {
        case ("ingest.open", _): answer = open(params, connection)
        case (_, .failure?): answer = error(-32005, "unavailable", nil)
        case (_, .forgetSource?): answer = error(-32001, "not_found", nil)
        case (_, .refuse?): answer = refusal(params, connection)
        default: answer = advance(method, params, body, connection)
        }
        if fault == .dropAfterCommit { return disconnect() }
        var reply: [JSON.Member] = [.init("jsonrpc", "2.0"), .init("id", request["id"] ?? .null)]
        reply += answer.members ?? []
        let line = JSON.object(reply).bytes + [0x0a]
        if isSilent { connection.silenced.append(line) } else { try send(line) }
    }

    private func send(_ line: [UInt8]) throws {
        _ = try line.withUnsafeBytes { try connection?.descriptor.send($0) }
    }

    private func error(_ code: Int64, _ reason: String, _ position: UInt64?) -> JSON {
        var data: [JSON.Member] = [.init("reason", .string(reason))]
        if let position { data.append(.init("position", .int(Int64(position)))) }
        return ["error": ["code": .int(code), "message": "no", "data": .object(data)]]
    }

    private func open(_ params: JSON, _ connection: Connection) -> JSON {
        let source = params["source"] ?? .null
        let identity = SourceIdentity(
            host: source["host"]?.string ?? "",
            kind: source["kind"]?.string.flatMap { SourceKind(rawValue: $0) } ?? .file,
            key: SourceKey.lasting(source["key"]?.string ?? ""), path: source["path"]?.string ?? "",
            formerKey: source["former_key"]?.string)
        var index = accounts.firstIndex { $0.identity.key == identity.key } ?? -1
        if index < 0, let former = identity.formerKey {
            index = accounts.firstIndex { $0.identity.key == former } ?? -1
        }
        if index >= 0 { accounts[index].identity = identity }
        if index < 0 {
            index = accounts.count
            accounts.append(Account(identity: identity))
        }
        if let restart = params["restart"] {
            accounts[index].incarnation += 1
            accounts[index].position = 0
            accounts[index].head = nil
            accounts[index].lostBytes += restart["lost_bytes"]?.int ?? 0
            accounts[index].restarts.append(restart["cause"]?.string ?? "")
        }
        let id = Int64(connection.ids.count + 100 * (accounts.count + 1))
        connection.ids[id] = index
        let account = accounts[index]
        let head: JSON = account.head.map { $0.json } ?? .null
        return [
            "result": [
                "source_id": .int(id), "incarnation": .int(account.incarnation),
                "position": .int(Int64(account.position)), "head": head,
            ]
        ]
    }

    private func refusal(_ params: JSON, _ connection: Connection) -> JSON {
        let index = connection.ids[params["source_id"]?.int ?? 0] ?? 0
        return error(-32602, "wrong_position", accounts[index].position)
    }

    private func advance(
        _ method: String, _ params: JSON, _ body: [UInt8], _ connection: Connection
    ) -> JSON {
        guard let index = connection.ids[params["source_id"]?.int ?? 0],
            let from = params["from"]?.int, let to = params["to"]?.int
        else { return error(-32001, "not_found", nil) }
        guard UInt64(from) == accounts[index].position else { return refusal(params, connection) }
        // Saying the end again is all that is left to an agent that never heard the answer.
        let saysEndAgain = from == to && params["finished"] == true
        if accounts[index].finished, !saysEndAgain { violations.append("something after finished") }
        if method == "ingest.skip" {
            accounts[index].skipped.append(from..<to)
            if params["lost"] != nil { accounts[index].lostBytes += to - from }
        } else {
            if to - from != Int64(body.count) { violations.append("bytes are not to - from") }
            let isLast = params["finished"] == true
            if accounts[index].identity.kind == .file, let last = body.last, last != 0x0a, !isLast {
                violations.append("a batch ends within a line")
            }
            largestBatch = max(largestBatch, body.count)
            accounts[index].content += body
            if let head = params["head"].flatMap({ SourceHead(json: $0) }) {
                accounts[index].head = head
            }
            if isLast { accounts[index].finished = true }
        }
        accounts[index].position = UInt64(to)
        return ["result": ["position": .int(to), "durable": .bool(isDurable)]]
    }
}
