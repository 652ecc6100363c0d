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
            + tally.lost.values.reduce(0, +)
            + UInt64(events.count { !$0.isFurther } + usages.count { !$0.isFurther })
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
            add("identity", event.identity)
            if event.access != .none { parts.append("access=\(event.access)") }
            add("path", event.path)
            parts += described(event.context)
            if event.isFurther { parts.append("further") }
            parts.append("attributes=\(string(event.attributes) ?? "-")")
            parts.append("payload=\(payload(of: event) ?? "-")")
            return parts.joined(separator: " ")
        }
    }

    private func described(_ context: RecordContext) -> [String] {
        let columns = [
            ("project", context.project), ("model", context.model), ("branch", context.branch),
            ("agent_id", context.agentID), ("parent", context.parent), ("user", context.user),
        ]
        return columns.compactMap { name, slice in
            string(slice).map { "\(name)=\($0.debugDescription)" }
        }
    }

    /// Each usage on one line.
    var describedUsages: [String] {
        usages.map { usage in
            let tokens = usage.tokens
            var parts = ["usage"]
            func add(_ name: String, _ slice: Slice) {
                if let text = string(slice) { parts.append("\(name)=\(text.debugDescription)") }
            }
            func add(_ word: String, if isSet: Bool) { if isSet { parts.append(word) } }
            parts.append(usage.timeIsArrival ? "arrival" : "time=\(usage.time.microseconds)")
            add("id", usage.messageID)
            add("request", usage.requestID)
            add("session", usage.session)
            add("task", usage.task)
            add("type", usage.requestType)
            parts += described(usage.context)
            parts.append(
                "in=\(tokens.input) write_5m=\(tokens.cacheWrite5m)"
                    + " write_1h=\(tokens.cacheWrite1h) read=\(tokens.cacheRead)"
                    + " out=\(tokens.output)")
            add("cumulative", if: usage.isCumulative)
            add("final", if: usage.isFinal)
            add("sidechain", if: usage.isSidechain)
            add("synthetic", if: usage.isSynthetic)
            add("fast", if: usage.isFast)
            add("batch", if: usage.isBatch)
            if let cost = usage.statedCostUSD { parts.append("stated=\(cost)") }
            add("further", if: usage.isFurther)
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
