internal import Intake
internal import QuipuModel
internal import QuipuProtocol
internal import Sketches

/// Stops the fuzzer, which then keeps the input.
private func require(_ condition: Bool, _ rule: StaticString) {
    precondition(condition, "broken rule: \(rule)")
}

private func requireText(_ slice: Slice, in bytes: [UInt8]) {
    guard !slice.isNone else { return }
    require(slice.range.upperBound <= bytes.count, "slices lie inside")
    require(
        String(validating: bytes[slice.range], as: UTF8.self) != nil, "columns are UTF-8")
}

/// One line each, and each in exactly one way.
private func requireClosed(_ batch: DecodedBatch) {
    let tally = batch.tally
    let rejected = tally.rejected.values.reduce(0, +)
    let lost = tally.lost.values.reduce(0, +)
    let records =
        batch.events.count { !$0.isFurther } + batch.usages.count { !$0.isFurther }
    require(
        tally.received == tally.stored + tally.blank + rejected + lost + UInt64(records),
        "the tally closes")
    for event in batch.events {
        let slices = [
            event.kind, event.name, event.session, event.task, event.agent, event.error,
            event.toolUseID, event.attributes,
        ]
        for slice in slices { requireText(slice, in: batch.bytes) }
        requireText(event.payload, in: batch.payloads)
        require(!event.kind.isNone, "every event has a kind")
    }
    for delta in batch.rollups {
        require(batch.series.indices.contains(delta.series), "rollups belong to a series")
        require(delta.rollup.sum.isFinite && delta.rollup.count.isFinite, "sums are finite")
        require(delta.bucketStart % Limits.rollupSeconds == 0, "spans are aligned")
    }
}

private func decode(_ bytes: UnsafeRawBufferPointer, _ kind: SourceKind, path: String) {
    let decoder = Decoder(hashSeed: 1)
    let context = SourceContext(kind: kind, path: path)
    let batch = decoder.decode(
        bytes, at: 0, context: context, arrival: .seconds(1_800_000_000), finished: true)
    requireClosed(batch)
}

/// The bytes as a log, and as a log whose name says what its lines are.
@_cdecl("quipu_fuzz_lines")
public func fuzzLines(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let buffer = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
    decode(buffer, .file, path: "/logs/app.jsonl")
    decode(buffer, .file, path: "/logs/sessions/s/post_tool_use.jsonl")
}

/// The bytes as one datagram, and as a segment of the spool.
@_cdecl("quipu_fuzz_statsd")
public func fuzzStatsD(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let buffer = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
    decode(buffer, .datagrams, path: "")
    guard count <= Limits.datagramBytesMax else { return }
    var frame = [UInt8](repeating: 0, count: SpoolFrame.frameBytes(payloadBytes: count))
    frame.withUnsafeMutableBytes {
        SpoolFrame.write(
            SpoolFrame.Header(
                kind: .datagram, dialect: .statsd, payloadBytes: count,
                arrival: .seconds(1_800_000_000), sequence: 1), to: $0)
        $0[SpoolFrame.headerBytes..<SpoolFrame.headerBytes + count].copyBytes(from: buffer)
    }
    frame.withUnsafeBytes { decode($0, .datagrams, path: "") }
}

/// A request: what is read is written and read as the same.
@_cdecl("quipu_fuzz_requests")
public func fuzzRequests(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let buffer = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
    guard let value = try? JSON.parse(buffer) else { return }
    let text = value.bytes
    guard let again = try? JSON.parse(text) else {
        return require(false, "what is written can be read")
    }
    require(again.bytes == text, "what is written is read as the same")
}
