public import Platform
import QuipuModel

/// Hands one line to the agent within a short time, or not at all: for programs that exist to do
/// just this, such as a hook, and whose caller waits for their end.
public struct OneShot: Sendable {
    private let metricsSocket: String
    private let statsdSocket: String
    private let patienceMs: Int64

    /// - Parameters:
    ///   - statsdSocket: For lines that are longer than a datagram.
    ///   - patienceMs: How long to wait at most while the agent's queue is full.
    public init(metricsSocket: String, statsdSocket: String, patienceMs: Int64 = 250) {
        self.metricsSocket = metricsSocket
        self.statsdSocket = statsdSocket
        self.patienceMs = patienceMs
    }

    /// `line` without its newline.
    public func send(_ line: [UInt8]) throws(SystemError) {
        let deadline = MonotonicClock.microseconds() + patienceMs * 1_000
        if line.count <= Limits.datagramBytesMax {
            do throws(SystemError) {
                return try send(line, to: metricsSocket, .datagram, deadline)
            } catch {
                // The kernel's own bound may be lower.
                guard error.isTooLong else { throw error }
            }
        }
        try send(line + [0x0a], to: statsdSocket, .stream, deadline)
    }

    private func send(
        _ bytes: [UInt8], to path: String, _ kind: UnixSocket.Kind, _ deadline: Int64
    ) throws(SystemError) {
        let socket = try UnixSocket.connect(to: path, kind: kind, nonBlocking: true)
        var position = 0
        while position < bytes.count {
            let sent = bytes.withUnsafeBytes { all in
                Result { () throws(SystemError) in
                    try socket.send(UnsafeRawBufferPointer(rebasing: all[position...]))
                }
            }
            switch sent {
            case .success(let count): position += count
            case .failure(let error):
                guard error.isQueueFull, try waitForRoom(socket, deadline) else { throw error }
            }
        }
    }

    /// False when the time is over.
    private func waitForRoom(
        _ socket: borrowing OwnedDescriptor, _ deadline: Int64
    ) throws(SystemError) -> Bool {
        let leftMs = (deadline - MonotonicClock.microseconds() + 999) / 1_000
        guard leftMs > 0 else { return false }
        var poller = try Poller(eventsPerWait: 1)
        try poller.add(socket.raw, .write, token: 0)
        try poller.wait(milliseconds: Int32(clamping: leftMs)) { _ in }
        return true
    }
}

extension OwnedDescriptor {
    /// Reads to the end and keeps the first `bytesMax`, so that who writes is not cut off.
    public func readAll(bytesMax: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        var count = 0
        while true {
            if count >= bytesMax { count = bytesMax }
            if count == bytes.count {
                bytes.append(contentsOf: repeatElement(0, count: bytes.count))
            }
            let outcome = bytes.withUnsafeMutableBytes { all in
                Result { () throws(SystemError) in
                    try read(into: UnsafeMutableRawBufferPointer(rebasing: all[count...]))
                }
            }
            let more = try outcome.get()
            if more == 0 { break }
            count += more
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
