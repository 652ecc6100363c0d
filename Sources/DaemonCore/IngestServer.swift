internal import IngestCore
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
    let machine: Machine
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
    private let server: IngestServer
    private let agent: Int
    private let decoder: Decoder
    private let packer = PayloadPacker()
    private var session: IngestSession
    /// What the decoder knows of the sources that the session has opened.
    private var contexts: [Int64: SourceContext] = [:]
    /// Sources that are being opened. Their agent hears of it before the session does.
    private var openings: [(IngestOpen, Promise<Result<OpenedSource, StoreError>>)] = []

    init(server: IngestServer, agent: Int) {
        self.server = server
        self.agent = agent
        decoder = Decoder(options: server.decoding)
        // It may have been renamed since the start.
        session = IngestSession(hostNames: [server.machine.hostName, ProcessFacts.hostName])
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
        let now = Timestamp(microseconds: WallClock.microseconds())
        let opens = request.method == IngestMethod.open.rawValue
        if !opens || openings.count >= Limits.inFlightBatchesMax { await settleOpenings() }
        switch try session.take(request, lastByte: body.readableBytesView.last, now: now) {
        case .open(let open): return await self.open(open, now: now)
        case .batch(let batch, let source):
            return await self.batch(batch, of: source, body, now: now)
        case .skip(let skip, let source):
            if case .lost = skip.why, !server.agents.mayLose(skip.sourceID, by: agent) {
                throw IngestSession.stillRead
            }
            return await self.skip(skip, of: source, now: now)
        }
    }

    private mutating func open(_ open: IngestOpen, now: Timestamp) async -> Outcome {
        let restart = open.restart.map {
            SourceRestart(
                cause: $0.cause.rawValue, lostBytes: $0.lostBytes, incarnation: $0.incarnation,
                position: $0.position)
        }
        var opening = SourceOpening(
            open.source, size: open.sizeBytes, restart: restart, at: now)
        opening.sender = agent
        let opened = await server.committer.open(opening)
        openings.append((open, opened))
        let (statistics, agents, agent) = (server.statistics, server.agents, agent)
        return {
            switch await opened.value {
            case .success(let opened):
                let state = opened.state
                agents.opened(state.id, by: agent)
                return .success(
                    IngestSession.answer(
                        id: state.id, incarnation: Int64(state.incarnation),
                        position: state.position, head: state.head))
            case .failure(let error):
                statistics.requestRefused()
                return .failure(Replies.error(error))
            }
        }
    }

    private mutating func settleOpenings() async {
        for (open, opened) in openings {
            guard case .success(let opened) = await opened.value else { continue }
            let id = opened.state.id
            contexts[id] = SourceContext(kind: open.source.kind, path: open.source.path)
            session.opened(open, id: id, generation: opened.generation)
        }
        openings.removeAll()
    }

    private func batch(
        _ batch: IngestBatch, of source: IngestSession.Source, _ body: ByteBuffer,
        now: Timestamp
    ) async -> Outcome {
        let context =
            contexts[batch.sourceID] ?? SourceContext(kind: source.kind, path: "")
        let decoded = body.withUnsafeReadableBytes { bytes in
            decoder.decode(
                bytes, at: batch.from, context: context, arrival: batch.arrival ?? now,
                finished: batch.finished)
        }
        var pending = PendingBatch(
            sourceID: batch.sourceID, from: batch.from, to: batch.to, size: source.size,
            head: batch.head, finished: batch.finished, decoded: decoded)
        packer.pack(&pending)
        return await commit(
            pending, bytes: batch.byteCount, generation: source.generation, at: now)
    }

    private func skip(
        _ skip: IngestSkip, of source: IngestSession.Source, now: Timestamp
    ) async -> Outcome {
        var decoded = DecodedBatch()
        decoded.tally.received = skip.lines
        switch skip.why {
        case .rejected(let reason):
            decoded.tally.rejected[reason] = skip.lines
            decoded.rejects = [RejectedLine(lineOffset: skip.from, reason: reason, head: [])]
        case .lost(let cause): decoded.tally.lost[cause] = skip.lines
        }
        var pending = PendingBatch(
            sourceID: skip.sourceID, from: skip.from, to: skip.to, size: source.size,
            head: skip.head, finished: false, decoded: decoded)
        if case .lost = skip.why { pending.lostBytes = skip.to - skip.from }
        return await commit(pending, bytes: 0, generation: source.generation, at: now)
    }

    /// Queues a batch; the answer comes after its commit.
    private func commit(
        _ batch: PendingBatch, bytes: Int, generation: Int, at now: Timestamp
    ) async -> Outcome {
        let server = server
        let agent = agent
        var owned = batch
        owned.sender = agent
        await server.committer.room()
        let outcome = await server.committer.enqueue(
            owned, bytes: bytes, generation: generation)
        let (source, end, finished) = (batch.sourceID, batch.to, batch.finished)
        return {
            switch await outcome.value {
            case .success(let committed):
                let outcome = Self.outcome(committed)
                if case .stored = outcome {
                    server.agents.shipped(agent, at: now)
                    if finished { server.agents.finished(source, by: agent) }
                }
                return IngestSession.answer(outcome, to: end)
            case .failure(let error): return .failure(Replies.error(error))
            }
        }
    }

    private static func outcome(_ committed: CommittedBatch) -> IngestSession.Outcome {
        switch committed.outcome {
        case .stored: .stored(isDurable: committed.isDurable)
        case .refused(let position): .refused(position: position)
        case .unknownSource: .unknownSource
        }
    }
}
