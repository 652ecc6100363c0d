internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// Methods to answers.
struct Dispatcher: Sendable {
    let store: any Store
    let statistics: Statistics
    let hub: Hub
    let facts: DaemonFacts

    func answer(
        _ request: Request, for session: Session
    ) async -> Result<JSON, RPCError> {
        let started = MonotonicClock.microseconds()
        let method = Method(rawValue: request.method)
        let result: Result<JSON, RPCError>
        if let method {
            let now = Timestamp(microseconds: WallClock.microseconds())
            var parameters = Parameters(request.params, now: now)
            do throws(RPCError) {
                result = .success(try await call(method, &parameters, now, session))
            } catch {
                result = .failure(error)
            }
        } else {
            result = .failure(unknown(request.method))
        }
        var code: ErrorCode?
        if case .failure(let error) = result { code = error.code }
        // Unknown names are not kept: whoever asks could make them up without end.
        statistics.answered(
            method?.rawValue ?? "unknown",
            microseconds: MonotonicClock.microseconds() - started, error: code)
        return result
    }

    private func unknown(_ name: String) -> RPCError {
        RPCError(
            .methodNotFound, path: "method",
            hint: "no method \"\(name.prefix(100))\"; rpc.discover lists them")
    }

    private func call(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp, _ session: Session
    ) async throws(RPCError) -> JSON {
        switch method {
        case .discover:
            try parameters.none()
            return .raw(OpenRPCDocument.text)
        case .health:
            try parameters.none()
            return try await health()
        case .stats:
            try parameters.none()
            return try await stats()
        case .ledger:
            let page = try parameters.ledgerPage()
            return try await ask { store throws(StoreError) in try await store.ledger(page) }.json
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
        case .metricsList:
            let query = try parameters.seriesQuery()
            return try await ask { store throws(StoreError) in try await store.series(query) }
                .json("series") { $0.json }
        case .metricsQuery:
            let query = try parameters.metricQuery()
            let series = try await ask { store throws(StoreError) in
                try await store.metric(query)
            }
            return query.json(series)
        case .subscribe: return try session.subscribe(try parameters.subscribeRequest())
        case .unsubscribe: return try session.unsubscribe(try parameters.subscriptionNumber())
        }
    }

    private func ask<Answer: Sendable>(
        _ question: (any Store) async throws(StoreError) -> Answer
    ) async throws(RPCError) -> Answer {
        do throws(StoreError) {
            return try await question(store)
        } catch {
            throw Replies.error(error)
        }
    }

    private func session(
        _ query: SessionDetailQuery, now: Timestamp
    ) async throws(RPCError) -> JSON {
        let summary = try await ask { store throws(StoreError) in
            try await store.session(query.session)
        }
        guard let summary else {
            throw RPCError(
                .notFound, path: "session", hint: "no session \"\(query.session.prefix(200))\"")
        }
        let timeline = try await ask { store throws(StoreError) in
            try await store.events(query.timeline)
        }
        return summary.json(now: now, timeline: timeline)
    }

    // MARK: The daemon itself

    private func health() async throws(RPCError) -> JSON {
        let status = try await ask { store throws(StoreError) in try await store.status() }
        let now = MonotonicClock.microseconds()
        let failure = statistics.failure
        return [
            "status": .string(failure == nil ? "ok" : "degraded"),
            "mode": .string(failure != nil ? "degraded" : facts.isInMemory ? "memory" : "persistent"),
            "reason": .optional(failure),
            "version": .string(facts.version),
            "schema_version": .int(Int64(status.schemaVersion)),
            "uptime_s": .int((now - statistics.startedMicroseconds) / 1_000_000),
            "pid": .int(Int64(ProcessFacts.processID)),
            "database": [
                "path": .optional(status.path), "size_bytes": .int(status.sizeBytes),
                "wal_bytes": .int(status.walBytes),
            ],
            "agents": .array(facts.agents.list(now: now)),
            "last_commit": .optional(status.lastCommit?.rfc3339),
            "watchdog": facts.watchdog.json,
        ]
    }

    func stats() async throws(RPCError) -> JSON {
        let status = try await ask { store throws(StoreError) in try await store.status() }
        let counts = hub.counts
        var members = statistics.members(now: MonotonicClock.microseconds())
        members += [
            .init("rss_bytes", ProcessFacts.residentBytes.map(JSON.int) ?? .null),
            .init("connections", .int(Int64(facts.connections()))),
            .init("connections_max", .int(Int64(Limits.connectionsMax))),
            .init("subscriptions", .int(Int64(counts.subscriptions))),
            .init("notifications_missed", .int(counts.missed)),
            .init("events", .int(status.eventCount)),
            .init("series", .int(status.seriesCount)),
            .init("series_max", .int(Int64(Limits.seriesMax))),
            .init("series_overflow", .int(status.seriesOverflow)),
        ]
        return .object(members)
    }
}
