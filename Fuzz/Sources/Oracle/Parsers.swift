internal import IngestCore
internal import QuipuModel
internal import QuipuProtocol
internal import Sketches
internal import StoredBytes

@testable internal import AgentCore

/// The first byte says which parser gets the rest. None may read beyond it, end the process or
/// take for ever, and what each says of it must hold.
@_cdecl("quipu_fuzz_parsers")
public func fuzzParsers(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    guard let bytes, count > 1 else { return }
    let rest = UnsafeRawBufferPointer(start: bytes + 1, count: count - 1)
    switch bytes[0] % 12 {
    case 0: ingestStream(rest)
    case 1: frames(rest)
    case 2: openRecord(rest, .lines)
    case 3: openRecord(rest, .document)
    case 4: globs(rest)
    case 5: times(rest)
    case 6: formula(rest)
    case 7: sketches(rest)
    case 8: readBlock(rest)
    case 9: scanJSON(rest)
    case 10: answers(rest)
    default: parameters(rest)
    }
}

private func require(_ condition: Bool, _ rule: StaticString) {
    precondition(condition, "broken rule: \(rule)")
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
}

/// What an agent may send, to framing and session.
private func ingestStream(_ bytes: UnsafeRawBufferPointer) {
    var framer = IngestFramer()
    var session = IngestSession(host: "h")
    var offset = 0
    var line: [UInt8] = []
    var pending: Request?
    var lastID: Int64 = 0
    func take(_ request: Request, _ last: UInt8?) {
        let action = try? session.take(request, lastByte: last, now: .seconds(1_800_000_000))
        switch action {
        case .open(let open)?:
            lastID += 1
            let reply = session.opened(open, id: lastID, incarnation: 1, position: 0, head: nil)
            require(reply["source_id"] == .int(lastID), "the answer names the source")
        case .batch(let batch, let source)?:
            require(batch.to - batch.from == UInt64(batch.byteCount), "a batch is its range")
            require(source.size >= batch.to, "a source holds its batches")
        case .skip(let skip, _)?: require(skip.to > skip.from, "a skip goes on")
        case nil: break
        }
    }
    while offset < bytes.count {
        switch framer.expected {
        case .line:
            let end = bytes[offset...].firstIndex(of: 0x0a)
            line += bytes[offset..<(end ?? bytes.count)]
            offset = end.map { $0 + 1 } ?? bytes.count
            guard end != nil else { break }
            if case .request(let request, let count) = framer.take(line) {
                if count == 0 { take(request, nil) } else { pending = request }
            }
            line = []
        case .body(let missing):
            let part = min(missing, bytes.count - offset)
            offset += part
            if framer.tookBody(part), let request = pending { take(request, bytes[offset - 1]) }
        case .nothing: return
        }
    }
}

/// A spool segment, from its beginning.
private func frames(_ bytes: UnsafeRawBufferPointer) {
    var walk = FrameWalk()
    walk.go(bytes) { header in
        require(header.payloadBytes <= Limits.streamLineBytesMax, "payloads are bounded")
    }
    require(walk.offset <= bytes.count, "frames lie inside")
    _ = LossReport(bytes)
}

/// An object that is scanned in pieces ends where it ends when it is scanned at once.
private func openRecord(_ bytes: UnsafeRawBufferPointer, _ shape: RecordShape) {
    var whole = RecordSplitter(shape)
    var ends: [Int] = []
    let newline: RecordSplitter.NewlineSearch = { $0[$1...].firstIndex(of: 0x0a) ?? $0.count }
    while let range = whole.next(in: bytes, isComplete: true, newline: newline) {
        require(range.upperBound <= bytes.count && !range.isEmpty || shape == .lines, "inside")
        require(ends.last.map { range.lowerBound >= $0 } ?? true, "records follow each other")
        ends.append(range.upperBound)
    }
    require(whole.boundary <= bytes.count, "a batch ends inside")
}

private func globs(_ bytes: UnsafeRawBufferPointer) {
    let parts = text(bytes).split(separator: "\n", maxSplits: 1)
    guard let pattern = parts.first, pattern.utf8.count <= 200 else { return }
    let environment = ["HOME": "/home/a", "A": "x{y,z}"]
    guard
        let set = try? GlobSet(
            [String(pattern)], environment: environment, workingDirectory: "/w")
    else { return }
    var states = set.start
    for name in (parts.dropFirst().first ?? "home/a/x").split(separator: "/").prefix(8) {
        states = set.advance(states, name: String(name.prefix(50))).states
        _ = set.directoryNames(states)
        _ = set.holdsFiles(states)
    }
}

private func times(_ bytes: UnsafeRawBufferPointer) {
    let text = text(bytes)
    if let time = Timestamp(rfc3339: text) {
        require(Timestamp(rfc3339: time.rfc3339) == time, "a time is read as it is written")
    }
    if let seconds = Parameters.seconds(text) { require(seconds >= 0, "spans are no debts") }
    _ = PriceTable.key(text)
}

private func formula(_ bytes: UnsafeRawBufferPointer) {
    guard let formula = try? Formula(text(bytes)) else { return }
    let value = formula.value(stepSeconds: 10) { _ in 1 }
    require(value.isFinite || value.isNaN, "values are numbers or none")
}

private func sketches(_ bytes: UnsafeRawBufferPointer) {
    if let sketch = DDSketch(encoded: bytes) {
        require(sketch.quantile(0.5)?.isFinite ?? true, "quantiles are finite")
    }
    _ = DistinctCounter(encoded: bytes)?.estimate
}

/// What a daemon may answer to an agent.
private func answers(_ bytes: UnsafeRawBufferPointer) {
    for line in bytes.split(separator: 0x0a) {
        guard let (id, answer) = IngestWire.answer(line) else { continue }
        var shipper = Shipper()
        shipper.connected()
        let token = shipper.add(.file, size: 100)
        guard let turn = shipper.nextTurn() else { return }
        let sent = shipper.sending(turn)
        let outcome = shipper.received(id: id, answer)
        require(id == sent || outcome == .nonsense, "only what was asked is answered")
        _ = shipper.nextTurn()
        shipper.saw(token, size: 10, hasChanged: true)
        _ = shipper.nextTurn()
        shipper.disconnected()
    }
}

/// The parameters of every method, and the price file.
private func parameters(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSON.parse(bytes) else { return }
    let now = Timestamp.seconds(1_800_000_000)
    func read(_ body: (inout Parameters) throws -> Void) {
        var parameters = Parameters(value, now: now)
        try? body(&parameters)
    }
    read { _ = try $0.eventQuery() }
    read { _ = try $0.errorQuery() }
    read { _ = try $0.summaryQuery() }
    read { _ = try $0.sessionQuery() }
    read { _ = try $0.sessionDetailQuery() }
    read { _ = try $0.toolQuery() }
    read { _ = try $0.fileQuery() }
    read { _ = try $0.sqlQuery() }
    read { _ = try $0.seriesQuery() }
    read { _ = try $0.metricQuery() }
    read { _ = try $0.subscribeRequest() }
    read { _ = try $0.costQuery() }
    read { _ = try $0.blockQuery() }
    read { _ = try $0.reconcileQuery() }
    read { _ = try $0.limitQuestion() }
    read { _ = try $0.limitRequest() }
    read { _ = try $0.priceRequest() }
    read { _ = try $0.filePrice() }
    read { _ = try $0.documentUpdate() }
    read { _ = try $0.documentSearch() }
    read { _ = try $0.taskQuery() }
    read { _ = try $0.activityQuery() }
    read { _ = try $0.taskLine() }
    read { _ = try $0.overviewRange() }
    read { _ = try $0.ledgerPage() }
    read { _ = try $0.ingestOpen(host: "h") }
    read { _ = try $0.ingestBatch() }
    read { _ = try $0.ingestSkip() }
}
