internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// The methods over events: their sessions, tools and files.
extension Dispatcher {
    func events(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp
    ) async throws(RPCError) -> JSON {
        switch method {
        case .eventsQuery:
            let query = try parameters.eventQuery()
            return try await ask { store throws(StoreError) in try await store.events(query) }
                .json("events") { $0.json }
        case .errorsList:
            let query = try parameters.errorQuery()
            return try await ask { store throws(StoreError) in try await store.events(query) }
                .json("errors") { $0.json }
        case .eventsSummary:
            let query = try parameters.summaryQuery()
            return try await ask { store throws(StoreError) in try await store.summary(query) }
                .json("groups") { $0.json }
        case .sessionsList:
            let query = try parameters.sessionQuery()
            return try await ask { store throws(StoreError) in try await store.sessions(query) }
                .json("sessions") { $0.json(now: now) }
        case .sessionsGet:
            return try await session(try parameters.sessionDetailQuery(), now: now)
        case .toolsStats:
            let query = try parameters.toolQuery()
            return try await ask { store throws(StoreError) in try await store.tools(query) }
                .json("tools") { $0.json }
        case .filesList:
            let query = try parameters.fileQuery()
            return try await ask { store throws(StoreError) in try await store.files(query) }
                .json("files") { $0.json }
        default: throw unknown(method.rawValue)
        }
    }

    private func session(
        _ query: SessionDetailQuery, now: Timestamp
    ) async throws(RPCError) -> JSON {
        let detail = try await ask { store throws(StoreError) in
            try await store.session(query.session)
        }
        guard let detail else {
            throw RPCError(
                .notFound, path: "session", hint: "no session \"\(query.session.prefix(200))\"")
        }
        let timeline = try await ask { store throws(StoreError) in
            try await store.events(query.timeline)
        }
        let page = timeline.json("timeline") { $0.json }
        return .object(detail.members(now: now) + (page.members ?? []))
    }
}
