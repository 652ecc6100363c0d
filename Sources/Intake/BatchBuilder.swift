internal import QuipuModel

/// A `DecodedBatch` in the making.
struct BatchBuilder {
    /// Columns whose text often repeats from record to record.
    enum Column: Int, CaseIterable {
        case kind, name, session, task, agent
        case project, model, branch, agentID, parent, user, requestType
    }

    var batch = DecodedBatch()
    /// Members that the next record has besides those of its line.
    var extras: [ExtraMember] = []
    let payloadBytesMax: Int
    private let textBytesMax: Int
    private let redactor: Redactor
    /// Made when the first secret is found.
    private var check: JSONPieceCheck?
    private var literals: [(word: UnsafePointer<UInt8>, slice: Slice)] = []
    private var latest = [Slice](repeating: .none, count: Column.allCases.count)

    init(options: DecoderOptions) {
        redactor = Redactor(options.redaction)
        payloadBytesMax = options.payloadBytesMax
        textBytesMax = options.textBytesMax
    }

    /// Hands the batch over and begins the next.
    mutating func take() -> DecodedBatch {
        defer {
            batch = DecodedBatch()
            forgetTexts()
        }
        return batch
    }

    private mutating func forgetTexts() {
        literals.removeAll(keepingCapacity: true)
        for index in latest.indices { latest[index] = .none }
    }

    /// Makes room for text.
    mutating func reserve(_ bytes: Int) {
        // What is never written to costs no memory.
        batch.bytes.reserveCapacity(bytes)
        batch.payloads.reserveCapacity(bytes)
    }

    /// Appends bytes to the batch's text.
    mutating func append(_ bytes: Bytes) -> Slice {
        let offset = batch.bytes.count
        batch.bytes.append(contentsOf: bytes)
        return Slice(offset: offset, count: bytes.count)
    }

    /// As `append`, but a text that is the same as the column's last one is held once.
    mutating func append(_ bytes: Bytes, to column: Column) -> Slice {
        let before = latest[column.rawValue]
        if !before.isNone, before.range.count == bytes.count {
            let isSame = batch.bytes.withUnsafeBytes {
                $0.part(before.range.lowerBound, before.range.upperBound).equals(bytes)
            }
            if isSame { return before }
        }
        let slice = append(bytes)
        latest[column.rawValue] = slice
        return slice
    }

    /// Text of a line for a column: without secrets, and cut to what a column holds.
    mutating func append(
        text: Bytes, to column: Column? = nil, bytesMax: Int = Limits.columnBytesMax,
        isJSON: Bool = false
    ) -> Slice {
        let whole = text.prefixOfWholeCharacters(
            text.count > bytesMax ? bytesMax + 4_096 : text.count)
        guard redactor.finds(in: whole, isJSON: isJSON) else {
            let cut = text.prefixOfWholeCharacters(bytesMax)
            return column.map { append(cut, to: $0) } ?? append(cut)
        }
        let start = batch.bytes.count
        batch.redacted += redactor.append(whole, isJSON: isJSON, to: &batch.bytes)
        let end = batch.bytes.withUnsafeBytes { bytes in
            let text = bytes.part(start, bytes.count)
            return start + text.prefixOfWholeCharacters(bytesMax).count
        }
        batch.bytes.removeSubrange(end...)
        return Slice(offset: start, count: end - start)
    }

    /// Appends JSON text, a value or a member, without secrets.
    mutating func write(json: Bytes) {
        let start = batch.bytes.count
        let found = redactor.append(json, isJSON: true, to: &batch.bytes)
        batch.redacted += found
        guard found > 0 else { return }
        // What looks like a secret may reach beyond the string that it began in, and answers give
        // this text as it is: then nothing of the value stays.
        let piece = JSONPiece(json)
        var check = check ?? JSONPieceCheck()
        let isWhole = batch.bytes.withUnsafeBytes {
            check.passes($0.part(start, $0.count), like: piece)
        }
        self.check = check
        guard !isWhole else { return }
        batch.bytes.removeSubrange(start...)
        if let name = piece.name {
            if redactor.finds(in: name, isJSON: true) {
                writeMark()
            } else {
                batch.bytes.append(contentsOf: name)
            }
            batch.bytes.append(UInt8(ascii: ":"))
        }
        writeMark()
    }

    private mutating func writeMark() {
        batch.bytes.append(UInt8(ascii: "\""))
        batch.bytes.append(contentsOf: Bytes(SecretScan.mark))
        batch.bytes.append(UInt8(ascii: "\""))
    }

    /// A word of ours, held once in a batch.
    mutating func literal(_ word: StaticString) -> Slice {
        if let known = literals.first(where: { $0.word == word.utf8Start }) { return known.slice }
        let slice = append(Bytes(word))
        literals.append((word.utf8Start, slice))
        return slice
    }

    /// The JSON text that was written last, without secrets.
    mutating func redact(_ slice: Slice) -> Slice {
        guard !slice.isNone else { return slice }
        let isClean = batch.bytes.withUnsafeBytes {
            !redactor.finds(
                in: $0.part(slice.range.lowerBound, slice.range.upperBound), isJSON: true)
        }
        if isClean { return slice }
        let text = Array(batch.bytes[slice.range])
        batch.bytes.removeSubrange(slice.range.lowerBound...)
        text.withUnsafeBytes { write(json: $0) }
        return Slice(
            offset: slice.range.lowerBound, count: batch.bytes.count - slice.range.lowerBound)
    }

    /// Counts a line that could not be read and keeps its beginning.
    mutating func reject(_ line: Bytes, at offset: UInt64, _ reason: RejectReason) {
        batch.tally.received += 1
        batch.tally.rejected[reason, default: 0] += 1
        // Only these can be shown, so a hostile sender costs no more memory than that.
        guard batch.rejects.count < Limits.rejectsKeptPerSource else { return }
        let head = line.part(0, Swift.min(line.count, Limits.rejectedLineKeptBytes))
        var kept: [UInt8] = []
        batch.redacted += redactor.append(head, isJSON: true, to: &kept)
        batch.rejects.append(RejectedLine(lineOffset: offset, reason: reason, head: kept))
    }

    /// How far the batch is before a line that is no metric.
    struct Progress {
        fileprivate let bytes, payloads, events, usages, taskChanges: Int
        fileprivate let received, blank, redacted: UInt64
    }

    var progress: Progress {
        Progress(
            bytes: batch.bytes.count, payloads: batch.payloads.count, events: batch.events.count,
            usages: batch.usages.count, taskChanges: batch.taskChanges.count,
            received: batch.tally.received, blank: batch.tally.blank, redacted: batch.redacted)
    }

    /// Takes back what `line` gave when the batch's texts became too long by it, and rejects it.
    mutating func refuseExcess(
        since before: Progress, _ line: Bytes, at offset: UInt64
    ) {
        guard Swift.max(batch.bytes.count, batch.payloads.count) > textBytesMax else { return }
        batch.bytes.removeSubrange(before.bytes...)
        batch.payloads.removeSubrange(before.payloads...)
        batch.events.removeSubrange(before.events...)
        batch.usages.removeSubrange(before.usages...)
        batch.taskChanges.removeSubrange(before.taskChanges...)
        batch.tally.received = before.received
        batch.tally.blank = before.blank
        batch.redacted = before.redacted
        // Some of them stood in what is gone.
        forgetTexts()
        reject(line, at: offset, .lineTooLong)
    }

    /// Adds a record. Of several of one line, only the first counts as the line.
    mutating func add(_ event: EventRecord) {
        if !event.isFurther { batch.tally.received += 1 }
        batch.events.append(event)
    }

    mutating func add(_ usage: UsageRecord) {
        if !usage.isFurther { batch.tally.received += 1 }
        batch.usages.append(usage)
    }

    /// Says of the records from these indices on which element they came from.
    mutating func mark(_ element: UInt64, eventsFrom: Int, usagesFrom: Int) {
        for index in batch.events.indices[eventsFrom...] { batch.events[index].element = element }
        for index in batch.usages.indices[usagesFrom...] { batch.usages[index].element = element }
    }

    /// Counts a line whose samples have been taken up.
    mutating func countMetricLine() {
        batch.tally.received += 1
        batch.tally.stored += 1
    }

    mutating func countBlank() {
        batch.tally.received += 1
        batch.tally.blank += 1
    }
}

// MARK: - JSON text

extension BatchBuilder {
    mutating func write(_ byte: UInt8) { batch.bytes.append(byte) }

    mutating func write(_ word: StaticString) { batch.bytes.append(contentsOf: Bytes(word)) }

    mutating func write(_ bytes: Bytes) { batch.bytes.append(contentsOf: bytes) }

    mutating func write(decimal value: Int) {
        if value >= 10 { write(decimal: value / 10) }
        write(0x30 + UInt8(value % 10))
    }

    /// A JSON string. `bytes` must be valid UTF-8.
    mutating func write(quoted bytes: Bytes) {
        write(UInt8(ascii: "\""))
        write(escaping: bytes)
        write(UInt8(ascii: "\""))
    }

    /// The inside of a JSON string.
    mutating func write(escaping bytes: Bytes) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): write("\\\"")
            case UInt8(ascii: "\\"): write("\\\\")
            case 0x0a: write("\\n")
            case 0..<0x20:
                write("\\u00")
                write(byte >> 4 == 0 ? 0x30 : 0x31)
                write(Bytes("0123456789abcdef")[Int(byte & 15)])
            default: write(byte)
            }
        }
    }
}
