internal import QuipuModel

extension LineDecoder {
    /// `_e{title bytes,text bytes}:title|text|d:…|h:…|k:…|p:…|s:…|t:…|#tags`
    mutating func decodeStatsDEvent(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        guard let parts = StatsDEvent(line), line.isValidUTF8 else {
            let reason: RejectReason = line.isValidUTF8 ? .eventInvalid : .invalidUTF8
            return builder.reject(line, at: offset, reason)
        }
        var event = EventRecord()
        event.kind = builder.literal("log")
        event.name = builder.append(text: parts.title, to: .name)
        let fields = StatsDFields(parts.fields)
        if let type = fields["t:"] {
            if type.equals("error") { event.status = .error }
            if type.equals("success") { event.status = .ok }
        }
        // An event's text is cut where a column ends; the attributes have all of it.
        if event.status == .error, !parts.text.isEmpty {
            event.error = appendUnescaped(parts.text, isMessage: false)
        }
        event.setTime(fields["d:"], origin.arrival)
        event.lineOffset = offset
        let start = builder.batch.bytes.count
        var writer = FieldWriter(start: start)
        writer.write("text", parts.text, &builder)
        writer.write("host", fields["h:"], &builder)
        writer.write("aggregation_key", fields["k:"], &builder)
        writer.write("priority", fields["p:"], &builder)
        writer.write("source_type", fields["s:"], &builder)
        writer.write("alert_type", fields["t:"], &builder)
        write(tagsOf: fields, &writer)
        event.attributes = builder.redact(writer.close(&builder))
        builder.add(event)
    }

    /// `_sc|name|status|d:…|h:…|#tags|m:message`
    mutating func decodeServiceCheck(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        guard let parts = ServiceCheck(line), line.isValidUTF8 else {
            let reason: RejectReason = line.isValidUTF8 ? .serviceCheckInvalid : .invalidUTF8
            return builder.reject(line, at: offset, reason)
        }
        var event = EventRecord()
        event.lineOffset = offset
        event.kind = builder.literal("service_check")
        event.name = builder.append(text: parts.name, to: .name)
        event.status = parts.status == 0x30 ? .ok : .error
        let fields = StatsDFields(parts.fields)
        if event.status == .error, let message = fields["m:"] {
            event.error = appendUnescaped(message, isMessage: true)
        }
        event.setTime(fields["d:"], origin.arrival)
        let start = builder.batch.bytes.count
        var writer = FieldWriter(start: start)
        writer.write("check_status", digit: parts.status, &builder)
        writer.write("host", fields["h:"], &builder)
        writer.write("message", fields["m:"], isMessage: true, &builder)
        write(tagsOf: fields, &writer)
        event.attributes = builder.redact(writer.close(&builder))
        builder.add(event)
    }

    private mutating func appendUnescaped(_ text: Bytes, isMessage: Bool) -> Slice {
        unescapedText.removeAll(keepingCapacity: true)
        forEachUnescaped(of: text, isMessage) { unescapedText.append(contentsOf: $0) }
        return unescapedText.withUnsafeBytes { builder.append(text: $0) }
    }

    private mutating func write(tagsOf fields: StatsDFields, _ writer: inout FieldWriter) {
        let tags = fields["#"]
        guard keepsOrigin else { return writer.write(tags: tags, &builder) }
        fields.origin.write(after: tags ?? Bytes(start: nil, count: 0), to: &tagText)
        tagText.withUnsafeBytes { writer.write(tags: $0, &builder) }
    }
}

extension EventRecord {
    /// Seconds since 1970; a field that is none is passed over, as the Datadog agent does.
    fileprivate mutating func setTime(_ field: Bytes?, _ arrival: Timestamp) {
        let own = field.flatMap(NumberText.parseWhole).flatMap { TimeText.parse(Double($0)) }
        time = own ?? arrival
        timeIsArrival = own == nil
    }
}

/// The parts of an event line.
private struct StatsDEvent {
    let title: Bytes
    let text: Bytes
    /// What follows the text, from its `|` on.
    let fields: Bytes

    /// Nil when the line is no event. Lengths are bytes of UTF-8.
    init?(_ line: Bytes) {
        let comma = line.find(0x2c, from: 3)
        let brace = line.find(0x7d, from: 3)
        guard comma < brace, brace + 1 < line.count, line[brace + 1] == 0x3a,
            let titleCount = NumberText.parseWhole(line.part(3, comma)),
            let textCount = NumberText.parseWhole(line.part(comma + 1, brace)),
            titleCount > 0, titleCount <= line.count, textCount <= line.count
        else { return nil }
        let titleStart = brace + 2
        let textStart = titleStart + titleCount + 1
        let textEnd = textStart + textCount
        guard textEnd <= line.count, line[textStart - 1] == 0x7c,
            textEnd == line.count || line[textEnd] == 0x7c
        else { return nil }
        title = line.part(titleStart, textStart - 1)
        text = line.part(textStart, textEnd)
        fields = line.part(textEnd, line.count)
    }
}

private struct ServiceCheck {
    let name: Bytes
    /// `0` to `3`.
    let status: UInt8
    let fields: Bytes

    init?(_ line: Bytes) {
        let nameEnd = line.find(0x7c, from: 4)
        guard nameEnd > 4, nameEnd + 1 < line.count else { return nil }
        let statusEnd = nameEnd + 2
        guard (0x30...0x33).contains(line[nameEnd + 1]),
            statusEnd == line.count || line[statusEnd] == 0x7c
        else { return nil }
        name = line.part(4, nameEnd)
        status = line[nameEnd + 1]
        fields = line.part(statusEnd, line.count)
    }
}

/// `|key value|key value…`
private struct StatsDFields {
    private let text: Bytes

    init(_ text: Bytes) { self.text = text }

    /// What follows the prefix in the last field that begins with it.
    subscript(prefix: StaticString) -> Bytes? {
        var found: Bytes?
        forEach { field in
            if field.hasPrefix(prefix) {
                found = field.part(prefix.utf8CodeUnitCount, field.count)
            }
        }
        return found
    }

    var origin: StatsDOrigin {
        var origin = StatsDOrigin()
        forEach { _ = origin.take($0) }
        return origin
    }

    private func forEach(_ body: (Bytes) -> Void) {
        var start = 1
        while start < text.count {
            let end = text.find(0x7c, from: start)
            body(text.part(start, end))
            start = end + 1
        }
    }
}

/// Writes the attributes of an event that came as StatsD text.
private struct FieldWriter {
    let start: Int
    private var isEmpty = true

    init(start: Int) { self.start = start }

    private mutating func writeName(_ name: StaticString, _ builder: inout BatchBuilder) {
        builder.write(isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        builder.write(quoted: Bytes(name))
        builder.write(UInt8(ascii: ":"))
        isEmpty = false
    }

    mutating func write(
        _ name: StaticString, _ value: Bytes?, isMessage: Bool = false,
        _ builder: inout BatchBuilder
    ) {
        guard let value, !value.isEmpty else { return }
        writeName(name, &builder)
        builder.write(UInt8(ascii: "\""))
        forEachUnescaped(of: value, isMessage) { builder.write(escaping: $0) }
        builder.write(UInt8(ascii: "\""))
    }

    mutating func write(_ name: StaticString, digit: UInt8, _ builder: inout BatchBuilder) {
        writeName(name, &builder)
        builder.write(digit)
    }

    /// `a:b,c` as `{"a":"b","c":""}`; of a key that comes again the last value counts.
    mutating func write(tags: Bytes?, _ builder: inout BatchBuilder) {
        guard let tags, !tags.isEmpty else { return }
        var pairs: [(key: Bytes, value: Bytes)] = []
        var start = 0
        while start < tags.count, pairs.count < Limits.tagsPerSeriesMax {
            let end = tags.find(0x2c, from: start)
            let tag = tags.part(start, end)
            let colon = tag.find(0x3a, from: 0)
            let key = tag.part(0, colon)
            let value = tag.part(Swift.min(colon + 1, tag.count), tag.count)
            pairs.removeAll { $0.key.equals(key) }
            if !key.isEmpty { pairs.append((key, value)) }
            start = end + 1
        }
        guard !pairs.isEmpty else { return }
        writeName("tags", &builder)
        for (index, pair) in pairs.enumerated() {
            builder.write(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
            builder.write(quoted: pair.key)
            builder.write(UInt8(ascii: ":"))
            builder.write(quoted: pair.value)
        }
        builder.write(UInt8(ascii: "}"))
    }

    mutating func close(_ builder: inout BatchBuilder) -> Slice {
        guard !isEmpty else { return .none }
        builder.write(UInt8(ascii: "}"))
        return Slice(offset: start, count: builder.batch.bytes.count - start)
    }
}

/// Clients write a newline as the two characters `\n`, and `m:` in a check's message as `m\:`,
/// since it could begin a field.
private func forEachUnescaped(of text: Bytes, _ isMessage: Bool, _ body: (Bytes) -> Void) {
    var start = 0
    var search = 0
    while search < text.count {
        let backslash = text.find(UInt8(ascii: "\\"), from: search)
        guard backslash + 1 < text.count else { break }
        search = backslash + 1
        if text[search] == UInt8(ascii: "n") {
            body(text.part(start, backslash))
            body(Bytes("\n"))
            search += 1
            start = search
        } else if isMessage, text[search] == UInt8(ascii: ":"), backslash > start,
            text[backslash - 1] == UInt8(ascii: "m")
        {
            body(text.part(start, backslash))
            start = search
        }
    }
    body(text.part(start, text.count))
}
