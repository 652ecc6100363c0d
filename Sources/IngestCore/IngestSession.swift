public import QuipuModel
public import QuipuProtocol

/// One agent's connection: which sources it has opened, what it may ask, and what the answers say.
/// A pure state machine: it says what to do and is told what came of it.
public struct IngestSession: Sendable {
    public struct Source: Sendable {
        public var kind: SourceKind
        /// How large the agent saw it.
        public var size: UInt64
        /// Which of the stores, one after the other, gave its id: another one's ids are others.
        public var generation: Int
    }

    /// What a request wants done.
    public enum Action: Sendable {
        case open(IngestOpen)
        /// To be decoded and committed.
        case batch(IngestBatch, Source)
        /// To be committed as it is.
        case skip(IngestSkip, Source)
    }

    /// What became of a batch or skip in the store.
    public enum Outcome: Sendable {
        case stored(isDurable: Bool)
        /// `from` was not the position.
        case refused(position: UInt64)
        case unknownSource
    }

    private let hostNames: Set<String>
    private var sources: [Int64: Source] = [:]
    /// Of the store that gave the first id.
    private var generation: Int?

    /// - Parameter hostNames: What agents of before name that mean the daemon's own machine.
    public init(hostNames: Set<String>) { self.hostNames = hostNames }

    /// - Parameter lastByte: The last of the raw bytes that came with it.
    public mutating func take(
        _ request: Request, lastByte: UInt8?, now: Timestamp
    ) throws(RPCError) -> Action {
        guard let method = IngestMethod(rawValue: request.method) else {
            throw RPCError(
                .methodNotFound, path: "method",
                hint: "ingest.sock has ingest.open, ingest.batch and ingest.skip")
        }
        var parameters = Parameters(request.params, now: now)
        switch method {
        case .open:
            var open = try parameters.ingestOpen()
            if hostNames.contains(open.source.host) { open.source.host = SourceIdentity.ownHost }
            guard !open.source.key.hasPrefix(SourceKey.daemonPrefix) else {
                throw .invalid("source.key", "\(SourceKey.daemonPrefix) begins the daemon's own")
            }
            open.source.key = SourceKey.lasting(open.source.key)
            return .open(open)
        case .batch: return try take(try parameters.ingestBatch(), lastByte)
        case .skip:
            let skip = try parameters.ingestSkip()
            var source = try source(skip.sourceID)
            source.size = max(source.size, skip.to)
            return .skip(skip, source)
        }
    }

    private mutating func take(
        _ batch: IngestBatch, _ lastByte: UInt8?
    ) throws(RPCError) -> Action {
        var source = try source(batch.sourceID)
        // The position would move past half a line, and its other half would be lost. Where a
        // document's record ends is its agent's to know.
        if source.kind == .file, !batch.finished, batch.byteCount > 0,
            lastByte != UInt8(ascii: "\n")
        {
            throw .invalid("bytes", "whole lines, or finished")
        }
        source.size = max(batch.sizeBytes ?? batch.to, batch.to)
        sources[batch.sourceID] = source
        return .batch(batch, source)
    }

    private func source(_ id: Int64) throws(RPCError) -> Source {
        guard let source = sources[id] else {
            throw RPCError(
                .notFound, path: "source_id",
                hint: "open the source on this connection first (ingest.open)")
        }
        return source
    }

    /// A loss is told of a source that another agent has open.
    public static let stillRead = RPCError(
        .unavailable, reason: "still_read", path: "lost",
        hint: "another agent has it open and may send it; tell it again later")

    /// The store has an account for the source. A connection gets ids of one store only: it is
    /// closed when another one takes its place, and what is still read of it means the ids before.
    public mutating func opened(_ open: IngestOpen, id: Int64, generation: Int) {
        guard self.generation ?? generation == generation else { return }
        self.generation = generation
        sources[id] = Source(
            kind: open.source.kind, size: open.sizeBytes, generation: generation)
    }

    /// The answer to an opening.
    public static func answer(
        id: Int64, incarnation: Int64, position: UInt64, head: SourceHead?
    ) -> JSON {
        [
            "source_id": .int(id), "incarnation": .int(incarnation),
            "position": .int(Int64(clamping: position)), "head": head?.json ?? .null,
        ]
    }

    /// The answer to a batch or skip that ends at `to`.
    public static func answer(
        _ outcome: Outcome, to end: UInt64
    ) -> Result<JSON, RPCError> {
        switch outcome {
        case .stored(let isDurable):
            return .success([
                "position": .int(Int64(clamping: end)), "durable": .bool(isDurable),
            ])
        case .refused(let position):
            return .failure(
                RPCError(
                    .invalidParams, reason: "wrong_position", path: "from",
                    hint: "go on from position",
                    extra: [.init("position", .int(Int64(clamping: position)))]))
        case .unknownSource:
            return .failure(
                RPCError(.notFound, path: "source_id", hint: "open the source again"))
        }
    }
}
