internal import NIOCore
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import Synchronization

/// One connection of `query.sock`: who it is, and what it has subscribed to.
final class QueryConnection: Sendable {
    let peer: PeerCredentials
    private let outbox: Outbox
    private let dispatcher: Dispatcher
    private let batchRoom: BatchRoom
    /// What a batch that is answered has taken of it.
    private let held = Mutex(0)
    private let subscriptions = Mutex<Set<Int64>>([])
    /// Leaves room for as many refusals as a batch has requests.
    private static let batchReplyBytesMax =
        Limits.replyBytesMax - Limits.requestsPerBatchMax * 512

    init(
        peer: PeerCredentials, outbox: Outbox, dispatcher: Dispatcher, batchRoom: BatchRoom
    ) {
        self.peer = peer
        self.outbox = outbox
        self.dispatcher = dispatcher
        self.batchRoom = batchRoom
    }

    var hasSubscriptions: Bool { subscriptions.withLock { !$0.isEmpty } }

    /// Takes back all subscriptions.
    func end() {
        let ids = subscriptions.withLock { ids in
            defer { ids = [] }
            return ids
        }
        for id in ids { _ = dispatcher.hub.unsubscribe(id) }
        sent()
    }

    /// The answer is written, or nobody is there to read it.
    func sent() {
        let count = held.withLock { held in
            defer { held = 0 }
            return held
        }
        if count > 0 { batchRoom.give(count, of: peer.userID) }
    }

    /// The line to send back; nil for notifications and blank lines. To be followed by `sent`.
    ///
    /// - Parameter isOpen: Whether somebody still waits for it.
    func answer(_ line: ByteBufferView, isOpen: () -> Bool) async -> ByteBuffer? {
        switch Incoming.parse(line) {
        case .blank: return nil
        case .single(let request): return await answer(request, isOpen).map(bounded)
        case .batch(let requests): return await answer(batch: requests, isOpen)
        }
    }

    /// Replies are written out as they come: a batch of large ones never holds more than one reply
    /// may, and what finds no room is refused by itself.
    private func answer(
        batch requests: [Result<Request, RefusedRequest>], _ isOpen: () -> Bool
    ) async -> ByteBuffer? {
        var line = ByteBuffer()
        for request in requests {
            guard isOpen() else { return nil }
            guard let reply = await answer(request, isOpen) else { continue }
            var bytes = reply.json.bytes
            if line.readableBytes + bytes.count > Self.batchReplyBytesMax {
                bytes = tooLarge(id: reply.id).json.bytes
            } else if !takeRoom(for: line.readableBytes + bytes.count) {
                bytes = noRoom(id: reply.id).json.bytes
            }
            line.writeInteger(UInt8(ascii: line.readableBytes == 0 ? "[" : ","))
            line.writeBytes(bytes)
        }
        guard line.readableBytes > 0 else { return nil }
        line.writeStaticString("]\n")
        return line
    }

    /// Room for the replies of the batch so far.
    private func takeRoom(for count: Int) -> Bool {
        held.withLock { held in
            let missing = count - Limits.batchRepliesFreeBytes - held
            guard missing > 0 else { return true }
            guard batchRoom.take(missing, of: peer.userID) else { return false }
            held += missing
            return true
        }
    }

    private func noRoom(id: JSON) -> Reply {
        dispatcher.statistics.hit(limit: "batch_replies_bytes")
        let error = RPCError(
            .overloaded,
            hint: "the replies of unfinished batches fill \(Limits.batchRepliesBytesMax) bytes, or "
                + "\(Limits.batchRepliesPerUserBytesMax) of one user; ask again, or singly")
        return Reply(id: id, outcome: .failure(error))
    }

    private func bounded(_ reply: Reply) -> ByteBuffer {
        let line = Replies.line(reply.json)
        guard line.readableBytes > Limits.replyBytesMax else { return line }
        return Replies.line(tooLarge(id: reply.id).json)
    }

    private func tooLarge(id: JSON) -> Reply {
        dispatcher.statistics.hit(limit: "reply_bytes")
        let error = RPCError(
            .tooLarge, path: "limit",
            hint: "the reply has over \(Limits.replyBytesMax) bytes; ask for fewer rows")
        return Reply(id: id, outcome: .failure(error))
    }

    private func answer(
        _ request: Result<Request, RefusedRequest>, _ isOpen: () -> Bool
    ) async -> Reply? {
        switch request {
        case .failure(let refused):
            dispatcher.statistics.requestRefused()
            return refused.reply
        case .success(let request):
            guard
                let outcome = await dispatcher.answer(request, for: self, isOpen: isOpen),
                let id = request.id
            else { return nil }
            return Reply(id: id, outcome: outcome)
        }
    }

    // MARK: Subscriptions

    func subscribe(_ request: SubscribeRequest) throws(RPCError) -> JSON {
        guard subscriptions.withLock({ $0.count }) < Limits.subscriptionsPerConnectionMax else {
            dispatcher.statistics.hit(limit: "subscriptions_per_connection")
            throw RPCError(
                .limitExceeded,
                hint: "a connection has at most \(Limits.subscriptionsPerConnectionMax)")
        }
        let id = dispatcher.hub.subscribe(request, outbox: outbox)
        subscriptions.withLock { _ = $0.insert(id) }
        let topics = request.topics.map(\.rawValue).sorted().map(JSON.string)
        return ["subscription": .int(id), "topics": .array(topics)]
    }

    func unsubscribe(_ id: Int64) throws(RPCError) -> JSON {
        guard subscriptions.withLock({ $0.remove(id) }) != nil, dispatcher.hub.unsubscribe(id)
        else {
            throw RPCError(
                .notFound, path: "subscription", hint: "this connection has no subscription \(id)")
        }
        return ["unsubscribed": .bool(true), "subscription": .int(id)]
    }
}
