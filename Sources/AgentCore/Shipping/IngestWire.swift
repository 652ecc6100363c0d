import QuipuModel
import QuipuProtocol

/// The agent's side of ingest.sock: request lines out, answers in (`protocol/ingest.md`).
enum IngestWire {
    static func open(
        id: Int64, _ source: SourceIdentity, size: UInt64, restart: IngestOpen.Restart?
    ) -> [UInt8] {
        let open = IngestOpen(source: source, sizeBytes: size, restart: restart)
        return line(id, "ingest.open", open.params)
    }

    /// What a batch says about its source besides the range.
    struct About {
        var sourceID: Int64
        var size: UInt64
        var head: SourceHead?
        var arrival: Timestamp
    }

    static func ship(
        id: Int64, _ shipment: SourceCursor.Shipment, _ about: About
    ) -> [UInt8] {
        let range = shipment.range
        switch shipment {
        case .batch(_, _, _, let isLast):
            let batch = IngestBatch(
                sourceID: about.sourceID, from: range.lowerBound, to: range.upperBound,
                byteCount: range.count, sizeBytes: about.size, head: about.head,
                arrival: about.arrival, finished: isLast)
            return line(id, "ingest.batch", batch.params)
        case .skip: return skip(id, range, about, .rejected(.lineTooLong))
        case .lost: return skip(id, range, about, .lost("deleted"))
        }
    }

    private static func skip(
        _ id: Int64, _ range: Range<UInt64>, _ about: About, _ why: IngestSkip.Why
    ) -> [UInt8] {
        let skip = IngestSkip(
            sourceID: about.sourceID, from: range.lowerBound, to: range.upperBound, lines: 1,
            why: why, head: about.head)
        return line(id, "ingest.skip", skip.params)
    }

    private static func line(_ id: Int64, _ method: String, _ params: JSON) -> [UInt8] {
        let request: JSON = ["method": .string(method), "id": .int(id), "params": params]
        return request.bytes + [UInt8(ascii: "\n")]
    }

    /// An answer and the id of the request that it belongs to; nil when it is none.
    static func answer(_ line: some Collection<UInt8>) -> (id: Int64, answer: Shipper.Answer)? {
        guard let reply = try? JSON.parse(line), let id = reply["id"]?.int else { return nil }
        if let error = reply["error"] { return (id, failure(error)) }
        guard let result = reply["result"],
            let position = result["position"]?.int.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        guard let source = result["source_id"]?.int else {
            return (
                id, .advanced(position: position, isDurable: result["durable"]?.bool ?? true)
            )
        }
        return (
            id,
            .opened(
                SourceCursor.Opened(
                    id: source, incarnation: result["incarnation"]?.int ?? 1, position: position,
                    head: result["head"].flatMap(SourceHead.init)))
        )
    }

    private static func failure(_ error: JSON) -> Shipper.Answer {
        let reason = error["data"]?["reason"]?.string
        let notFound: Int64 = -32001
        if reason == "wrong_position" || error["code"]?.int == notFound { return .refused }
        // The daemon may know less than this agent: which word it does not take is what helps.
        let parts = [error["message"], error["data"]?["path"], error["data"]?["hint"]]
            .compactMap { $0?.string }
        return .failed(
            parts.isEmpty ? "error \(error["code"]?.int ?? 0)" : parts.joined(separator: ": "))
    }
}
