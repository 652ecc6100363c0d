internal import QuipuModel
internal import QuipuProtocol
internal import Rules
internal import Sketches
internal import StoredBytes

@testable internal import AgentCore

/// The first byte says which parser gets the rest. None may read beyond it, end the process or
/// take for ever, and what each says of it must hold.
@_cdecl("quipu_fuzz_parsers")
public func fuzzParsers(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    guard let bytes, count > 1 else { return }
    let rest = UnsafeRawBufferPointer(start: bytes + 1, count: count - 1)
    switch bytes[0] % 17 {
    case 0: ingestStream(rest)
    case 1: frames(rest)
    case 2: records(rest, .lines)
    case 3: records(rest, .document)
    case 4: globs(rest)
    case 5: times(rest)
    case 6: formula(rest)
    case 7: sketches(rest)
    case 8: readBlock(rest)
    case 9: scanJSON(rest)
    case 10: answers(rest)
    case 11: parameters(rest)
    case 12: clientStream(rest)
    case 13: answerLines(rest)
    case 14: readPageCursor(rest)
    case 15: refusal(rest)
    default: writeBlock(rest)
    }
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
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
    if let seconds = Span.seconds(text) { require(seconds >= 0, "spans are no debts") }
    _ = ModelName.key(text)
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

/// What went wrong, as a daemon says it to a client.
private func refusal(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSON.parse(bytes), let error = RPCError(json: value) else { return }
    require(RPCError(json: error.json) == error, "an error is read as it is written")
}

/// The parameters of every method, and the price file.
private func parameters(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSON.parse(bytes) else { return }
    let now = Timestamp.seconds(1_800_000_000)
    let readers: [(inout Parameters) throws -> Void] = [
        { _ = try $0.retentionDryRun() }, { _ = try $0.persistenceIsOn() },
        { _ = try $0.backupPath() }, { _ = try $0.costQuery() }, { _ = try $0.blockQuery() },
        { _ = try $0.reconcileQuery() }, { _ = try $0.limitList() },
        { _ = try $0.limitQuestion() }, { _ = try $0.limitRequest() },
        { _ = try $0.priceList() }, { _ = try $0.priceRequest() }, { _ = try $0.filePrice() },
        { _ = try $0.documentID() }, { _ = try $0.documentUpdate() },
        { _ = try $0.documentQuery() }, { _ = try $0.documentSearch() },
        { _ = try $0.ingestOpen() }, { _ = try $0.ingestBatch() },
        { _ = try $0.ingestSkip() }, { _ = try $0.metricQuery() }, { _ = try $0.ledgerPage() },
        { _ = try $0.eventQuery() }, { _ = try $0.errorQuery() }, { _ = try $0.summaryQuery() },
        { _ = try $0.sessionQuery() }, { _ = try $0.sessionDetailQuery() },
        { _ = try $0.toolQuery() }, { _ = try $0.fileQuery() }, { _ = try $0.sqlQuery() },
        { _ = try $0.seriesQuery() }, { _ = try $0.subscribeRequest() },
        { _ = try $0.subscriptionNumber() }, { _ = try $0.taskQuery() },
        { _ = try $0.taskDetailQuery() }, { _ = try $0.activityQuery() },
        { _ = try $0.taskLine() }, { _ = try $0.overviewRange() }, { _ = try $0.timeRange() },
        { _ = try $0.page() },
    ]
    for read in readers {
        var parameters = Parameters(value, now: now)
        try? read(&parameters)
    }
}
