internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Platform
internal import QuipuModel
internal import QuipuProtocol

/// Serves `query.sock`: each connection's requests in their order, one at a time.
struct QueryServer: Sendable {
    let acceptor: Acceptor
    let dispatcher: Dispatcher
    let group: any EventLoopGroup
    let traffic: TrafficLog?
    let waiting: WaitingReplies
    let batchRoom = BatchRoom()

    func run(_ connections: AsyncStream<AcceptedConnection>) async {
        // Discarding: an ordinary group would keep a result for every connection there ever was.
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

    /// One connection's end never concerns another, so errors stop here.
    private func serve(_ accepted: AcceptedConnection) async {
        let outbox = Outbox()
        let connection = QueryConnection(
            peer: accepted.peer, outbox: outbox, dispatcher: dispatcher, batchRoom: batchRoom)
        do {
            let (waiting, statistics) = (waiting, dispatcher.statistics)
            let channel = try await Self.adopt(accepted.descriptor, group: group) { channel in
                try channel.pipeline.syncOperations.addHandler(LineFraming())
                try channel.pipeline.syncOperations.addHandler(
                    ReaderWatch(waiting: waiting) { bound in
                        statistics.readerCut()
                        statistics.hit(limit: bound)
                    })
                return try NIOAsyncChannel<QueryFrame, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(backPressureStrategy: Self.framesAhead))
            }
            outbox.setOnCut {
                dispatcher.statistics.readerCut()
                channel.channel.close(promise: nil)
            }
            try await channel.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await notify(from: outbox, to: outbound) }
                    try await converse(inbound, outbound, connection) {
                        channel.channel.isActive
                    }
                    // Who half-closes after subscribing still listens; the stream ends with the
                    // peer.
                    if connection.hasSubscriptions {
                        try await channel.channel.closeFuture.get()
                    }
                    outbox.close()
                }
                // A reply that the peer has not taken yet would go with the channel: behind it
                // nothing is written out. The daemon's end waits for no peer.
                try await withTaskCancellationHandler {
                    try await channel.channel.writeAndFlush(ByteBuffer()).get()
                } onCancel: {
                    channel.channel.close(promise: nil)
                }
            }
        } catch {
            outbox.close()
        }
        connection.end()
    }

    private func converse(
        _ inbound: NIOAsyncChannelInboundStream<QueryFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ connection: QueryConnection,
        isOpen: () -> Bool
    ) async throws {
        for try await frame in inbound {
            switch frame {
            case .line(let line):
                let reply = await connection.answer(line.readableBytesView, isOpen: isOpen)
                traffic?.record(request: line, reply: reply)
                if let reply { try await outbound.write(reply) }
                connection.sent()
            case .tooLong:
                let hint = "a request has at most \(Limits.requestBytesMax) bytes"
                try await outbound.write(refuse(RPCError(.tooLarge, hint: hint)))
            case .stalled:
                let hint = "half a request, then nothing for \(Limits.halfSentRequestMsMax) ms"
                try await outbound.write(refuse(RPCError(.timeout, hint: hint)))
                return
            }
        }
    }

    /// The answer to what is no request.
    private func refuse(_ error: RPCError) -> ByteBuffer {
        dispatcher.statistics.requestRefused()
        let reply = Replies.line(Reply(id: .null, outcome: .failure(error)).json)
        traffic?.record(request: nil, reply: reply)
        return reply
    }

    private func notify(
        from outbox: Outbox, to outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        while true {
            let lines = await outbox.next()
            if lines.isEmpty { return }
            for line in lines {
                traffic?.record(notification: line)
                try await outbound.write(line)
                outbox.written(bytes: line.readableBytes)
            }
        }
    }

    /// A frame may be as large as a request or a batch, so few are read before they are asked for.
    static var framesAhead: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark {
        .init(lowWatermark: 1, highWatermark: 2)
    }

    /// Takes over a connected descriptor, which is closed with the channel.
    static func adopt<Output: Sendable>(
        _ descriptor: Int32, group: any EventLoopGroup,
        _ initialise: @escaping @Sendable (any Channel) throws -> Output
    ) async throws -> Output {
        try await ClientBootstrap(group: group)
            // `echo … | socat` closes its half of the connection before it reads the reply.
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1_024, initial: 4_096, maximum: 256 << 10)
            )
            .withConnectedSocket(descriptor) { channel in
                channel.eventLoop.makeCompletedFuture { try initialise(channel) }
            }
    }
}
