internal import IngestCore
internal import QuipuModel
internal import QuipuProtocol
internal import Rules

@testable internal import AgentCore
@testable internal import QuipuClient

// What a stream brings must not depend on how it comes in pieces.

/// The lengths of pieces, which depend on nothing but the input.
private struct Pieces: Sequence, IteratorProtocol {
    let bytes: UnsafeRawBufferPointer
    /// At once where it is nil.
    let lengthMax: Int?
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, lengthMax: Int?) {
        self.bytes = bytes
        self.lengthMax = lengthMax
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        guard offset < bytes.count else { return nil }
        let length = lengthMax.map { 1 + Int(bytes[offset]) % $0 } ?? bytes.count
        let piece = UnsafeRawBufferPointer(rebasing: bytes[offset...].prefix(length))
        offset += piece.count
        return piece
    }
}

/// What an agent may send, to framing and session.
func ingestStream(_ bytes: UnsafeRawBufferPointer) {
    let whole = IngestReading(bytes, lengthMax: nil)
    let parts = IngestReading(bytes, lengthMax: 37)
    require(whole.said == parts.said, "pieces give the same requests")
}

private struct IngestReading {
    /// Of each line and body, what became of it.
    private(set) var said: [String] = []
    private var framer = IngestFramer()
    private var session = IngestSession(hostNames: ["h"])
    private var line: [UInt8] = []
    private var pending: Request?
    private var lastID: Int64 = 0

    init(_ bytes: UnsafeRawBufferPointer, lengthMax: Int?) {
        for piece in Pieces(bytes, lengthMax: lengthMax) { read(piece) }
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            switch framer.expected {
            case .line:
                let end = bytes[offset...].firstIndex(of: 0x0a)
                line += bytes[offset..<(end ?? bytes.count)]
                offset = end.map { $0 + 1 } ?? bytes.count
                if end != nil { takeLine() }
            case .body(let missing):
                let part = min(missing, bytes.count - offset)
                offset += part
                if framer.tookBody(part), let request = pending {
                    take(request, bytes[offset - 1])
                }
            case .nothing: return
            }
        }
    }

    private mutating func takeLine() {
        defer { line = [] }
        switch framer.take(line) {
        case .blank: break
        case .request(let request, byteCount: 0): take(request, nil)
        case .request(let request, let count):
            require(count <= Limits.batchBytesMax, "bodies are bounded")
            pending = request
        case .refused(let refused, let count):
            require(count <= Limits.batchBytesMax, "bodies are bounded")
            pending = nil
            said.append("\(refused.error)")
        case .broken(let refused): said.append("\(refused.error)")
        }
    }

    private mutating func take(_ request: Request, _ last: UInt8?) {
        do throws(RPCError) {
            switch try session.take(request, lastByte: last, now: .seconds(1_800_000_000)) {
            case .open(let open):
                lastID += 1
                session.opened(open, id: lastID, generation: 0)
                said.append("opened \(lastID)")
            case .batch(let batch, let source):
                require(batch.to >= batch.from, "a batch goes on")
                require(batch.to - batch.from == UInt64(batch.byteCount), "a batch is its range")
                require(source.size >= batch.to, "a source holds its batches")
                said.append("batch \(batch.from)..<\(batch.to)")
            case .skip(let skip, let source):
                require(skip.to > skip.from, "a skip goes on")
                require(source.size >= skip.to, "a source holds what is skipped")
                said.append("skip \(skip.from)..<\(skip.to)")
            }
        } catch {
            said.append("\(error)")
        }
    }
}

/// What a client may write to a stream socket of the agent.
func clientStream(_ bytes: UnsafeRawBufferPointer) {
    // Small, so that lines are too long for it; and as it is.
    for lineBytesMax in [24, Limits.streamLineBytesMax] {
        let whole = StreamReading(bytes, lengthMax: nil, lineBytesMax, narrows: false)
        let parts = StreamReading(bytes, lengthMax: 19, lineBytesMax, narrows: false)
        require(whole.lines == parts.lines, "pieces give the same lines")
        require(whole.tooLong == parts.tooLong, "pieces give the same losses")
        require(whole.cutOff == parts.cutOff, "pieces end in the same way")
    }
    // While others hold much, the bound is lower for a while.
    _ = StreamReading(bytes, lengthMax: 19, 64, narrows: true)
}

private struct StreamReading {
    private(set) var lines: [[UInt8]] = []
    private(set) var tooLong: UInt64 = 0
    private(set) var cutOff: UInt64 = 0

    init(
        _ bytes: UnsafeRawBufferPointer, lengthMax: Int?, _ lineBytesMax: Int, narrows: Bool
    ) {
        var framing = StreamFraming()
        var turn = 0
        for piece in Pieces(bytes, lengthMax: lengthMax) {
            var offset = 0
            while offset < piece.count {
                turn += 1
                framing.lineBytesMax = narrows && turn % 3 == 0 ? 8 : lineBytesMax
                let buffer = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: framing.capacity, alignment: 1)
                defer { buffer.deallocate() }
                let held = framing.begin(buffer)
                require(held < framing.capacity, "there is room for more")
                let part = piece[offset...].prefix(framing.capacity - held)
                UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyBytes(from: part)
                offset += part.count
                take(framing.cut(buffer, count: held + part.count), buffer)
            }
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: framing.capacity, alignment: 1)
        defer { buffer.deallocate() }
        take(framing.finish(buffer, .closed), buffer)
    }

    private mutating func take(
        _ cut: StreamFraming.Cut, _ buffer: UnsafeMutableRawBufferPointer
    ) {
        require(cut.payloadBytes <= buffer.count, "payloads lie inside")
        // Where a payload ends, a newline at its end is no line.
        lines += buffer.prefix(cut.payloadBytes).split(separator: 0x0a).map { Array($0) }
        tooLong += cut.tooLong
        cutOff += cut.cutOff
    }
}

/// What the daemon may write to a client.
func answerLines(_ bytes: UnsafeRawBufferPointer) {
    func lines(_ lengthMax: Int?) -> [[UInt8]] {
        var buffer = LineBuffer()
        var lines: [[UInt8]] = []
        for piece in Pieces(bytes, lengthMax: lengthMax) {
            buffer.append(piece)
            while let line = buffer.next() { lines.append(line) }
        }
        if let rest = buffer.rest() { lines.append(rest) }
        return lines
    }
    let whole = lines(nil)
    require(whole == lines(23), "pieces give the same lines")
    for line in whole { _ = Incoming.parse(line) }
}

/// A spool segment, from its beginning.
func frames(_ bytes: UnsafeRawBufferPointer) {
    var walk = FrameWalk()
    var payloads = 0
    walk.go(bytes) { header in
        require(header.payloadBytes <= Limits.streamLineBytesMax, "payloads are bounded")
        payloads += header.payloadBytes
    }
    require(payloads <= walk.offset && walk.offset <= bytes.count, "frames lie inside")
    _ = LossReport(bytes)
}

/// The records of a log. An object that is scanned in pieces ends where it ends at once.
func records(_ bytes: UnsafeRawBufferPointer, _ shape: RecordShape) {
    var splitter = RecordSplitter(shape)
    var last = 0
    let newline: RecordSplitter.NewlineSearch = { $0[$1...].firstIndex(of: 0x0a) ?? $0.count }
    while let range = splitter.next(in: bytes, isComplete: true, newline: newline) {
        require(range.lowerBound >= last, "records follow each other")
        require(range.upperBound <= bytes.count, "records lie inside")
        require(splitter.position > last || range.isEmpty, "records go on")
        last = range.upperBound
        if shape == .document { requireSameEnd(bytes, range.lowerBound) }
    }
    require(splitter.boundary <= bytes.count, "a batch ends inside")
}

private func requireSameEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) {
    guard start < 4_096 else { return }
    func object() -> OpenRecord? {
        var splitter = RecordSplitter(.document, position: start)
        let first = UnsafeRawBufferPointer(rebasing: bytes[..<(start + 1)])
        guard splitter.next(in: first, isComplete: false, newline: { $0.count + $1 * 0 }) == nil
        else { return nil }
        return splitter.open
    }
    guard var whole = object(), var parts = object() else { return }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[(start + 1)...])
    let end = whole.feed(rest, from: 0)
    for piece in Pieces(rest, lengthMax: 7) {
        let outcome = parts.feed(piece, from: 0)
        guard outcome == .more else {
            return require(outcome == end, "pieces end in the same place")
        }
    }
    require(end == .more, "pieces do not end either")
}

/// What a daemon may answer to an agent.
func answers(_ bytes: UnsafeRawBufferPointer) {
    for line in bytes.split(separator: 0x0a) {
        guard let (id, answer) = IngestWire.answer(line) else { continue }
        var shipper = Shipper()
        shipper.connected()
        let token = shipper.add(.file, size: 100)
        guard let turn = shipper.nextTurn() else { return }
        let sent = shipper.sending(turn)
        let outcome = shipper.received(id: id, answer)
        require(id == sent || outcome == .nonsense, "only what was asked is answered")
        goOn(&shipper)
        shipper.saw(token, size: 10, hasChanged: true)
        goOn(&shipper)
        _ = shipper.end(token, .destroyed)
        goOn(&shipper)
        shipper.disconnected()
    }
}

private func goOn(_ shipper: inout Shipper) {
    guard let turn = shipper.nextTurn() else { return }
    if case .ship(let shipment) = turn.step {
        require(shipment.range.lowerBound <= shipment.range.upperBound, "ranges go on")
        let about = IngestWire.About(
            sourceID: 1, size: shipment.range.upperBound, head: nil, arrival: .seconds(0))
        let id = shipper.sending(turn)
        require(!IngestWire.ship(id: id, shipment, about).isEmpty, "a request is a line")
    }
}
