internal import QuipuModel

extension LineDecoder {
    /// A line that should be one JSON object.
    mutating func decodeJSON(
        _ line: Bytes, readable: Int, at offset: UInt64, _ origin: Origin
    ) {
        if origin.context.writer == .claude, TranscriptPrefilter.saysNothing(line) {
            return builder.countBlank()
        }
        switch document.parse(line, readable: readable) {
        case nil: takeObject(line, at: offset, origin)
        case .invalidJSON, .invalidUTF8: recover(line, at: offset, origin)
        case let reason?: builder.reject(line, at: offset, reason)
        }
    }

    /// The object that `document` holds. Text of several lines is taken without the white space
    /// between its parts, since what is stored and answered stands on one line. What a document's
    /// element gave carries its hash.
    private mutating func takeObject(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        guard spansLines else { return takeRecord(line, at: offset, origin) }
        let (events, usages) = (builder.batch.events.count, builder.batch.usages.count)
        var text: [UInt8] = []
        swap(&text, &compactText)
        CompactJSON.write(line, to: &text)
        text.withUnsafeBytes { text in
            if document.parse(text, readable: 0) == nil { takeRecord(text, at: offset, origin) }
        }
        if origin.context.kind == .document {
            let element = text.withUnsafeBytes { ElementHash.of($0) }
            builder.mark(element, eventsFrom: events, usagesFrom: usages)
        }
        swap(&text, &compactText)
    }

    private mutating func takeRecord(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        let isHook = document.text(.hookEvent) != nil
        let hasEvent = document.text(.event) != nil
        // A sample that is told again could not be told from another one of the same value.
        if origin.context.kind != .document, isNativeMetric, !hasEvent, !isHook {
            if let reason = takeNativeMetric(origin) {
                builder.reject(line, at: offset, reason)
            } else {
                builder.countMetricLine()
            }
            return
        }
        if !hasEvent, !isHook, let reason = usageProblem {
            return builder.reject(line, at: offset, reason)
        }
        let before = builder.progress
        takeEvents(isOwn: isHook || hasEvent, at: offset, origin)
        builder.refuseExcess(since: before, line, at: offset)
    }

    /// A sample without a name is one, too, if it has a value.
    private var isNativeMetric: Bool {
        guard let name = document[.metric]?.stringText else { return false }
        return !name.isEmpty || document.index(.value) != nil || document.index(.values) != nil
    }

    /// - Parameter isOwn: Whether the line names its event, as hooks and applications do.
    private mutating func takeEvents(isOwn: Bool, at offset: UInt64, _ origin: Origin) {
        if !isOwn,
            let format = LineFormat.all.first(where: { $0.recognizes(document, origin.context) })
        {
            return format.read(&self, LinePlace(offset: offset, origin: origin))
        }
        var reader = EventReader(document, origin.context, zone: zone)
        var event = reader.read(at: offset, arrival: origin.arrival, into: &builder)
        if builder.isTaskLine(event) {
            TaskReader(document, origin.context, zone: zone).read(&event, into: &builder)
        }
        builder.add(event)
    }

    // MARK: Damaged lines

    /// Takes what objects there are out of a line that is not one: records that were welded
    /// together, cut off by a later one, or that follow a run of NULs. Everything between them is
    /// one rejected line.
    private mutating func recover(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        var search = DamagedLine(line, isDocument: origin.context.kind == .document)
        while let fragment = search.next() {
            let text = line.part(fragment.lowerBound, fragment.upperBound)
            guard document.parse(text, readable: line.count - fragment.upperBound) == nil else {
                search.refuse()
                continue
            }
            search.accept(fragment)
            takeObject(text, at: offset &+ UInt64(fragment.lowerBound), origin)
        }
        guard let bad = search.firstBad else {
            guard !search.foundAny else { return }
            if line.contains(0) {
                builder.reject(line, at: offset, .nulBytes)
            } else {
                // The brackets and commas of an array among lines.
                builder.countBlank()
            }
            return
        }
        builder.reject(
            line.part(bad, line.count), at: offset &+ UInt64(bad),
            line.isValidUTF8 ? .invalidJSON : .invalidUTF8)
    }
}

/// Looks for whole objects in a line that is no object itself.
///
/// A candidate is an object at the line's beginning or directly after another one. Elsewhere it
/// must look like the beginning of a record (`{"`), must not stand where a member's value or an
/// element would, and must reach to the end of the line or to the next object: else a torn line's
/// inner objects would pass for records.
struct DamagedLine {
    private let line: Bytes
    /// Elements stand behind each other: an object may also reach to a comma or bracket.
    private let isDocument: Bool
    private var position = 0
    private var isAtBoundary = true
    /// Bytes that may still be looked at, so that no line takes more than linear time.
    private var budget: Int
    private(set) var firstBad: Int?
    private(set) var foundAny = false

    init(_ line: Bytes, isDocument: Bool) {
        self.line = line
        self.isDocument = isDocument
        budget = 8 * line.count
    }

    /// The next candidate; answer with `accept` or `refuse`.
    mutating func next() -> Range<Int>? {
        while position < line.count {
            let byte = line[position]
            if byte == 0 || byte.isSpace || isAtBoundary && RecordSplitter.separates(byte) {
                position += 1
                continue
            }
            if byte == UInt8(ascii: "{"), isAtBoundary || looksLikeRecord, budget > 0 {
                if let end = matchingBrace(), isAtBoundary || endsWell(end) {
                    return position..<end
                }
            }
            skip()
        }
        return nil
    }

    mutating func accept(_ fragment: Range<Int>) {
        position = fragment.upperBound
        isAtBoundary = true
        foundAny = true
    }

    mutating func refuse() { skip() }

    /// Goes on to the next brace.
    private mutating func skip() {
        if firstBad == nil { firstBad = position }
        isAtBoundary = false
        position = line.find(UInt8(ascii: "{"), from: position + 1)
    }

    private var looksLikeRecord: Bool {
        var before = position - 1
        while before >= 0, line[before].isSpace { before -= 1 }
        if before >= 0, [0x3a, 0x2c, 0x5b].contains(line[before]) { return false }
        var after = position + 1
        while after < line.count, line[after].isSpace { after += 1 }
        return after < line.count && line[after] == UInt8(ascii: "\"")
    }

    private func endsWell(_ end: Int) -> Bool {
        var after = end
        while after < line.count, line[after] == 0 || line[after].isSpace { after += 1 }
        return after == line.count || line[after] == UInt8(ascii: "{")
            || isDocument && RecordSplitter.separates(line[after])
    }

    /// The end of the object that begins at `position`, by its braces outside of strings.
    private mutating func matchingBrace() -> Int? {
        var depth = 0
        var isInString = false
        var index = position
        defer { budget -= index - position }
        while index < line.count {
            switch line[index] {
            case UInt8(ascii: "\\") where isInString: index += 1
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "{") where !isInString: depth += 1
            case UInt8(ascii: "}") where !isInString:
                depth -= 1
                if depth == 0 { return index + 1 }
            default: break
            }
            index += 1
        }
        return nil
    }
}
