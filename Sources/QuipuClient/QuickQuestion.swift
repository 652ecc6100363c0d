import Platform
internal import QuipuModel
public import QuipuProtocol

/// Asks the daemon within a short time, or does without: for programs whose caller waits for their
/// end, such as a hook or a status line.
public struct QuickQuestion: Sendable {
    private let path: String
    private let patienceMs: Int64

    /// - Parameter patienceMs: 10 minutes count as all that is longer, 0 as what is negative.
    public init(querySocket: String, patienceMs: Int64) {
        path = querySocket
        self.patienceMs = min(max(patienceMs, 0), 600_000)
    }

    /// The results in the order of the questions; null where one was refused. Nil when the daemon
    /// is away or too slow.
    public func ask(_ questions: [(method: QuipuProtocol.Method, params: JSON)]) -> [JSON]? {
        let deadline = MonotonicClock.microseconds() + patienceMs * 1_000
        let requests = questions.enumerated().map { index, question in
            Request(
                id: .int(Int64(index)), method: question.method.rawValue, params: question.params
            ).json
        }
        do throws(SystemError) {
            let line = try exchange(JSON.array(requests).bytes + [0x0a], deadline)
            guard let line, let replies = try? JSON.parse(line).array else { return nil }
            return questions.indices.map { index in
                let reply = replies.first { $0["id"] == .int(Int64(index)) }
                return reply?["result"] ?? .null
            }
        } catch {
            return nil
        }
    }

    /// One line for one line; nil when the time is over or the connection is.
    private func exchange(_ bytes: [UInt8], _ deadline: Int64) throws(SystemError) -> [UInt8]? {
        let socket = try UnixSocket.connect(to: path, kind: .stream, nonBlocking: true)
        var poller = try Poller(eventsPerWait: 1)
        try poller.add(socket.raw, .read, token: 0)
        let sent = bytes.withUnsafeBytes { all in
            Result { () throws(SystemError) in try socket.send(all) }
        }
        // A connection's buffer holds a few questions; what it does not hold is no quick one.
        guard try sent.get() == bytes.count else { return nil }
        var reply = LineBuffer()
        while true {
            let leftMs = (deadline - MonotonicClock.microseconds() + 999) / 1_000
            guard leftMs > 0, reply.pendingCount <= Limits.replyBytesMax else { return nil }
            var isReady = false
            try poller.wait(milliseconds: Int32(clamping: leftMs)) { _ in isReady = true }
            guard isReady else { continue }
            if try reply.read(from: socket) == 0 { return nil }
            if let line = reply.next() { return line }
        }
    }
}
