import QuipuModel
import QuipuProtocol

/// The agent's side of ingest.sock: request lines out, answers in (`protocol/ingest.md`).
enum IngestWire {
    static func open(
        id: Int64, _ identity: SourceIdentity, size: UInt64, restart: SourceCursor.Restart?
    ) -> [UInt8] {
        var params: [JSON.Member] = [
            .init(
                "source",
                [
                    "host": .string(identity.host), "kind": .string(identity.kind.rawValue),
                    "key": .string(identity.key), "path": .string(identity.path),
                ]),
            .init("size", number(size)),
        ]
        if let restart {
            params.append(
                .init(
                    "restart",
                    [
                        "cause": .string(restart.cause.rawValue),
                        "lost_bytes": number(restart.lostBytes),
                    ]))
        }
        return line(id, "ingest.open", params)
    }

    /// What a batch says about its source besides the range.
    struct About {
        var sourceID: Int64
        var size: UInt64
        var head: SourceHead?
        /// Microseconds since 1970.
        var arrival: Int64
    }

    static func ship(
        id: Int64, _ shipment: SourceCursor.Shipment, _ about: About
    ) -> [UInt8] {
        let range = shipment.range
        var params: [JSON.Member] = [
            .init("source_id", .int(about.sourceID)), .init("from", number(range.lowerBound)),
            .init("to", number(range.upperBound)),
        ]
        switch shipment {
        case .batch(_, _, _, let isLast):
            params.append(.init("bytes", number(range.upperBound - range.lowerBound)))
            params.append(.init("size", number(about.size)))
            if let head = about.head { params.append(.init("head", JSON(head))) }
            params.append(.init("arrival", .number(Double(about.arrival) / 1_000_000)))
            if isLast { params.append(.init("finished", true)) }
            return line(id, "ingest.batch", params)
        case .skip:
            params += [.init("lines", 1), .init("reason", "line_too_long")]
        case .lost:
            params.append(.init("lost", "deleted"))
        }
        return line(id, "ingest.skip", params)
    }

    private static func line(_ id: Int64, _ method: String, _ params: [JSON.Member]) -> [UInt8] {
        var bytes = JSON.object([
            .init("method", .string(method)), .init("id", .int(id)),
            .init("params", .object(params)),
        ]).bytes
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private static func number(_ value: UInt64) -> JSON { .int(Int64(clamping: value)) }

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
                    head: result["head"].flatMap { SourceHead(json: $0) }))
        )
    }

    private static func failure(_ error: JSON) -> Shipper.Answer {
        let reason = error["data"]?["reason"]?.string
        let notFound: Int64 = -32001
        if reason == "wrong_position" || error["code"]?.int == notFound { return .refused }
        let message = error["message"]?.string ?? "error \(error["code"]?.int ?? 0)"
        return .failed(reason.map { "\(message) (\($0))" } ?? message)
    }
}

extension JSON {
    fileprivate init(_ head: SourceHead) {
        let digits = String(head.hash, radix: 16)
        let zeros = String(repeating: "0", count: 16 - digits.count)
        self = ["bytes": .int(Int64(head.bytes)), "hash": .string(zeros + digits)]
    }
}
