internal import NIOCore
internal import Platform
internal import QuipuModel
internal import Synchronization

/// A connection that the kernel has made and that nobody has read from yet.
struct AcceptedConnection: Sendable {
    /// Owned by whoever takes it.
    let descriptor: Int32
    let peer: PeerCredentials
}

/// Accepts connections on one listening socket, on a thread of its own: identity and limits are
/// settled before a byte is read. When the process is out of descriptors, who waits is turned away
/// with one kept for that, and accepting pauses rather than spins.
final class Acceptor: Sendable {
    enum Refusal: Sendable {
        case tooMany
        case tooManyOfUser
        case noDescriptors
    }

    private struct Counts {
        var total = 0
        var byUser: [UInt32: Int] = [:]
    }

    private let listener: Int32
    private let connectionsMax: Int
    private let connectionsPerUserMax: Int
    private let counts = Mutex(Counts())
    private let stopped = WakeUpBox()
    private let onRefusal: @Sendable (ByteBuffer) -> Void

    /// How long accepting rests when the process is out of descriptors.
    private static let exhaustedPauseMs: Int32 = 100
    private static let turnedAwayMax = 128

    /// `onRefusal` is given the line that somebody was turned away with.
    init(
        listener: Int32, connectionsMax: Int, connectionsPerUserMax: Int,
        onRefusal: @escaping @Sendable (ByteBuffer) -> Void
    ) {
        self.listener = listener
        self.connectionsMax = connectionsMax
        self.connectionsPerUserMax = connectionsPerUserMax
        self.onRefusal = onRefusal
    }

    var connectionCount: Int { counts.withLock { $0.total } }

    /// Connections as they come, until `stop`.
    func start(name: String) throws(SystemError) -> AsyncStream<AcceptedConnection> {
        let (stream, continuation) = AsyncStream<AcceptedConnection>.makeStream()
        let wake = try WakeUp()
        stopped.set(wake)
        try Threads.start(name: name) { [self] in
            run(wake: wake, into: continuation)
            continuation.finish()
        }
        return stream
    }

    func stop() { stopped.signal() }

    /// Must be called once for each connection, when it has been closed.
    func release(_ connection: AcceptedConnection) {
        counts.withLock { counts in
            counts.total -= 1
            let rest = counts.byUser[connection.peer.userID, default: 1] - 1
            counts.byUser[connection.peer.userID] = rest == 0 ? nil : rest
        }
    }

    private func run(
        wake: WakeUp, into continuation: AsyncStream<AcceptedConnection>.Continuation
    ) {
        guard var poller = try? Poller() else { return }
        guard (try? poller.add(wake.raw, .read, token: 0)) != nil,
            (try? poller.add(listener, .read, token: 1)) != nil
        else { return }
        var isStopping = false
        var isExhausted = false
        var spare = SpareDescriptor()
        while !isStopping {
            var ready = false
            let timeout: Int32? = isExhausted ? Self.exhaustedPauseMs : nil
            _ = try? poller.wait(milliseconds: timeout) { event in
                if event.token == 0 { isStopping = true } else { ready = true }
            }
            if isExhausted {
                isExhausted = (try? poller.add(listener, .read, token: 1)) == nil
                continue
            }
            if ready, !isStopping, !acceptAll(into: continuation) {
                turnAway(&spare)
                poller.remove(listener)
                isExhausted = true
            }
        }
    }

    /// Answers those who wait, as many as come before the pause, when nobody can be let in.
    private func turnAway(_ spare: inout SpareDescriptor) {
        for _ in 0..<Self.turnedAwayMax {
            spare.give()
            guard case .some(.some(let descriptor)) = try? UnixSocket.accept(on: listener) else {
                break
            }
            refuse(descriptor, .noDescriptors)
        }
        spare.restore()
    }

    /// False when the process is out of descriptors.
    private func acceptAll(
        into continuation: AsyncStream<AcceptedConnection>.Continuation
    ) -> Bool {
        do {
            while let descriptor = try UnixSocket.accept(on: listener) {
                let peer = try PeerCredentials(of: descriptor.raw)
                if let refusal = admit(peer) {
                    refuse(descriptor, refusal)
                    continue
                }
                continuation.yield(
                    AcceptedConnection(descriptor: descriptor.release(), peer: peer))
            }
            return true
        } catch {
            return false
        }
    }

    private func admit(_ peer: PeerCredentials) -> Refusal? {
        counts.withLock { counts in
            if counts.total >= connectionsMax { return .tooMany }
            let ofUser = counts.byUser[peer.userID, default: 0]
            if ofUser >= connectionsPerUserMax { return .tooManyOfUser }
            counts.total += 1
            counts.byUser[peer.userID] = ofUser + 1
            return nil
        }
    }

    private func refuse(_ descriptor: borrowing OwnedDescriptor, _ refusal: Refusal) {
        let hint =
            switch refusal {
            case .tooMany: "\(connectionsMax) connections are open"
            case .tooManyOfUser: "\(connectionsPerUserMax) connections of this user are open"
            case .noDescriptors: "the daemon is out of descriptors"
            }
        let line = Replies.overloaded(hint: hint)
        onRefusal(line)
        line.withUnsafeReadableBytes { bytes in _ = try? descriptor.send(bytes) }
    }
}

/// A wake-up that may be signalled before it exists.
private final class WakeUpBox: Sendable {
    private struct State {
        var wake: WakeUp?
        var isSignalled = false
    }

    private let state = Mutex(State())

    func set(_ wake: WakeUp) {
        let isSignalled = state.withLock { state in
            state.wake = wake
            return state.isSignalled
        }
        if isSignalled { wake.signal() }
    }

    func signal() {
        let wake = state.withLock { state in
            state.isSignalled = true
            return state.wake
        }
        wake?.signal()
    }
}
