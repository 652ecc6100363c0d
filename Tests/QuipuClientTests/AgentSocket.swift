import Platform
import TestSupport

/// Stands in for the agent: a datagram socket, read on request.
struct AgentSocket: ~Copyable {
    private let socket: OwnedDescriptor

    init(at path: String) throws {
        socket = try UnixSocket.listen(at: path, kind: .datagram, mode: 0o600)
    }

    /// What waits in the queue now.
    func waiting() -> [String] {
        var datagrams: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while true {
            let count = buffer.withUnsafeMutableBytes { (try? socket.read(into: $0)) ?? 0 }
            if count == 0 { return datagrams }
            datagrams.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }

    /// Receives until so many lines are there; each datagram as its lines.
    func receive(lines wanted: Int) throws -> [[String]] {
        var poller = try Poller(eventsPerWait: 1)
        try poller.add(socket.raw, .read, token: 0)
        let deadline = MonotonicClock.microseconds() + 120_000_000
        var datagrams: [[String]] = []
        var count = 0
        while count < wanted, MonotonicClock.microseconds() < deadline {
            try poller.wait(milliseconds: 1_000) { _ in }
            for datagram in waiting() {
                let lines = datagram.split(separator: "\n", omittingEmptySubsequences: false)
                datagrams.append(lines.map(String.init))
                count += lines.count
            }
        }
        return datagrams
    }
}
