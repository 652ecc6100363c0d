import Platform
import QuipuModel
public import QuipuProtocol

/// One connection to quipud's `query.sock`. Blocking: for command lines and threads of one's own.
public struct Client: ~Copyable {
    /// How long `call` waits for an answer, unless asked otherwise; a query itself ends within 5 s.
    public static let timeoutSecondsDefault = 30

    private let descriptor: OwnedDescriptor
    private var poller: Poller
    private var buffer = LineBuffer()
    private var lastID: Int64 = 0
    /// Notifications that came while a reply was awaited.
    private var early: [JSON] = []
    private let timeoutSeconds: Int

    public init(
        path: String, timeoutSeconds: Int = Client.timeoutSecondsDefault
    ) throws(ClientError) {
        self.timeoutSeconds = timeoutSeconds
        let connected = try Client.connect(path)
        poller = try Client.poller(watching: connected)
        descriptor = connected
    }

    private static func connect(_ path: String) throws(ClientError) -> OwnedDescriptor {
        do throws(SystemError) {
            return try UnixSocket.connect(to: path, kind: .stream)
        } catch {
            throw ClientError(connecting: error, to: path)
        }
    }

    private static func poller(
        watching descriptor: borrowing OwnedDescriptor
    ) throws(ClientError) -> Poller {
        do throws(SystemError) {
            let poller = try Poller(eventsPerWait: 1)
            try poller.add(descriptor.raw, .read, token: Token.socket)
            return poller
        } catch {
            throw .system(error)
        }
    }

    private enum Token {
        static let socket: UInt64 = 0
        static let output: UInt64 = 1
    }

    /// From now on whoever waits here fails with `unread` once nobody reads `output` any more: only
    /// the next write would tell, and that may be hours away. Files have readers always, and are
    /// not watched.
    public func endWhenUnread(output: Int32) { try? poller.add(output, [], token: Token.output) }

    /// Asks and waits for the answer.
    public mutating func call(
        _ method: QuipuProtocol.Method, _ params: JSON = [:]
    ) throws(ClientError) -> JSON {
        try call(method.rawValue, params).result
    }

    /// Asks and waits for the answer.
    public mutating func call(
        _ method: String, _ params: JSON = [:]
    ) throws(ClientError) -> Answer {
        lastID += 1
        try send(Request(id: .int(lastID), method: method, params: params).json)
        let deadline = MonotonicClock.microseconds() + Int64(timeoutSeconds) * 1_000_000
        while true {
            guard let line = try nextLine(deadline: deadline) else { throw .disconnected }
            let reply = try Client.parse(line)
            if reply["method"] == "notify" {
                early.append(reply)
                continue
            }
            // An answer without an id is an error that the daemon could not match to its request.
            guard reply["id"] == .int(lastID) || reply["id"] == .null else { continue }
            return try Answer(line: line, reply: reply)
        }
    }

    /// The next notification of this connection's subscriptions, as long as it takes; nil when the
    /// daemon closed the connection.
    public mutating func nextNotification() throws(ClientError) -> JSON? {
        while true {
            if !early.isEmpty { return early.removeFirst()["params"] ?? .null }
            guard let line = try nextLine(deadline: nil) else { return nil }
            let message = try Client.parse(line)
            if message["method"] == "notify" { return message["params"] ?? .null }
        }
    }

    // MARK: Lines

    private func send(_ request: JSON) throws(ClientError) {
        var bytes = request.bytes
        bytes.append(0x0a)
        let result = bytes.withUnsafeBytes { all in
            Result { () throws(SystemError) in
                var rest = all
                while !rest.isEmpty {
                    let count = try descriptor.send(rest)
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                }
            }
        }
        if case .failure(let error) = result { throw ClientError(onConnection: error) }
    }

    /// - Parameter deadline: of the monotonic clock; nil waits for ever.
    private mutating func nextLine(deadline: Int64?) throws(ClientError) -> [UInt8]? {
        while true {
            if let line = buffer.next() { return line }
            guard buffer.pendingCount <= Client.lineBytesMax else {
                throw .tooLong(bytesMax: Client.lineBytesMax)
            }
            let wake: Wake
            let count: Int
            do throws(SystemError) {
                wake = try wait(until: deadline)
                count = wake == .readable ? try buffer.read(from: descriptor) : 0
            } catch {
                throw ClientError(onConnection: error)
            }
            switch wake {
            case .readable: if count == 0 { return nil }
            case .late: throw .timeout(seconds: timeoutSeconds)
            case .unread: throw .unread
            }
        }
    }

    private enum Wake { case readable, late, unread }

    private mutating func wait(until deadline: Int64?) throws(SystemError) -> Wake {
        var wake: Wake?
        while true {
            if let wake { return wake }
            var milliseconds: Int32?
            if let deadline {
                let left = (deadline - MonotonicClock.microseconds() + 999) / 1_000
                guard left > 0 else { return .late }
                milliseconds = Int32(clamping: left)
            }
            try poller.wait(milliseconds: milliseconds) { event in
                wake = event.token == Token.output ? .unread : .readable
            }
        }
    }

    /// A reply's result is bounded; its envelope comes on top.
    private static let lineBytesMax = Limits.replyBytesMax + 4_096
    /// Attributes may nest as deep as log lines, inside of the reply's own levels.
    private static let nestingMax = Limits.lineNestingMax + 16

    private static func parse(_ line: [UInt8]) throws(ClientError) -> JSON {
        do throws(JSONError) {
            return try JSON.parse(line, nestingMax: nestingMax)
        } catch {
            throw .malformed(error.message)
        }
    }
}

/// The answer to one call.
public struct Answer: Sendable {
    public var result: JSON
    /// The result's bytes as the daemon wrote them.
    public var text: [UInt8]

    init(line: [UInt8], reply: JSON) throws(ClientError) {
        if let error = reply["error"] {
            guard let known = RPCError(json: error) else {
                throw .malformed("error \(error.text)")
            }
            throw .refused(known)
        }
        guard let result = reply["result"], let range = JSON.rangeOfMember("result", in: line)
        else { throw .malformed("a reply with neither result nor error") }
        self.result = result
        text = Array(line[range])
    }
}
