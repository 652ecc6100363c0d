internal import Intake
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// Methods to answers.
struct Dispatcher: Sendable {
    let stores: Stores
    let statistics: Statistics
    let hub: Hub
    let facts: DaemonFacts
    let administration: Administration
    /// Lines that come as requests are read as those of logs are.
    let decoding: DecoderOptions
    private let readers = QueryGate()
    /// `sql` waits here, where it takes no place of the other questions.
    private let sqlRunner = QueryGate(runningMax: 1, runningPerUserMax: 1)

    init(
        stores: Stores, statistics: Statistics, hub: Hub, facts: DaemonFacts,
        administration: Administration, decoding: DecoderOptions
    ) {
        self.stores = stores
        self.statistics = statistics
        self.hub = hub
        self.facts = facts
        self.administration = administration
        self.decoding = decoding
    }

    /// Nil where nobody waits for the answer any more, once it is the request's turn; what is to be
    /// written is written for whoever has gone, too.
    func answer(
        _ request: Request, for connection: QueryConnection, isOpen: () -> Bool
    ) async -> Result<JSON, RPCError>? {
        statistics.requestBegan()
        let started = MonotonicClock.microseconds()
        let method = Method(rawValue: request.method)
        var result: Result<JSON, RPCError>?
        if let method {
            let user = connection.peer.userID
            let gate = gate(of: method)
            await gate?.enter(user)
            defer { gate?.leave(user) }
            let now = Timestamp(microseconds: WallClock.microseconds())
            var parameters = Parameters(request.params, now: now)
            do throws(RPCError) {
                if gate == nil || method.isWrite || isOpen() {
                    result = .success(try await call(method, &parameters, now, connection))
                }
            } catch {
                result = .failure(error)
            }
        } else {
            result = .failure(unknown(request.method))
        }
        var failed = true
        if case .success = result { failed = false }
        statistics.requestEnded(
            microseconds: MonotonicClock.microseconds() - started, failed: failed)
        return result
    }

    /// Where it waits for its turn: where it asks the database for more than a few rows. The others
    /// are how a person finds out what is wrong, and what a hook waits for.
    private func gate(of method: Method) -> QueryGate? {
        switch method {
        case .discover, .health, .stats, .limitsCheck, .subscribe, .unsubscribe: nil
        case .adminRetention, .adminBackup, .adminPersistence, .adminFlush: nil
        case .sql: sqlRunner
        default: readers
        }
    }

    func unknown(_ name: String) -> RPCError {
        RPCError(
            .methodNotFound, path: "method",
            hint: "no method \"\(name.prefix(100))\"; rpc.discover lists them")
    }

    private func call(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp,
        _ connection: QueryConnection
    ) async throws(RPCError) -> JSON {
        guard !method.needsRights || administration.allows(connection.peer) else {
            throw RPCError(
                .denied, path: "method",
                hint: "only root, the daemon's own user and members of admin_group may")
        }
        switch method {
        case .discover:
            try parameters.none()
            return .raw(OpenRPCDocument.text)
        case .health:
            try parameters.none()
            return try await health().json
        case .stats:
            try parameters.none()
            return try await stats().json
        case .ledger:
            let page = try parameters.ledgerPage()
            return try await ask { store throws(StoreError) in try await store.ledger(page) }.json
        case .eventsQuery, .errorsList, .eventsSummary, .sessionsList, .sessionsGet, .toolsStats,
            .filesList:
            return try await events(method, &parameters, now)
        case .metricsList:
            let query = try parameters.seriesQuery()
            return try await ask { store throws(StoreError) in try await store.series(query) }
                .json("series") { $0.json }
        case .metricsQuery:
            let query = try parameters.metricQuery()
            let answer = try await ask { store throws(StoreError) in
                try await store.metric(query)
            }
            return query.reply(answer)
        case .tasksList, .tasksGet, .tasksActivity, .tasksPut, .overview:
            return try await tasks(method, &parameters, now)
        case .documentsList, .documentsGet, .documentsSearch, .documentsPut, .documentsDelete:
            return try await documents(method, &parameters, now)
        case .sql:
            let query = try parameters.sqlQuery()
            return try await ask { store throws(StoreError) in try await store.sql(query) }.json
        case .costsSummary, .costsBlocks, .costsReconcile, .limitsList, .limitsSet, .limitsCheck,
            .pricesList, .pricesSet:
            return try await money(method, &parameters, now)
        case .adminRetention, .adminBackup, .adminPersistence, .adminFlush:
            return try await administer(method, &parameters)
        case .subscribe: return try connection.subscribe(try parameters.subscribeRequest())
        case .unsubscribe: return try connection.unsubscribe(try parameters.subscriptionNumber())
        }
    }

    private func administer(
        _ method: Method, _ parameters: inout Parameters
    ) async throws(RPCError) -> JSON {
        switch method {
        case .adminRetention:
            return try await administration.retention(
                dryRun: try parameters.retentionDryRun())
        case .adminBackup:
            return try await administration.backup(to: try parameters.backupPath())
        case .adminPersistence:
            return try await administration.persistence(
                try parameters.persistenceIsOn())
        case .adminFlush:
            try parameters.none()
            return await administration.flush()
        default: throw unknown(method.rawValue)
        }
    }

    func ask<Answer: Sendable>(
        _ question: @Sendable (any Store) async throws(StoreError) -> Answer
    ) async throws(RPCError) -> Answer {
        let store = stores.current
        do throws(StoreError) {
            return try await stores.ask(question)
        } catch {
            if error.diskFault == .damaged { facts.disk.failed(error, of: store) }
            throw Replies.error(error)
        }
    }

    // MARK: The daemon itself

    private func health() async throws(RPCError) -> HealthReport {
        let status = try await ask { store throws(StoreError) in try await store.status() }
        let failure = statistics.failure
        let isDegraded = failure != nil || facts.disk.problem != nil
        return HealthReport(
            mode: isDegraded ? .degraded : stores.current.isDurable ? .persistent : .memory,
            problems: facts.disk.problems + (failure.map { [$0] } ?? []), version: facts.version,
            schemaVersion: status.schemaVersion, uptimeSeconds: statistics.uptimeSeconds,
            database: HealthReport.Database(
                path: status.path, sizeBytes: status.sizeBytes, walBytes: status.walBytes),
            agents: facts.agents.list, lastCommit: status.lastCommit,
            watchdog: facts.watchdog.report)
    }

    func stats() async throws(RPCError) -> StatsReport {
        let status = try await ask { store throws(StoreError) in try await store.status() }
        var report = statistics.report
        report.residentBytes = ProcessFacts.residentBytes
        report.ingest.connections = facts.agents.list.count
        report.queries.connections = facts.connections()
        report.stored.events = status.eventCount
        report.stored.series = status.seriesCount
        report.stored.seriesOverflow = status.seriesOverflow
        hub.report(into: &report.subscriptions)
        return report
    }
}

extension Method {
    fileprivate var isWrite: Bool {
        switch self {
        case .tasksPut, .documentsPut, .documentsDelete, .limitsSet, .pricesSet: true
        default: false
        }
    }
}
