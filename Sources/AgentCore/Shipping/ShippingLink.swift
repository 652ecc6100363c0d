import Platform
import QuipuModel
import QuipuProtocol

/// Drives the `Shipper`: connects, reads sources, writes requests, reads answers. Keeps one buffer
/// and no content beyond the request that is being written. Used from one thread.
package final class ShippingLink {
    package private(set) var shipper: Shipper
    private let system: any AgentSystem
    private let socketPath: String
    private let report: Report
    private var sources: [SourceToken: any ShippableSource] = [:]
    /// Sources whose failure to be read was reported.
    private var failing: Set<SourceToken> = []
    private var connection: IngestConnection?
    /// How often the daemon was connected to.
    private(set) var connectionCount = 0
    private let buffer: PageBuffer
    private let head: PageBuffer
    private var isBufferTouched = false
    private var backoff = Backoff(
        msMin: AgentLimits.reconnectMsMin, msMax: AgentLimits.reconnectMsMax)
    private var random: any RandomNumberGenerator
    /// When to connect next, monotonic milliseconds.
    private(set) var retryAtMs: Int64 = 0
    private var hasReportedLoss = false
    /// The socket took no more: go on when it is writable.
    package private(set) var isBlocked = false

    init(
        socketPath: String, random: any RandomNumberGenerator,
        system: any AgentSystem = OperatingSystem(), bounds: ShippingBounds = ShippingBounds(),
        report: @escaping Report
    ) throws(SystemError) {
        self.system = system
        shipper = Shipper(bounds: bounds)
        self.socketPath = socketPath
        self.random = random
        self.report = report
        buffer = try PageBuffer(count: bounds.batchBytes)
        head = try PageBuffer(count: 4 * Limits.headBytes)
    }

    package var isConnected: Bool { connection != nil }
    /// What to poll; nil without a connection.
    var descriptor: Int32? { connection?.stream.raw }
}

// MARK: - Sources

extension ShippingLink {
    func add(_ source: any ShippableSource, size: UInt64) -> SourceToken {
        let token = shipper.add(source.identity.kind, size: size)
        sources[token] = source
        return token
    }

    func remove(_ token: SourceToken) {
        shipper.remove(token)
        sources[token] = nil
        failing.remove(token)
    }

    func saw(_ token: SourceToken, size: UInt64, hasChanged: Bool) {
        shipper.saw(token, size: size, hasChanged: hasChanged)
    }

    /// True when the source is finished with that.
    func end(_ token: SourceToken, _ ending: SourceCursor.Ending) -> Bool {
        shipper.end(token, ending)
    }

    func resumeAll() { shipper.resumeAll() }
    func settleAll() { shipper.settleAll() }
}

// MARK: - Connection

extension ShippingLink {
    /// Connects when it is time to.
    func connectIfDue(nowMs: Int64) {
        guard connection == nil, nowMs >= retryAtMs else { return }
        do throws(SystemError) {
            connection = IngestConnection(try system.connect(to: socketPath))
            connectionCount += 1
            shipper.connected()
        } catch {
            retryLater(nowMs: nowMs)
            if !hasReportedLoss {
                hasReportedLoss = true
                report(.warning, "the daemon cannot be reached, trying again: \(error)")
            }
        }
    }

    private func retryLater(nowMs: Int64) {
        retryAtMs = nowMs + backoff.next(using: &random)
    }

    private func disconnect(_ failure: LinkFailure, nowMs: Int64) {
        connection = nil
        isBlocked = false
        shipper.disconnected()
        retryLater(nowMs: nowMs)
        if !hasReportedLoss {
            hasReportedLoss = true
            report(.warning, "the connection to the daemon is lost, trying again: \(failure)")
        }
    }

    /// Reads the answers that came; gives what they mean for the sources.
    func receive(nowMs: Int64) -> [Shipper.Outcome] {
        var answers: [(id: Int64, answer: Shipper.Answer)?] = []
        var failure: LinkFailure?
        do throws(LinkFailure) {
            let isOpen = try connection?.receive { answers.append(IngestWire.answer($0)) }
            if isOpen == false { failure = .closed }
        } catch {
            failure = error
        }
        var outcomes: [Shipper.Outcome] = []
        for answer in answers {
            guard let answer else {
                failure = failure ?? .nonsense
                break
            }
            let outcome = shipper.received(id: answer.id, answer.answer)
            if outcome == .nonsense {
                failure = .nonsense
                break
            }
            outcomes.append(outcome)
        }
        if !outcomes.isEmpty, failure == nil { welcomed() }
        if let failure { disconnect(failure, nowMs: nowMs) }
        return outcomes.filter { $0 != .none }
    }

    /// An answer came: only now is the connection known to be good.
    private func welcomed() {
        backoff.reset()
        if hasReportedLoss { report(.info, "connected to the daemon") }
        hasReportedLoss = false
    }
}

// MARK: - Turns

extension ShippingLink {
    /// Sends until the socket or the window is full or nothing is left; true when there is more to
    /// do at once.
    func pump(nowMs: Int64) -> Bool {
        guard connection != nil else { return false }
        do throws(LinkFailure) {
            for _ in 0..<AgentLimits.turnsPerPump {
                isBlocked = try connection?.flush(buffer.bytes) == false
                if isBlocked { return false }
                guard let turn = shipper.nextTurn() else { return false }
                perform(turn)
            }
            isBlocked = try connection?.flush(buffer.bytes) == false
            return !isBlocked
        } catch {
            disconnect(error, nowMs: nowMs)
            return false
        }
    }

    /// Gives the buffer's memory back; when nothing was sent for a while.
    func rest() {
        guard isBufferTouched, connection?.isSending != true else { return }
        buffer.giveBack()
        isBufferTouched = false
    }

    private func perform(_ turn: Shipper.Turn) {
        guard let source = sources[turn.token] else { return }
        switch turn.step {
        case .open(let restart): open(turn, source, restart)
        case .read(let from, let count):
            read(turn.token, source, from: from, count: count)
        case .ship(let shipment):
            guard isAsItWas(turn, source, shipment) else { return }
            let proof = source.identity.kind == .file ? shipper.cursor(turn.token)?.proof : nil
            guard let line = line(turn.token, shipment, id: shipper.sending(turn)) else { return }
            if case .batch(_, _, _, _) = shipment, !shipment.range.isEmpty {
                isBufferTouched = true
                connection?.send(line: line, streaming: source, shipment.range, proof: proof)
            } else {
                connection?.send(line: line)
            }
            tell(source, shipment)
        }
    }

    /// Bytes that were not kept are read once more while they are sent: a look finds a file that
    /// was written anew since its records were found.
    private func isAsItWas(
        _ turn: Shipper.Turn, _ source: any ShippableSource, _ shipment: SourceCursor.Shipment
    ) -> Bool {
        guard !shipment.range.isEmpty, source.identity.kind == .file else { return true }
        if case .lost = shipment { return true }
        do throws(ReadFailure) {
            _ = try takeChunk(turn.token, source, from: shipment.range.lowerBound, count: 0)
        } catch {
            fail(turn.token, source, error)
            return false
        }
        return shipper.cursor(turn.token)?.step == turn.step
    }

    private func open(
        _ turn: Shipper.Turn, _ source: any ShippableSource, _ restart: IngestOpen.Restart?
    ) {
        do throws(ReadFailure) {
            // Of a file that is gone only its loss is left to tell.
            if shipper.cursor(turn.token)?.ending != .destroyed { try source.settleKind() }
        } catch {
            return fail(turn.token, source, error)
        }
        shipper.settleKind(turn.token, source.identity.kind)
        let size = shipper.cursor(turn.token)?.size ?? 0
        let id = shipper.sending(turn)
        connection?.send(
            line: IngestWire.open(id: id, source.identity, size: size, restart: restart))
        // A document is rewritten whenever something is added.
        if let restart, source.identity.kind == .file {
            report(
                .info,
                "\(source.identity.path) was \(restart.cause.rawValue), reading it anew; "
                    + "\(restart.lostBytes) bytes were lost unread")
        }
    }

    private func fail(
        _ token: SourceToken, _ source: any ShippableSource, _ error: ReadFailure
    ) {
        shipper.pause(token)
        if failing.insert(token).inserted {
            report(.warning, "\(source.identity.path): \(error), trying again later")
        }
    }

    private func tell(_ source: any ShippableSource, _ shipment: SourceCursor.Shipment) {
        let range = shipment.range
        switch shipment {
        case .batch: break
        case .skip:
            report(
                .warning,
                "\(source.identity.path): skipping a line of \(range.count) bytes at offset "
                    + "\(range.lowerBound), longer than \(shipper.bounds.lineBytesMax)")
        case .lost where range.isEmpty: break
        case .lost:
            report(
                .warning,
                "\(source.identity.path) was deleted before \(range.count) bytes were read")
        }
    }

    private func line(
        _ token: SourceToken, _ shipment: SourceCursor.Shipment, id: Int64
    ) -> [UInt8]? {
        guard let cursor = shipper.cursor(token), case .open(let sourceID) = cursor.phase
        else { return nil }
        return IngestWire.ship(
            id: id, shipment,
            IngestWire.About(
                sourceID: sourceID, size: cursor.size, head: cursor.head,
                arrival: Timestamp(microseconds: system.wallMicroseconds())))
    }

    private func read(
        _ token: SourceToken, _ source: any ShippableSource, from: UInt64, count: Int
    ) {
        do throws(ReadFailure) {
            let shipment = try takeChunk(token, source, from: from, count: count)
            failing.remove(token)
            guard let shipment else { return }
            let id = shipper.sending(shipment, of: token)
            guard let line = line(token, shipment, id: id) else { return }
            connection?.send(line: line, buffered: 0..<shipment.range.count)
        } catch {
            fail(token, source, error)
        }
    }

    private func takeChunk(
        _ token: SourceToken, _ source: any ShippableSource, from: UInt64, count: Int
    ) throws(ReadFailure) -> SourceCursor.Shipment? {
        if source.identity.kind == .document {
            return try takeDocument(token, source, from: from, count: count)
        }
        let filled = try fill(source, from: from, count: count)
        let size = try source.size()
        var chunk = SourceCursor.Chunk(
            from: from, wantedBytes: count, bytes: filled, size: size)
        if source.identity.kind == .file, let cursor = shipper.cursor(token) {
            chunk.head = try look(at: source, 0, Limits.headBytes, place: 0)
            if cursor.next > 0, size >= cursor.next {
                let count = cursor.tail?.bytes ?? Int(min(cursor.next, UInt64(Limits.headBytes)))
                chunk.tail = try look(at: source, before: cursor.next, count, place: 1)
            }
            if let known = cursor.scannedTail, size >= cursor.scanned {
                chunk.scannedTail = try look(
                    at: source, before: cursor.scanned, known.bytes, place: 2)
            }
            let againCount = min(filled.count, Limits.headBytes)
            chunk.again = try look(
                at: source, from + UInt64(filled.count - againCount), againCount, place: 3)
            chunk.sizeAfter = try source.size()
        }
        return shipper.took(token, chunk)
    }

    private func look(
        at source: any ShippableSource, _ offset: UInt64, _ count: Int, place: Int
    ) throws(ReadFailure) -> UnsafeRawBufferPointer {
        let room = UnsafeMutableRawBufferPointer(
            rebasing: head.bytes[(place * Limits.headBytes)...].prefix(count))
        let found = try source.read(at: offset, into: room)
        return UnsafeRawBufferPointer(rebasing: room.prefix(found))
    }

    private func look(
        at source: any ShippableSource, before end: UInt64, _ count: Int, place: Int
    ) throws(ReadFailure) -> UnsafeRawBufferPointer {
        let bytes = try look(at: source, end - UInt64(count), count, place: place)
        // It was cut meanwhile, which the next look finds.
        return bytes.count < count ? UnsafeRawBufferPointer(start: nil, count: 0) : bytes
    }

    private func fill(
        _ source: any ShippableSource, from: UInt64, count: Int
    ) throws(ReadFailure) -> UnsafeRawBufferPointer {
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(count))
        let filled = count > 0 ? try source.read(at: from, into: room) : 0
        isBufferTouched = isBufferTouched || filled > 0
        return UnsafeRawBufferPointer(rebasing: room.prefix(filled))
    }

    /// Reads a document's bytes, and those before when it may have been rewritten, and whether it
    /// changed meanwhile.
    private func takeDocument(
        _ token: SourceToken, _ source: any ShippableSource, from: UInt64, count: Int
    ) throws(ReadFailure) -> SourceCursor.Shipment? {
        guard let cursor = shipper.cursor(token) else { return nil }
        let stamp = try source.changeStamp()
        let prefix = cursor.mustVerify ? try self.prefix(of: source, to: cursor.next) : nil
        let filled = try fill(source, from: from, count: count)
        let size = try source.size()
        let isTorn = try source.changeStamp() != stamp
        let chunk = SourceCursor.Chunk(
            from: from, wantedBytes: count, bytes: filled, size: size,
            look: DocumentLook(prefix: prefix, stamp: stamp, isTorn: isTorn))
        return shipper.took(token, chunk)
    }

    private func prefix(
        of source: any ShippableSource, to end: UInt64
    ) throws(ReadFailure) -> DocumentPrefix {
        var prefix = DocumentPrefix()
        let last = min(end, AgentLimits.documentVerifiedBytesMax)
        while prefix.count < last {
            let count = Int(min(last - prefix.count, UInt64(buffer.bytes.count)))
            let bytes = try fill(source, from: prefix.count, count: count)
            prefix.combine(bytes)
            if bytes.count < count { return prefix }
        }
        prefix.pass(to: end)
        return prefix
    }
}
