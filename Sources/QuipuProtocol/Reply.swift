/// The answer to one request.
public struct Reply: Sendable, Equatable {
    public var id: JSON
    public var outcome: Result<JSON, RPCError>

    public init(id: JSON, outcome: Result<JSON, RPCError>) {
        self.id = id
        self.outcome = outcome
    }

    public var json: JSON {
        switch outcome {
        case .success(let result): ["jsonrpc": "2.0", "id": id, "result": result]
        case .failure(let error): ["jsonrpc": "2.0", "id": id, "error": error.json]
        }
    }
}

/// One line of a subscription's stream.
public struct Notification: Sendable, Equatable {
    /// As `subscribe` returned it.
    public var subscription: Int64
    /// Counts this subscription's notifications from 1.
    public var seq: Int64
    public var topic: Topic
    public var data: JSON
    /// How many notifications were dropped just before this one, because the reader was slow.
    public var missed: Int64

    public init(
        subscription: Int64, seq: Int64, topic: Topic, data: JSON, missed: Int64 = 0
    ) {
        self.subscription = subscription
        self.seq = seq
        self.topic = topic
        self.data = data
        self.missed = missed
    }

    public var json: JSON {
        var params: [JSON.Member] = [
            JSON.Member("subscription", .int(subscription)), JSON.Member("seq", .int(seq)),
            JSON.Member("topic", .string(topic.rawValue)),
        ]
        if missed > 0 { params.append(JSON.Member("missed", .int(missed))) }
        params.append(JSON.Member("data", data))
        return ["jsonrpc": "2.0", "method": "notify", "params": .object(params)]
    }
}
