public import QuipuModel

/// `ingest.open`.
public struct IngestOpen: Sendable, Equatable {
    public var source: SourceIdentity
    /// Bytes that the source has now.
    public var sizeBytes: UInt64
    public var restart: Restart?

    /// The file was rewritten in place; its next incarnation begins.
    public struct Restart: Sendable, Equatable {
        public var cause: Cause
        /// Bytes that were destroyed unread, as far as the agent knows.
        public var lostBytes: UInt64
        /// The one that it ends, and the position that the agent knows of it. Where another agent
        /// has gone on since, nothing is begun.
        public var incarnation: Int64?
        public var position: UInt64?

        public enum Cause: String, Sendable, CaseIterable {
            case truncated, rewritten
        }

        public init(
            cause: Cause, lostBytes: UInt64, incarnation: Int64? = nil, position: UInt64? = nil
        ) {
            self.cause = cause
            self.lostBytes = lostBytes
            self.incarnation = incarnation
            self.position = position
        }
    }

    public init(source: SourceIdentity, sizeBytes: UInt64, restart: Restart? = nil) {
        self.source = source
        self.sizeBytes = sizeBytes
        self.restart = restart
    }

    public var params: JSON {
        var identity: [JSON.Member] = [
            JSON.Member("kind", .string(source.kind.rawValue)),
            JSON.Member("key", .string(source.key)), JSON.Member("path", .string(source.path)),
        ]
        if source.host != SourceIdentity.ownHost {
            identity.append(JSON.Member("host", .string(source.host)))
        }
        if let former = source.formerKey {
            identity.append(JSON.Member("former_key", .string(former)))
        }
        var members: [JSON.Member] = [
            JSON.Member("source", .object(identity)),
            JSON.Member("size", .int(Int64(clamping: sizeBytes))),
        ]
        if let restart {
            var value: [JSON.Member] = [
                JSON.Member("cause", .string(restart.cause.rawValue)),
                JSON.Member("lost_bytes", .int(Int64(clamping: restart.lostBytes))),
            ]
            if let incarnation = restart.incarnation {
                value.append(JSON.Member("incarnation", .int(incarnation)))
            }
            if let position = restart.position {
                value.append(JSON.Member("position", .int(Int64(clamping: position))))
            }
            members.append(JSON.Member("restart", .object(value)))
        }
        return .object(members)
    }
}

/// `ingest.batch`, without its bytes.
public struct IngestBatch: Sendable, Equatable {
    public var sourceID: Int64
    public var from: UInt64
    public var to: UInt64
    /// How many raw bytes follow the request's line; equals `to - from`.
    public var byteCount: Int
    /// Bytes that the source has, as far as the agent has seen.
    public var sizeBytes: UInt64?
    public var head: SourceHead?
    /// Nil: when the daemon read it.
    public var arrival: Timestamp?
    public var finished: Bool

    public init(
        sourceID: Int64, from: UInt64, to: UInt64, byteCount: Int, sizeBytes: UInt64? = nil,
        head: SourceHead? = nil, arrival: Timestamp? = nil, finished: Bool = false
    ) {
        self.sourceID = sourceID
        self.from = from
        self.to = to
        self.byteCount = byteCount
        self.sizeBytes = sizeBytes
        self.head = head
        self.arrival = arrival
        self.finished = finished
    }

    public var params: JSON {
        var members: [JSON.Member] = [
            JSON.Member("source_id", .int(sourceID)),
            JSON.Member("from", .int(Int64(clamping: from))),
            JSON.Member("to", .int(Int64(clamping: to))),
            JSON.Member("bytes", .int(Int64(byteCount))),
        ]
        if let sizeBytes { members.append(JSON.Member("size", .int(Int64(clamping: sizeBytes)))) }
        if let head { members.append(JSON.Member("head", head.json)) }
        if let arrival {
            members.append(JSON.Member("arrival", .number(Double(arrival.microseconds) / 1e6)))
        }
        if finished { members.append(JSON.Member("finished", true)) }
        return .object(members)
    }
}

/// `ingest.skip`: a range that is not sent.
public struct IngestSkip: Sendable, Equatable {
    public var sourceID: Int64
    public var from: UInt64
    public var to: UInt64
    public var lines: UInt64
    public var why: Why
    /// The source's first bytes, where nothing was sent that says what they are.
    public var head: SourceHead?

    public enum Why: Sendable, Equatable {
        case rejected(RejectReason)
        /// Destroyed before it could be read; the cause as the ledger shows it.
        case lost(String)
    }

    public init(
        sourceID: Int64, from: UInt64, to: UInt64, lines: UInt64, why: Why,
        head: SourceHead? = nil
    ) {
        self.head = head
        self.sourceID = sourceID
        self.from = from
        self.to = to
        self.lines = lines
        self.why = why
    }

    public var params: JSON {
        var members: [JSON.Member] = [
            JSON.Member("source_id", .int(sourceID)),
            JSON.Member("from", .int(Int64(clamping: from))),
            JSON.Member("to", .int(Int64(clamping: to))),
            JSON.Member("lines", .int(Int64(clamping: lines))),
        ]
        switch why {
        case .rejected(let reason): members.append(JSON.Member("reason", .string(reason.rawValue)))
        case .lost(let cause): members.append(JSON.Member("lost", .string(cause)))
        }
        if let head { members.append(JSON.Member("head", head.json)) }
        return .object(members)
    }
}

extension SourceHead {
    public var json: JSON {
        let digits = String(hash, radix: 16)
        return [
            "bytes": .int(Int64(bytes)),
            "hash": .string(String(repeating: "0", count: 16 - digits.utf8.count) + digits),
        ]
    }

    /// Nil when it is none: `{"bytes": 0…1024, "hash": 16 hexadecimal digits}`.
    public init?(json: JSON) {
        guard let bytes = json["bytes"]?.int, (0...Int64(Limits.headBytes)).contains(bytes),
            let text = json["hash"]?.string, text.utf8.count == 16,
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let hash = UInt64(text, radix: 16)
        else { return nil }
        self.init(bytes: Int(bytes), hash: hash)
    }
}
