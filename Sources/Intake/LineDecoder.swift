internal import QuipuModel

/// What the lines of one stretch of bytes have in common.
struct Origin {
    let context: SourceContext
    var arrival: Timestamp
    var dialect: Dialect

    init(context: SourceContext, arrival: Timestamp) {
        self.context = context
        self.arrival = arrival
        dialect = context.dialect
    }
}

/// The machine under `Decoder`: splits bytes into lines and sends each to its grammar.
struct LineDecoder: ~Copyable {
    var builder: BatchBuilder
    var metrics: MetricAggregator
    var statsd = StatsDParser()
    var shapes: LineShapes
    var document = JSONDocument()
    /// Reused for tags that do not stand in their line as they are.
    var tagText: [UInt8] = []
    /// Reused for texts that clients escape.
    var unescapedText: [UInt8] = []
    /// Whether the record that is decoded may hold newlines.
    var spansLines = false
    /// Reused for the text of such records.
    var compactText: [UInt8] = []
    /// Whether the origin fields of DogStatsD lines become tags.
    let keepsOrigin: Bool
    let zone: ZoneRules

    init(hashSeed: UInt64, options: DecoderOptions) {
        builder = BatchBuilder(options: options)
        keepsOrigin = options.keepsOrigin
        zone = options.zone
        metrics = MetricAggregator(seed: hashSeed)
        shapes = LineShapes(seed: hashSeed)
    }

    /// Hands the batch over and begins the next.
    mutating func finish() -> DecodedBatch {
        metrics.finish(into: &builder)
        shapes.beginBatch()
        document.trim()
        if compactText.capacity > Limits.batchBytes { compactText = [] }
        var batch = builder.take()
        batch.countSenders()
        return batch
    }

    // MARK: Files

    /// Records as `shape` says. What is left at the end belongs to a record that is torn, except
    /// that a last line without its newline is left alone unless `finished`.
    mutating func decodeFile(
        _ bytes: Bytes, at offset: UInt64, _ shape: RecordShape, _ origin: Origin, finished: Bool
    ) {
        // Records hold about as much text as their lines.
        builder.reserve(bytes.count)
        let start = offset == 0 ? RecordSplitter.byteOrderMark(bytes) : 0
        var records = RecordSplitter(shape, position: start)
        while let record = records.next(
            in: bytes, isComplete: finished, newline: { $0.find(0x0a, from: $1) })
        {
            spansLines = records.spansLines
            decodeRecord(record, of: bytes, at: offset, origin)
        }
        let rest = records.position..<bytes.count
        guard !rest.isEmpty, finished || shape == .document || bytes.last == 0x0a else { return }
        spansLines = true
        decodeRecord(rest, of: bytes, at: offset, origin)
    }

    @inline(__always)
    private mutating func decodeRecord(
        _ range: Range<Int>, of bytes: Bytes, at offset: UInt64, _ origin: Origin
    ) {
        let start = range.lowerBound
        let line = LineDecoder.withoutReturn(bytes.part(start, range.upperBound))
        if line.allSatisfy(\.isSpace) {
            builder.countBlank()
        } else if line.count > Limits.lineBytesMax {
            builder.reject(line, at: offset &+ UInt64(start), .lineTooLong)
        } else {
            let readable = bytes.count - start - line.count
            decodeJSON(line, readable: readable, at: offset &+ UInt64(start), origin)
        }
    }

    // MARK: Datagrams

    /// Frames of a spool segment. What follows a frame that cannot be read is one rejected line.
    mutating func decodeFrames(_ bytes: Bytes, at offset: UInt64, _ origin: Origin) {
        var origin = origin
        spansLines = false
        var start = 0
        while start < bytes.count {
            let rest = bytes.part(start, bytes.count)
            guard let header = SpoolFrame.read(rest),
                SpoolFrame.headerBytes + header.payloadBytes <= rest.count
            else {
                builder.reject(rest, at: offset &+ UInt64(start), .spoolCorrupt)
                return
            }
            let payload = rest.part(
                SpoolFrame.headerBytes, SpoolFrame.headerBytes + header.payloadBytes)
            origin.arrival = header.arrival
            origin.dialect = header.dialect
            switch header.kind {
            case .datagram:
                let first = offset &+ UInt64(start + SpoolFrame.headerBytes)
                let behind = rest.count - SpoolFrame.headerBytes
                decodeDatagram(payload, readable: behind, at: first, origin)
            case .loss:
                guard countLoss(payload) else {
                    builder.reject(rest, at: offset &+ UInt64(start), .spoolCorrupt)
                    return
                }
            }
            start += Swift.min(
                SpoolFrame.frameBytes(payloadBytes: header.payloadBytes), rest.count)
        }
    }

    /// - Parameter readable: Bytes that may be read from the payload's first on. The frame's header
    ///   can be read before it.
    private mutating func decodeDatagram(
        _ payload: Bytes, readable: Int, at offset: UInt64, _ origin: Origin
    ) {
        guard let base = payload.baseAddress else { return }
        var start = 0
        while start < payload.count {
            if readable - start >= PlainLine.window,
                let line = PlainLine(at: base + start, count: payload.count - start),
                takeKnown(line, origin)
            {
                start += line.byteCount + 1
                continue
            }
            let end = payload.find(0x0a, from: start)
            let line = LineDecoder.withoutSpaceAtEnd(payload.part(start, end))
            let position = offset &+ UInt64(start)
            if line.isEmpty {
                builder.countBlank()
            } else if line[0] == UInt8(ascii: "{") {
                let readable = payload.count - start - line.count
                decodeJSON(line, readable: readable, at: position, origin)
            } else {
                decodeStatsD(line, at: position, origin)
            }
            start = end + 1
        }
    }

    /// Counts the lines that the agent refused, by cause. False when the report makes no sense.
    private mutating func countLoss(_ payload: Bytes) -> Bool {
        guard let report = LossReport(payload), report.lines < 1 << 40 else { return false }
        builder.batch.tally.received += report.lines
        if report.lines > 0 {
            builder.batch.tally.lost[report.cause.word, default: 0] += report.lines
        }
        return true
    }

    // MARK: Lines

    @inline(__always)
    private static func withoutReturn(_ line: Bytes) -> Bytes {
        line.last == 0x0d ? line.part(0, line.count - 1) : line
    }

    /// People type lines with blanks after them.
    @inline(__always)
    private static func withoutSpaceAtEnd(_ line: Bytes) -> Bytes {
        var end = line.count
        while end > 0, line[end - 1].isSpace { end -= 1 }
        return line.part(0, end)
    }
}
