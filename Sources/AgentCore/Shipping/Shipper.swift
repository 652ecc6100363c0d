import QuipuModel

/// Names a source inside the agent; never given twice.
package struct SourceToken: Hashable, Sendable, Comparable {
    var number: Int

    package static func < (left: SourceToken, right: SourceToken) -> Bool {
        left.number < right.number
    }
}

/// Which source goes next, what is in flight, what an answer means. A pure state machine: the link
/// to the daemon asks it for turns, does the reading and writing, and tells it what came of them.
///
/// Fair: datagrams and files take turns, files among themselves too; files alone never fill the
/// window.
package struct Shipper {
    /// A request that was written and is not answered.
    struct Request: Equatable {
        enum Kind: Equatable {
            case open
            case advance
        }

        var id: Int64
        var token: SourceToken
        var kind: Kind
        var bytes: Int
        var isFile: Bool
    }

    struct Turn: Equatable {
        var token: SourceToken
        var step: SourceCursor.Step
    }

    private struct Entry {
        var cursor: SourceCursor
        var isQueued = false
    }

    /// Sums since the start.
    package struct Figures: Equatable, Sendable {
        package var shippedBytes: UInt64 = 0
        package var batches: UInt64 = 0
        package var refusals: UInt64 = 0
        package var restarts: UInt64 = 0
        package var skippedLines: UInt64 = 0
        package var lostBytes: UInt64 = 0
    }

    let bounds: ShippingBounds
    package private(set) var figures = Figures()
    private(set) var isConnected = false
    /// Some source failed and waits for `resumeAll`.
    package private(set) var hasPaused = false
    /// Some document waits for `settleAll`.
    private(set) var hasSettling = false
    private var entries: [SourceToken: Entry] = [:]
    private var datagrams = Queue<SourceToken>()
    private var files = Queue<SourceToken>()
    private var datagramsHadLastTurn = false
    private var requests = Queue<Request>()
    private var bytesInFlight = 0
    private var fileBytesInFlight = 0
    private var fileRequestsInFlight = 0
    private var nextID: Int64 = 1
    private var nextToken = 1

    init(bounds: ShippingBounds = ShippingBounds()) { self.bounds = bounds }

    var requestsInFlight: Int { requests.count }
    func cursor(_ token: SourceToken) -> SourceCursor? { entries[token]?.cursor }
    var backlogBytes: UInt64 {
        entries.values.reduce(0) { $0.addingClamped($1.cursor.backlogBytes) }
    }
    package var isCaughtUp: Bool { entries.values.allSatisfy(\.cursor.isCaughtUp) }
}

// MARK: - Sources

extension Shipper {
    mutating func add(_ kind: SourceKind, size: UInt64) -> SourceToken {
        let token = SourceToken(number: nextToken)
        nextToken += 1
        entries[token] = Entry(cursor: SourceCursor(kind: kind, size: size, bounds: bounds))
        enqueue(token)
        return token
    }

    /// Forgets a source; answers about it that still come are ignored.
    mutating func remove(_ token: SourceToken) { entries[token] = nil }

    mutating func saw(_ token: SourceToken, size: UInt64, hasChanged: Bool) {
        change(token) { cursor in
            let hadRestart = cursor.pendingRestart != nil
            cursor.saw(size: size, hasChanged: hasChanged)
            if hasChanged { cursor.resume() }
            return !hadRestart && cursor.pendingRestart != nil
        }
    }

    /// True when the source is finished with that: the daemon never heard of it.
    mutating func end(_ token: SourceToken, _ ending: SourceCursor.Ending) -> Bool {
        change(token) { $0.end(ending) }
        return entries[token]?.cursor.isOver == true
    }

    mutating func pause(_ token: SourceToken) {
        hasPaused = true
        entries[token]?.cursor.pause()
    }

    /// Tries every source again that failed.
    mutating func resumeAll() {
        guard hasPaused else { return }
        hasPaused = false
        for token in entries.keys.sorted() where entries[token]?.cursor.isPaused == true {
            change(token) { $0.resume() }
        }
    }

    /// Looks again at documents that were being written.
    mutating func settleAll() {
        guard hasSettling else { return }
        hasSettling = false
        for token in entries.keys.sorted() where entries[token]?.cursor.document.isSettling == true
        {
            change(token) { $0.settled() }
        }
    }

    /// A source that was not opened yet turns out to be of another kind.
    mutating func settleKind(_ token: SourceToken, _ kind: SourceKind) {
        entries[token]?.cursor.settleKind(kind)
    }

    private mutating func change(_ token: SourceToken, _ body: (inout SourceCursor) -> Void) {
        guard entries[token] != nil else { return }
        if var cursor = entries[token]?.cursor {
            body(&cursor)
            entries[token]?.cursor = cursor
        }
        enqueue(token)
    }

    private mutating func change(_ token: SourceToken, _ body: (inout SourceCursor) -> Bool) {
        var restarts = false
        change(token) { cursor in restarts = body(&cursor) }
        if restarts { figures.restarts += 1 }
    }

    private mutating func enqueue(_ token: SourceToken) {
        guard let entry = entries[token], !entry.isQueued, entry.cursor.step != nil else { return }
        entries[token]?.isQueued = true
        if entry.cursor.kind == .datagrams { datagrams.append(token) } else { files.append(token) }
    }
}

// MARK: - Turns

extension Shipper {
    /// What to do next; nil when there is nothing, or the window is full, or there is no
    /// connection.
    mutating func nextTurn() -> Turn? {
        guard isConnected, bytesInFlight < bounds.inFlightBytesMax,
            requests.count < bounds.inFlightBatchesMax
        else { return nil }
        if datagramsHadLastTurn {
            if let turn = fileTurn() { return turn }
            return datagramTurn()
        }
        if let turn = datagramTurn() { return turn }
        return fileTurn()
    }

    private mutating func datagramTurn() -> Turn? {
        while let token = datagrams.popFirst() {
            if let turn = turn(token) {
                datagramsHadLastTurn = true
                return turn
            }
        }
        return nil
    }

    private mutating func fileTurn() -> Turn? {
        guard fileBytesInFlight < bounds.inFlightBytesMax / 2,
            fileRequestsInFlight < bounds.inFlightBatchesMax / 2
        else { return nil }
        for _ in 0..<files.count {
            guard let token = files.popFirst() else { return nil }
            guard let turn = turn(token) else { continue }
            if case .ship(let shipment) = turn.step, !fits(shipment) {
                enqueue(token)
                continue
            }
            datagramsHadLastTurn = false
            return turn
        }
        return nil
    }

    /// A line that is larger than the window goes alone.
    private func fits(_ shipment: SourceCursor.Shipment) -> Bool {
        guard case .batch = shipment else { return true }
        let bytes = shipment.range.upperBound - shipment.range.lowerBound
        return bytes <= UInt64(bounds.batchBytes) || fileBytesInFlight == 0
    }

    private mutating func turn(_ token: SourceToken) -> Turn? {
        entries[token]?.isQueued = false
        guard let step = entries[token]?.cursor.step else { return nil }
        return Turn(token: token, step: step)
    }

    /// What a read brought; gives the batch to send now. Without one, the source waits for its next
    /// turn.
    mutating func took(
        _ token: SourceToken, _ chunk: SourceCursor.Chunk
    ) -> SourceCursor.Shipment? {
        guard var cursor = entries[token]?.cursor else { return nil }
        let hadRestart = cursor.pendingRestart != nil
        let shipment = cursor.took(chunk)
        if cursor.isPaused { hasPaused = true }
        if cursor.document.isSettling { hasSettling = true }
        if !hadRestart, cursor.pendingRestart != nil { figures.restarts += 1 }
        entries[token]?.cursor = cursor
        if shipment == nil { enqueue(token) }
        return shipment
    }

    /// The turn's step goes out now: gives the id to send it under.
    mutating func sending(_ turn: Turn) -> Int64 {
        entries[turn.token]?.cursor.sent(turn.step)
        switch turn.step {
        case .open: return record(turn.token, .open, bytes: 0)
        case .read: return 0
        case .ship(let shipment): return record(turn.token, shipment)
        }
    }

    /// A batch that `took` gave goes out now: gives the id to send it under.
    mutating func sending(_ shipment: SourceCursor.Shipment, of token: SourceToken) -> Int64 {
        record(token, shipment)
    }

    private mutating func record(
        _ token: SourceToken, _ shipment: SourceCursor.Shipment
    ) -> Int64 {
        let bytes = Int(clamping: shipment.range.upperBound - shipment.range.lowerBound)
        switch shipment {
        case .batch:
            figures.batches += 1
            return record(token, .advance, bytes: bytes)
        case .skip: figures.skippedLines += 1
        case .lost: figures.lostBytes = figures.lostBytes.addingClamped(UInt64(bytes))
        }
        return record(token, .advance, bytes: 0)
    }

    private mutating func record(
        _ token: SourceToken, _ kind: Request.Kind, bytes: Int
    ) -> Int64 {
        let isFile = entries[token]?.cursor.kind != .datagrams
        let request = Request(id: nextID, token: token, kind: kind, bytes: bytes, isFile: isFile)
        nextID += 1
        requests.append(request)
        bytesInFlight += bytes
        if isFile {
            fileBytesInFlight += bytes
            fileRequestsInFlight += 1
        }
        enqueue(token)
        return request.id
    }
}

// MARK: - Connection and answers

extension Shipper {
    enum Answer: Equatable {
        case opened(SourceCursor.Opened)
        case advanced(position: UInt64, isDurable: Bool)
        /// The position was another one, or the source is unknown: ask again where to go on.
        case refused
        /// Anything else: a sentence for a person.
        case failed(String)
    }

    enum Outcome: Equatable {
        case none
        /// The daemon has everything before `position`.
        case advanced(SourceToken, position: UInt64, isDurable: Bool)
        /// The daemon has all, and nothing will follow.
        case finished(SourceToken, isDurable: Bool)
        case failed(SourceToken, String)
        /// An answer to nothing that was asked: the connection is of no use.
        case nonsense
    }

    mutating func connected() {
        isConnected = true
        for token in entries.keys.sorted() { enqueue(token) }
    }

    /// Forgets what was in flight; every source asks again where to go on.
    mutating func disconnected() {
        isConnected = false
        requests.removeAll()
        bytesInFlight = 0
        fileBytesInFlight = 0
        fileRequestsInFlight = 0
        for token in entries.keys { entries[token]?.cursor.disconnected() }
    }

    mutating func received(id: Int64, _ answer: Answer) -> Outcome {
        guard let request = requests.popFirst(), request.id == id else { return .nonsense }
        bytesInFlight -= request.bytes
        if request.isFile {
            fileBytesInFlight -= request.bytes
            fileRequestsInFlight -= 1
        }
        // Files that waited for the window are still queued; this source may have a new step.
        defer { enqueue(request.token) }
        guard entries[request.token] != nil else { return .none }
        return request.kind == .open
            ? openAnswered(request.token, answer) : advanceAnswered(request, answer)
    }

    private mutating func openAnswered(_ token: SourceToken, _ answer: Answer) -> Outcome {
        switch answer {
        case .opened(let opened):
            entries[token]?.cursor.opened(opened)
            return .none
        case .advanced: return .nonsense
        case .refused:
            entries[token]?.cursor.openFailed()
            pause(token)
            return .failed(token, "the daemon does not open it")
        case .failed(let message):
            entries[token]?.cursor.openFailed()
            pause(token)
            return .failed(token, message)
        }
    }

    private mutating func advanceAnswered(_ request: Request, _ answer: Answer) -> Outcome {
        let token = request.token
        switch answer {
        case .opened: return .nonsense
        case .advanced(let position, let isDurable):
            figures.shippedBytes += UInt64(request.bytes)
            entries[token]?.cursor.advanced(to: position, isDurable: isDurable)
            return entries[token]?.cursor.phase == .finished
                ? .finished(token, isDurable: isDurable)
                : .advanced(token, position: position, isDurable: isDurable)
        case .refused:
            figures.refusals += 1
            entries[token]?.cursor.refused()
            return .none
        case .failed(let message):
            entries[token]?.cursor.refused()
            pause(token)
            return .failed(token, message)
        }
    }
}
