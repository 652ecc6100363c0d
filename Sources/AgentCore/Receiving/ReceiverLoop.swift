import Platform
import QuipuModel

/// The receiver's thread: one epoll over the listeners and their connections.
struct ReceiverLoop: ~Copyable {
    private enum Wait {
        /// How soon what failed for want of room or descriptors is tried again.
        static let retryMs: Int32 = 250
        /// How soon the memory of a burst is given back.
        static let releaseMs: Int32 = 1_000
        /// How often connections are looked at that are in the middle of a line, at most.
        static let halfSentMs: Int32 = 1_000
        /// How long the open segment may lie, all acknowledged, before it is ended.
        static let idleSegmentMs: Int32 = 60_000
    }

    /// Calls of `recvmmsg` for one socket before the others have their turn.
    private static let receivesPerTurn = 16
    /// UDP is left alone for so long after a turn that brought fewer than that.
    private static let restMicroseconds: Int64 = 1_000
    private static let restBelow = 32
    /// Calls for one socket at the end, so that a flood can't keep the agent from stopping.
    private static let receivesAtEnd = 1_024
    private static let stopToken = UInt64.max

    let receiver: Receiver
    private var poller: Poller
    private var events: [Poller.Event] = []
    /// By token; the listeners' tokens are their indices, these come after them.
    var connections: [UInt64: StreamConnection] = [:]
    private var nextToken: UInt64
    /// Listeners that failed, out of the poller until the next retry.
    private var paused: Set<Int> = []
    /// Something came since memory was last given back.
    private var isWarm = false
    private var lastRetry: Int64 = 0
    /// Listeners that are left alone for a moment.
    private var resting: [Int] = []
    private var restEnds: Int64 = 0
    private var nextHalfSentLook: Int64 = 0

    var spool: Spool { receiver.spool }
    var landing: Landing { receiver.spool.landing }

    init(_ receiver: Receiver) throws(SystemError) {
        let poller = try Poller()
        try poller.add(receiver.stopSignal.raw, .read, token: Self.stopToken)
        for (index, listener) in receiver.listeners.enumerated() {
            try poller.add(listener.descriptor.raw, .read, token: UInt64(index))
        }
        self.poller = poller
        self.receiver = receiver
        nextToken = UInt64(receiver.listeners.count)
    }

    mutating func run() throws(SystemError) {
        while true {
            var ready = events
            events = []
            ready.removeAll(keepingCapacity: true)
            try poller.wait(milliseconds: waitMs) { ready.append($0) }
            for event in ready {
                if event.token == Self.stopToken { return drain() }
                handle(event)
            }
            if ready.isEmpty, resting.isEmpty { rest() }
            if !resting.isEmpty { endRest() }
            if needsRetry { retryWhenDue() }
            if !connections.isEmpty { lookForHalfSent() }
            events = ready
        }
    }

    private var waitMs: Int32 {
        if !resting.isEmpty { return 1 }
        if needsRetry { return Wait.retryMs }
        if hasHalfSent { return halfSentLookMs }
        return isWarm ? Wait.releaseMs : Wait.idleSegmentMs
    }

    private var halfSentLookMs: Int32 { min(Wait.halfSentMs, Int32(receiver.halfSentMsMax)) }

    private mutating func lookForHalfSent() {
        let now = MonotonicClock.microseconds()
        guard now >= nextHalfSentLook else { return }
        nextHalfSentLook = now + Int64(halfSentLookMs) * 1_000
        closeHalfSent()
    }

    private mutating func handle(_ event: Poller.Event) {
        isWarm = true
        if event.token >= UInt64(receiver.listeners.count) {
            read(event.token)
            return
        }
        let index = Int(event.token)
        switch receiver.listeners[index].kind {
        case .datagrams: receive(index, calls: Self.receivesPerTurn)
        case .udp: if receive(index, calls: Self.receivesPerTurn) < Self.restBelow { rest(index) }
        case .streams: accept(index)
        }
    }

    // MARK: Datagrams

    /// How many datagrams there were.
    @discardableResult
    private mutating func receive(_ index: Int, calls: Int) -> Int {
        var total = 0
        let listener = receiver.listeners[index]
        for _ in 0..<calls {
            landing.arm(arrival: .now, dialect: listener.dialect)
            let received = landing.receive(from: listener.descriptor.raw)
            let count = received.datagrams
            if count > 0 {
                total += count
                let bytes = landing.receivedBytes(count)
                spool.append()
                receiver.note {
                    $0.datagrams += UInt64(count)
                    $0.datagramBytes += bytes
                }
            }
            if let failure = received.failure { pause(index, after: failure) }
            if count < Landing.slots { return total }
        }
        return total
    }

    /// Leaves a listener alone until more has come.
    private mutating func rest(_ index: Int) {
        let raw = receiver.listeners[index].descriptor.raw
        guard (try? poller.change(raw, [], token: UInt64(index))) != nil else { return }
        if resting.isEmpty { restEnds = MonotonicClock.microseconds() + Self.restMicroseconds }
        resting.append(index)
    }

    private mutating func endRest() {
        guard MonotonicClock.microseconds() >= restEnds else { return }
        for index in resting {
            let raw = receiver.listeners[index].descriptor.raw
            do {
                try poller.change(raw, .read, token: UInt64(index))
            } catch {
                pause(index, after: error)
            }
        }
        resting.removeAll(keepingCapacity: true)
    }

    // MARK: Connections

    private mutating func accept(_ index: Int) {
        let listener = receiver.listeners[index]
        do {
            while let descriptor = try UnixSocket.accept(on: listener.descriptor.raw) {
                let user = try PeerCredentials(of: descriptor.raw).userID
                guard connections.count < receiver.connectionsMax, hasRoom(user) else {
                    receiver.note { $0.connectionsRefused += 1 }
                    continue
                }
                let token = nextToken
                try poller.add(descriptor.raw, .read, token: token)
                nextToken += 1
                connections[token] = StreamConnection(
                    descriptor, user: user, dialect: listener.dialect)
            }
        } catch {
            pause(index, after: error)
        }
        noteConnections()
    }

    /// One user cannot keep all others out.
    private func hasRoom(_ user: UInt32) -> Bool {
        connections.values.count { $0.user == user } < receiver.connectionsPerUserMax
    }

    mutating func close(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        poller.remove(connection.descriptor.raw)
        noteConnections()
    }

    private func noteConnections() {
        let count = connections.count
        receiver.note { $0.connections = count }
    }

    // MARK: Failure and rest

    /// Leaves a listener alone for a moment, so that a lasting error does not spin.
    private mutating func pause(_ index: Int, after failure: SystemError) {
        receiver.note {
            $0.failures += 1
            $0.lastFailure = failure
        }
        if paused.insert(index).inserted {
            poller.remove(receiver.listeners[index].descriptor.raw)
        }
    }

    private var needsRetry: Bool { !paused.isEmpty || spool.hasUntoldLosses }

    private mutating func retryWhenDue() {
        let now = MonotonicClock.microseconds()
        guard now - lastRetry >= Int64(Wait.retryMs) * 1_000 else { return }
        lastRetry = now
        spool.tellLosses()
        for index in paused {
            let raw = receiver.listeners[index].descriptor.raw
            do {
                try poller.add(raw, .read, token: UInt64(index))
                paused.remove(index)
            } catch {
                receiver.note { $0.lastFailure = error }
            }
        }
    }

    /// What is done when nothing came for a while.
    private mutating func rest() {
        if isWarm { landing.releaseResidentPages() }
        isWarm = false
        spool.sealIfIdle(microseconds: Int64(Wait.idleSegmentMs) * 1_000)
    }

    /// Takes what the kernel still holds.
    private mutating func drain() {
        for (index, listener) in receiver.listeners.enumerated() {
            switch listener.kind {
            case .datagrams, .udp: receive(index, calls: Self.receivesAtEnd)
            case .streams: accept(index)
            }
        }
        for token in connections.keys { drain(token) }
        spool.tellLosses()
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds()) }
}
