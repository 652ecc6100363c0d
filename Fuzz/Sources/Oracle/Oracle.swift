internal import Intake
internal import QuipuModel
internal import QuipuProtocol
internal import Rules
internal import Sketches

private func requireText(_ slice: Slice, in bytes: [UInt8]) {
    guard !slice.isNone else { return }
    require(slice.range.upperBound <= bytes.count, "slices lie inside")
    require(
        String(validating: bytes[slice.range], as: UTF8.self) != nil, "columns are UTF-8")
}

private func contextSlices(_ context: RecordContext) -> [Slice] {
    [
        context.project, context.model, context.branch, context.agentID, context.parent,
        context.user,
    ]
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
            event.toolUseID, event.attributes, event.identity, event.path,
        ]
        for slice in slices + contextSlices(event.context) { requireText(slice, in: batch.bytes) }
        requireText(event.payload, in: batch.payloads)
        require(!event.kind.isNone, "every event has a kind")
    }
    for usage in batch.usages {
        let slices = [
            usage.messageID, usage.requestID, usage.session, usage.task, usage.requestType,
        ]
        for slice in slices + contextSlices(usage.context) { requireText(slice, in: batch.bytes) }
        let tokens = usage.tokens
        let counts = [
            tokens.input, tokens.cacheWrite5m, tokens.cacheWrite1h, tokens.cacheRead, tokens.output,
        ]
        require(counts.allSatisfy { $0 >= 0 }, "no count of tokens is negative")
        require(usage.statedCostUSD.map { $0.isFinite && $0 >= 0 } ?? true, "costs are finite")
    }
    for delta in batch.rollups {
        require(batch.series.indices.contains(delta.series), "rollups belong to a series")
        require(delta.rollup.sum.isFinite && delta.rollup.count.isFinite, "sums are finite")
        require(delta.bucketStart % Limits.rollupSeconds == 0, "spans are aligned")
    }
}

private func decode(_ bytes: UnsafeRawBufferPointer, _ kind: SourceKind, path: String) {
    var options = DecoderOptions()
    options.payloadBytesMax = 64
    let decoder = Decoder(hashSeed: 1, options: options)
    let context = SourceContext(kind: kind, path: path)
    let batch = decoder.decode(
        bytes, at: 0, context: context, arrival: .seconds(1_800_000_000), finished: true)
    requireClosed(batch)
}

/// Wherever an agent cuts a file into batches, the same records come out.
private func requireAgreement(_ bytes: UnsafeRawBufferPointer, _ kind: SourceKind) {
    let decoder = Decoder(hashSeed: 1)
    let context = SourceContext(kind: kind, path: "/logs/app")
    func decode(_ part: Range<Int>, finished: Bool) -> DecodedBatch {
        decoder.decode(
            UnsafeRawBufferPointer(rebasing: bytes[part]), at: UInt64(part.lowerBound),
            context: context, arrival: .seconds(1_800_000_000), finished: finished)
    }
    let whole = decode(0..<bytes.count, finished: true)
    var offsets: [UInt64] = []
    var tally = Tally()
    var start = 0
    var seen = 0
    while start < bytes.count {
        // Steps that depend on nothing but the input.
        seen = min(bytes.count, seen + 1 + Int(bytes[seen]) % 61)
        let part = UnsafeRawBufferPointer(rebasing: bytes[start..<seen])
        let mark = start == 0 ? RecordSplitter.byteOrderMark(part) : 0
        var splitter = RecordSplitter(kind.recordShape ?? .lines, position: mark)
        while splitter.next(
            in: part, isComplete: false,
            newline: { $0[$1...].firstIndex(of: 0x0a) ?? $0.count }) != nil
        {}
        let isLast = seen == bytes.count && splitter.boundary == 0
        let end = isLast ? seen : start + splitter.boundary
        guard end > start else { continue }
        let batch = decode(start..<end, finished: isLast)
        offsets += batch.events.map(\.lineOffset)
        tally.add(batch.tally)
        start = end
        seen = min(max(seen, end), bytes.count - 1)
    }
    require(offsets == whole.events.map(\.lineOffset), "batches give the same records")
    require(tally == whole.tally, "batches give the same tally")
}

/// The bytes as a log, and as logs whose names say what their lines are.
@_cdecl("quipu_fuzz_lines")
public func fuzzLines(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let buffer = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
    decode(buffer, .file, path: "/logs/app.jsonl")
    decode(buffer, .file, path: "/logs/sessions/s/post_tool_use.jsonl")
    decode(buffer, .file, path: "/home/a/.claude/projects/-home-a/s/subagents/agent-1.jsonl")
    decode(
        buffer, .file,
        path: "/home/a/.codex/sessions/rollout-x-0199aa11-2222-7333-8444-555566667777.jsonl")
    decode(buffer, .file, path: "/home/a/.gemini/tmp/1/chats/session-1.jsonl")
    decode(buffer, .document, path: "/logs/app.json")
    // Quadratic in the worst case.
    guard count <= 4_096 else { return }
    requireAgreement(buffer, .file)
    requireAgreement(buffer, .document)
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
    if case .single(.success(let request)) = Incoming.parse(buffer) {
        let again = Incoming.parse(request.json.bytes)
        require(again == .single(.success(request)), "a request is read as it is written")
    }
    // A hook looks for members in what it is given, JSON or not.
    if let range = JSON.rangeOfMember("params", in: Array(buffer)) {
        require(range.upperBound < count, "a member ends inside its object")
    }
    guard let value = try? JSON.parse(buffer) else { return }
    let text = value.bytes
    guard let again = try? JSON.parse(text) else {
        return require(false, "what is written can be read")
    }
    require(again.bytes == text, "what is written is read as the same")
}
