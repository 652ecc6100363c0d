import Platform
import QuipuModel

/// A client of a stream listener.
final class StreamConnection {
    let descriptor: OwnedDescriptor
    let user: UInt32
    let dialect: Dialect
    var framing = StreamFraming()
    /// Since when nothing came in the middle of a line or packet, monotonic milliseconds.
    var halfSentSinceMs: Int64?

    init(_ descriptor: consuming OwnedDescriptor, user: UInt32, dialect: Dialect) {
        self.descriptor = descriptor
        self.user = user
        self.dialect = dialect
    }
}

// Bytes of a stream go through the landing like datagrams do, but only from when they are cut into
// lines: a kill between a read and that loses them, as it loses the connection.
extension ReceiverLoop {
    private enum ReadOutcome {
        case some
        case nothing
        case ended
    }

    /// Reads from the end of a stopping agent take this many turns at most.
    private static let readsAtEnd = 64

    mutating func read(_ token: UInt64) {
        guard let connection = connections[token] else { return }
        if readOnce(connection) == .ended { close(token) }
    }

    /// Takes what the kernel still holds for a connection, and ends it.
    mutating func drain(_ token: UInt64) {
        guard let connection = connections[token] else { return }
        var outcome = ReadOutcome.some
        for _ in 0..<Self.readsAtEnd where outcome == .some { outcome = readOnce(connection) }
        if outcome != .ended { finish(connection, .broken) }
        close(token)
    }

    /// Closes connections that stay in the middle of something: whoever sends no more must not hold
    /// a place and memory for ever.
    mutating func closeHalfSent() {
        let nowMs = MonotonicClock.microseconds() / 1_000
        for (token, connection) in connections {
            guard let sinceMs = connection.halfSentSinceMs,
                nowMs - sinceMs >= Int64(receiver.halfSentMsMax)
            else { continue }
            finish(connection, .broken)
            close(token)
        }
    }

    var hasHalfSent: Bool { connections.values.contains { $0.halfSentSinceMs != nil } }

    private func readOnce(_ connection: StreamConnection) -> ReadOutcome {
        landing.arm(arrival: .now, dialect: connection.dialect)
        let buffer = landing.streamBuffer
        connection.framing.lineBytesMax = lineBytesMax(for: connection)
        let held = connection.framing.begin(buffer)
        let free = UnsafeMutableRawBufferPointer(
            rebasing: buffer[held..<connection.framing.capacity])
        let count: Int
        do {
            count = try connection.descriptor.read(into: free)
        } catch {
            if error.isWouldBlock { return .nothing }
            finish(connection, .broken)
            return .ended
        }
        if count == 0 {
            finish(connection, .closed)
            return .ended
        }
        deliver(connection.framing.cut(buffer, count: held + count))
        connection.halfSentSinceMs =
            connection.framing.isHalfSent ? MonotonicClock.microseconds() / 1_000 : nil
        receiver.note {
            $0.streamReads += 1
            $0.streamBytes += UInt64(count)
        }
        return .some
    }

    /// Long lines have one purse: a few clients may have some under way, not all of them at once.
    private func lineBytesMax(for connection: StreamConnection) -> Int {
        var held = 0
        for other in connections.values where other !== connection {
            held += max(other.framing.heldBytes - Limits.datagramBytesMax, 0)
        }
        return held + Limits.streamLineBytesMax <= Limits.streamHeldBytesMax
            ? Limits.streamLineBytesMax : Limits.datagramBytesMax
    }

    private func finish(_ connection: StreamConnection, _ end: StreamFraming.End) {
        landing.arm(arrival: .now, dialect: connection.dialect)
        deliver(connection.framing.finish(landing.streamBuffer, end))
    }

    /// Appends the payload at the beginning of the landing's buffer, and what was lost on the way
    /// to it.
    private func deliver(_ cut: StreamFraming.Cut) {
        guard cut != StreamFraming.Cut() else { return }
        var losses = Losses()
        losses.add(.datagramTooLong, datagrams: cut.tooLong, lines: cut.tooLong)
        losses.add(.connectionCut, datagrams: cut.cutOff, lines: cut.cutOff)
        if cut.payloadBytes > 0 { landing.fill(cut.payloadBytes) }
        spool.append(refused: losses)
    }
}
