internal import Intake
internal import NIOCore
internal import NIOPosix
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// Serves `ingest.sock`: batches from agents, decoded here, committed in groups, answered in order
/// after their commit.
struct IngestServer: Sendable {
    let acceptor: Acceptor
    let committer: Committer
    let agents: AgentRegister
    let statistics: Statistics
    let group: any EventLoopGroup
    let hostName: String
    /// What a user decided about reading lines.
    let decoding: DecoderOptions
    let traffic: TrafficLog?
    let waiting: WaitingReplies

    func run(_ connections: AsyncStream<AcceptedConnection>) async {
        await withDiscardingTaskGroup { tasks in
            for await accepted in connections {
                tasks.addTask {
                    await serve(accepted)
                    acceptor.release(accepted)
                }
            }
            tasks.cancelAll()
        }
    }

    private func serve(_ accepted: AcceptedConnection) async {
        let now = Timestamp(microseconds: WallClock.microseconds())
        let agent = agents.connect(
            HealthReport.Agent(
                processID: accepted.peer.processID, userID: accepted.peer.userID,
                connectedSince: now, lastBatch: nil))
        defer { agents.disconnect(agent) }
        do {
            let (waiting, statistics) = (waiting, statistics)
            let channel = try await QueryServer.adopt(accepted.descriptor, group: group) {
                channel in
                try channel.pipeline.syncOperations.addHandler(IngestFraming())
                try channel.pipeline.syncOperations.addHandler(
                    ReaderWatch(waiting: waiting) { bound in
                        statistics.readerCut()
                        statistics.hit(limit: bound)
                    })
                return try NIOAsyncChannel<IngestFrame, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(backPressureStrategy: QueryServer.framesAhead))
            }
            agents.canClose(agent) { channel.channel.close(promise: nil) }
            try await channel.executeThenClose { inbound, outbound in
                try await converse(inbound, outbound, agent: agent)
            }
        } catch {
            // The agent is gone; it will ask for its positions again.
        }
    }

    private func converse(
        _ inbound: NIOAsyncChannelInboundStream<IngestFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, agent: Int
    ) async throws {
        let (answers, queue) = AsyncStream<PendingAnswer>.makeStream()
        let places = WaitingRoom(Limits.agentRequestsWaitingMax)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                // Who reads no answers is heard no further, until it is cut.
                defer { places.close() }
                for await answer in answers {
                    let reply = await answer.reply()
                    traffic?.record(request: answer.line, reply: reply)
                    if let reply { try await outbound.write(reply) }
                    places.leave()
                }
            }
            var connection = IngestConnection(server: self, agent: agent)
            for try await frame in inbound {
                await places.enter()
                queue.yield(await connection.take(frame))
                if case .broken = frame { break }
            }
            queue.finish()
            try await tasks.waitForAll()
        }
    }
}

/// An answer that may have to wait for a commit, in the order of its request.
struct PendingAnswer: Sendable {
    var line: ByteBuffer
    var id: JSON?
    var outcome: @Sendable () async -> Result<JSON, RPCError>

    func reply() async -> ByteBuffer? {
        let outcome = await outcome()
        return id.map { Replies.line(Reply(id: $0, outcome: outcome).json) }
    }
}

/// One agent's connection: its decoder, and what is known of its sources.
struct IngestConnection {
    private struct Source {
        var kind: SourceKind
        var context: SourceContext
        var size: UInt64
    }

    private let server: IngestServer
    private let agent: Int
    private let decoder: Decoder
    private let packer = PayloadPacker()
    private var sources: [Int64: Source] = [:]

    init(server: IngestServer, agent: Int) {
        self.server = server
        self.agent = agent
        decoder = Decoder(options: server.decoding)
    }

    mutating func take(_ frame: IngestFrame) async -> PendingAnswer {
        switch frame {
        case .broken(let refused):
            server.statistics.requestRefused()
            return Self.refused(ByteBuffer(), refused)
        case .refused(let line, let refused):
            server.statistics.requestRefused()
            return Self.refused(line, refused)
        case .request(let line, let request, let body):
            do throws(RPCError) {
                let outcome = try await answer(request, body)
                return PendingAnswer(line: line, id: request.id, outcome: outcome)
            } catch {
                server.statistics.requestRefused()
                return PendingAnswer(line: line, id: request.id) { [error] in .failure(error) }
            }
        }
    }

    private static func refused(_ line: ByteBuffer, _ refused: RefusedRequest) -> PendingAnswer {
        PendingAnswer(line: line, id: refused.id) { .failure(refused.error) }
    }

    private typealias Outcome = @Sendable () async -> Result<JSON, RPCError>

    private mutating func answer(
        _ request: Request, _ body: ByteBuffer
    ) async throws(RPCError) -> Outcome {
        guard let method = IngestMethod(rawValue: request.method) else {
            throw RPCError(
                .methodNotFound, path: "method",
                hint: "ingest.sock has ingest.open, ingest.batch and ingest.skip")
        }
        let now = Timestamp(microseconds: WallClock.microseconds())
        var parameters = Parameters(request.params, now: now)
        switch method {
        case .open:
            return try await open(try parameters.ingestOpen(host: server.hostName), now: now)
        case .batch: return try await batch(try parameters.ingestBatch(), body, now: now)
        case .skip: return try await skip(try parameters.ingestSkip())
        }
    }

    private mutating func open(
        _ open: IngestOpen, now: Timestamp
    ) async throws(RPCError) -> Outcome {
        let restart = open.restart.map {
            SourceRestart(cause: $0.cause.rawValue, lostBytes: $0.lostBytes)
        }
        let result = await server.committer.open(
            open.source, size: open.sizeBytes, restart: restart, at: now)
        switch result {
        case .failure(let error): throw Replies.error(error)
        case .success(let state):
            sources[state.id] = Source(
                kind: open.source.kind,
                context: SourceContext(kind: open.source.kind, path: open.source.path),
                size: open.sizeBytes)
            let reply: JSON = [
                "source_id": .int(state.id), "incarnation": .int(Int64(state.incarnation)),
                "position": .int(Int64(clamping: state.position)),
                "head": state.head?.json ?? .null,
            ]
            return { .success(reply) }
        }
    }

    private mutating func batch(
        _ batch: IngestBatch, _ body: ByteBuffer, now: Timestamp
    ) async throws(RPCError) -> Outcome {
        let source = try source(batch.sourceID)
        // The position would move past half a line, and its other half would be lost. Where a
        // document's record ends is its agent's to know.
        if source.kind == .file, !batch.finished, batch.byteCount > 0,
            body.readableBytesView.last != UInt8(ascii: "\n")
        {
            throw .invalid("bytes", "whole lines, or finished")
        }
        let decoded = body.withUnsafeReadableBytes { bytes in
            decoder.decode(
                bytes, at: batch.from, context: source.context, arrival: batch.arrival ?? now,
                finished: batch.finished)
        }
        let size = max(batch.sizeBytes ?? batch.to, batch.to)
        sources[batch.sourceID]?.size = size
        var pending = PendingBatch(
            sourceID: batch.sourceID, from: batch.from, to: batch.to, size: size, head: batch.head,
            finished: batch.finished, decoded: decoded)
        packer.pack(&pending)
        return await commit(pending, bytes: batch.byteCount, at: now)
    }

    private mutating func skip(_ skip: IngestSkip) async throws(RPCError) -> Outcome {
        let source = try source(skip.sourceID)
        var decoded = DecodedBatch()
        decoded.tally.received = skip.lines
        switch skip.why {
        case .rejected(let reason):
            decoded.tally.rejected[reason] = skip.lines
            decoded.rejects = [RejectedLine(lineOffset: skip.from, reason: reason, head: [])]
        case .lost(let cause): decoded.tally.lost[cause] = skip.lines
        }
        let now = Timestamp(microseconds: WallClock.microseconds())
        return await commit(
            PendingBatch(
                sourceID: skip.sourceID, from: skip.from, to: skip.to,
                size: max(source.size, skip.to), head: nil, finished: false, decoded: decoded),
            bytes: 0, at: now)
    }

    private func source(_ id: Int64) throws(RPCError) -> Source {
        guard let source = sources[id] else {
            throw RPCError(
                .notFound, path: "source_id",
                hint: "open the source on this connection first (ingest.open)")
        }
        return source
    }

    /// Queues a batch; the answer comes after its commit.
    private func commit(_ batch: PendingBatch, bytes: Int, at now: Timestamp) async -> Outcome {
        let server = server
        let agent = agent
        await server.committer.room()
        let outcome = await server.committer.enqueue(batch, bytes: bytes)
        return {
            switch await outcome.value.map({ ($0.outcome, $0.isDurable) }) {
            case .success((.stored, let isDurable)):
                server.agents.shipped(agent, at: now)
                return .success([
                    "position": .int(Int64(clamping: batch.to)),
                    "durable": .bool(isDurable),
                ])
            case .success((.refused(let position), _)):
                return .failure(
                    RPCError(
                        .invalidParams, reason: "wrong_position", path: "from",
                        hint: "go on from position",
                        extra: [.init("position", .int(Int64(clamping: position)))]))
            case .success((.unknownSource, _)):
                return .failure(
                    RPCError(.notFound, path: "source_id", hint: "open the source again"))
            case .failure(let error): return .failure(Replies.error(error))
            }
        }
    }
}
