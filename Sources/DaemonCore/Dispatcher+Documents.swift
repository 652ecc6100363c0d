internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

extension Dispatcher {
    func documents(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp
    ) async throws(RPCError) -> JSON {
        switch method {
        case .documentsList:
            let query = try parameters.documentQuery()
            return try await ask { store throws(StoreError) in try await store.documents(query) }
                .json("documents") { $0.json }
        case .documentsSearch:
            let (search, query) = try parameters.documentSearch()
            return try await ask { store throws(StoreError) in
                try await store.search(search, query)
            }
            .json("documents") { $0.json }
        case .documentsGet: return try await document(try parameters.documentID()).json
        case .documentsPut:
            let update = try parameters.documentUpdate()
            try await change { store throws(StoreError) in try await store.put(update, at: now) }
            return try await document(update.id).summary.json
        case .documentsDelete:
            let id = try parameters.documentID()
            let isGone = try await change { store throws(StoreError) in
                try await store.deleteDocument(id)
            }
            guard isGone else { throw noDocument(id) }
            return ["deleted": .string(id)]
        default: throw unknown(method.rawValue)
        }
    }

    private func document(_ id: String) async throws(RPCError) -> Document {
        let found = try await ask { store throws(StoreError) in try await store.document(id) }
        guard let found else { throw noDocument(id) }
        return found
    }

    private func noDocument(_ id: String) -> RPCError {
        RPCError(.notFound, path: "id", hint: "no document \"\(id.prefix(200))\"")
    }

    /// Between two commits, so that there is one writer.
    private func change<Answer: Sendable>(
        _ body: @escaping @Sendable (any Store) async throws(StoreError) -> Answer
    ) async throws(RPCError) -> Answer {
        let result = await administration.committer.change(body)
        switch result {
        case .success(let answer): return answer
        case .failure(let error): throw Replies.error(error)
        }
    }
}
