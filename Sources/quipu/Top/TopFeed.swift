import Platform
import QuipuClient
import QuipuModel
import Synchronization

/// Asks the daemon on a thread of its own, so that keys are heard while it is slow or away.
final class TopFeed: Sendable {
    /// Signalled for each answer.
    let answered: WakeUp
    private let asked: WakeUp
    private let socket: String
    private let results = Mutex<[Result<TopSample, ClientError>]>([])

    /// No query takes longer.
    private static let timeoutSeconds = Limits.queryMsMax / 1_000 + 1

    init(socket: String) throws(SystemError) {
        self.socket = socket
        answered = try WakeUp()
        asked = try WakeUp()
    }

    func start() throws(SystemError) {
        try Threads.start(name: "asking") { [self] in run() }
    }

    func ask() { asked.signal() }

    /// The answers since the last time.
    func take() -> [Result<TopSample, ClientError>] {
        answered.clear()
        return results.withLock { results in
            defer { results = [] }
            return results
        }
    }

    private func run() {
        var client: Client?
        while waitForQuestion() {
            let result: Result<TopSample, ClientError>
            do throws(ClientError) {
                var connected = try connection(client.take())
                result = .success(try TopSample.take(asking: &connected))
                client = consume connected
            } catch {
                // The next question takes a connection of its own.
                result = .failure(error)
            }
            results.withLock { $0.append(result) }
            answered.signal()
        }
    }

    private func connection(_ held: consuming Client?) throws(ClientError) -> Client {
        if let client = consume held { return client }
        return try Client(path: socket, timeoutSeconds: TopFeed.timeoutSeconds)
    }

    private func waitForQuestion() -> Bool {
        do throws(SystemError) {
            var poller = try Poller(eventsPerWait: 1)
            try poller.add(asked.raw, .read, token: 0)
            var isAsked = false
            while !isAsked { try poller.wait(milliseconds: nil) { _ in isAsked = true } }
            asked.clear()
            return true
        } catch {
            results.withLock { $0.append(.failure(.system(error))) }
            answered.signal()
            return false
        }
    }
}
