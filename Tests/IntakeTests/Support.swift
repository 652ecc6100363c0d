import Intake
import QuipuModel
import Sketches
import Testing

let arrival = Timestamp(microseconds: 1_800_000_000_000_000)

/// Decodes bytes as one batch of a source.
func decode(
    _ bytes: [UInt8], path: String = "/var/log/app.jsonl", kind: SourceKind = .file,
    at offset: UInt64 = 0, finished: Bool = true, decoder: Decoder = Decoder()
) -> DecodedBatch {
    bytes.withUnsafeBytes {
        decoder.decode(
            $0, at: offset, context: SourceContext(kind: kind, path: path), arrival: arrival,
            finished: finished)
    }
}

func decode(_ text: String, path: String = "/var/log/app.jsonl") -> DecodedBatch {
    decode(Array(text.utf8), path: path)
}

/// One datagram in its frame.
func frame(
    _ payload: [UInt8], dialect: Dialect = .statsd, kind: SpoolFrame.Kind = .datagram,
    at time: Timestamp = arrival
) -> [UInt8] {
    var bytes = [UInt8](
        repeating: 0, count: SpoolFrame.frameBytes(payloadBytes: payload.count))
    bytes.withUnsafeMutableBytes {
        SpoolFrame.write(
            SpoolFrame.Header(
                kind: kind, dialect: dialect, payloadBytes: payload.count, arrival: time,
                sequence: 1), to: $0)
    }
    bytes.replaceSubrange(
        SpoolFrame.headerBytes..<SpoolFrame.headerBytes + payload.count, with: payload)
    return bytes
}

/// Datagrams, one for each text.
func decodeDatagrams(_ payloads: [String], dialect: Dialect = .statsd) -> DecodedBatch {
    decode(
        payloads.flatMap { frame(Array($0.utf8), dialect: dialect) }, path: "", kind: .datagrams)
}

func decodeDatagram(_ payload: String, dialect: Dialect = .statsd) -> DecodedBatch {
    decodeDatagrams([payload], dialect: dialect)
}

extension DecodedBatch {
    /// Every received line ended in exactly one way.
    var closes: Bool {
        tally.received == tally.stored + tally.blank + tally.rejected.values.reduce(0, +)
            + tally.lost.values.reduce(0, +) + UInt64(events.count)
    }

    /// Each record on one line, columns that are set only.
    var described: [String] {
        events.map { event in
            var parts = ["kind=\(string(event.kind) ?? "")"]
            func add(_ name: String, _ slice: Slice) {
                if let text = string(slice) { parts.append("\(name)=\(text.debugDescription)") }
            }
            add("name", event.name)
            if let word = event.status.word { parts.append("status=\(word)") }
            if event.half != .whole { parts.append("half=\(event.half)") }
            parts.append(event.timeIsArrival ? "arrival" : "time=\(event.time.microseconds)")
            if event.durationMicroseconds >= 0 { parts.append("us=\(event.durationMicroseconds)") }
            add("session", event.session)
            add("task", event.task)
            add("agent", event.agent)
            add("error", event.error)
            add("id", event.toolUseID)
            parts.append("attributes=\(string(event.attributes) ?? "-")")
            parts.append("payload=\(payload(of: event) ?? "-")")
            return parts.joined(separator: " ")
        }
    }

    /// The rollups of a series, by its name and tags.
    func rollups(_ name: String, tags: String? = nil) -> [RollupDelta] {
        rollups.filter {
            string(series[$0.series].name) == name && string(series[$0.series].tags) == tags
        }
    }
}
