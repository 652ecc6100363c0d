internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

extension Dispatcher {
    /// Model calls, what they cost, and what may be spent.
    func money(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp
    ) async throws(RPCError) -> JSON {
        switch method {
        case .costsSummary:
            let query = try parameters.costQuery()
            return try await ask { store throws(StoreError) in try await store.costs(query) }.json
        case .costsBlocks:
            let query = try parameters.blockQuery()
            let blocks = try await ask { store throws(StoreError) in
                try await store.blocks(query)
            }
            return ["blocks": .array(blocks.map { $0.json(query) })]
        case .costsReconcile:
            let query = try parameters.reconcileQuery()
            return try await ask { store throws(StoreError) in
                try await store.reconcile(query)
            }.json
        case .limitsList:
            try parameters.limitList()
            return ["limits": .array(administration.limits.list(now: now).map(\.json))]
        case .limitsCheck:
            let question = try parameters.limitQuestion()
            return administration.limits.check(question, now: now).json
        case .limitsSet:
            let request = try parameters.limitRequest()
            return try await administration.setLimit(request)
        case .pricesList:
            let page = try parameters.priceList()
            return try await ask { store throws(StoreError) in try await store.prices(page) }.json
        default:
            let request = try parameters.priceRequest()
            return try await administration.setPrice(request)
        }
    }
}

extension Administration {
    func setLimit(_ request: LimitRequest) async throws(RPCError) -> JSON {
        let result = try await writing { store throws(StoreError) -> JSON in
            switch request {
            case .set(let limit):
                try await store.set(limit)
                return ["set": true]
            case .remove(let scope, let period):
                return ["removed": .bool(try await store.removeLimit(scope, period))]
            }
        }
        guard result["removed"] != false else {
            throw RPCError(.notFound, path: "scope", hint: "there is no such limit")
        }
        let now = Timestamp(microseconds: WallClock.microseconds())
        return ["limits": .array(limits.list(now: now).map(\.json))]
    }

    func setPrice(_ request: PriceRequest) async throws(RPCError) -> JSON {
        try await writing { store throws(StoreError) -> JSON in
            try await store.set(request.price, recompute: request.recompute).json
        }
    }

    /// Those of the configured file from now on.
    func adopt(filePrices: [Price]) async -> Result<Void, StoreError> {
        await changing { store throws(StoreError) in try await store.adopt(filePrices: filePrices) }
    }

    private func writing(
        _ body: @escaping @Sendable (any Store) async throws(StoreError) -> JSON
    ) async throws(RPCError) -> JSON {
        do throws(StoreError) {
            return try await changing(body).get()
        } catch {
            throw Replies.error(error)
        }
    }

    /// Between two commits; what is spent is told anew afterwards.
    private func changing<Answer: Sendable>(
        _ body: @escaping @Sendable (any Store) async throws(StoreError) -> Answer
    ) async -> Result<Answer, StoreError> {
        await committer.change { [limits] store throws(StoreError) in
            let answer = try await body(store)
            let now = Timestamp(microseconds: WallClock.microseconds())
            try await limits.load(from: store, now: now)
            return answer
        }
    }
}
