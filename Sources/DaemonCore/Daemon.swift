public import Logging
internal import NIOCore
internal import NIOPosix
public import Platform
internal import QuipuModel
public import QuipuProtocol
internal import QuipuStore
public import Settings
internal import UnixSignals

/// Why the daemon could not start, for a person.
public struct DaemonError: Error, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

/// `quipud`: opens the database, serves both sockets, and stops when told to.
public struct Daemon: Sendable {
    public struct Options: Sendable {
        public var places: Places
        public var settings: DaemonSettings
        /// Reads the settings anew, for SIGHUP.
        public var reload: @Sendable () async throws(SettingsError) -> DaemonSettings
        public var version: String
        /// The zone of times that name none, unless the settings say otherwise.
        public var systemZone: String
        /// A file for every request and reply; tests check them against the schemas.
        public var trafficLog: String?

        public init(
            places: Places, settings: DaemonSettings,
            reload: @escaping @Sendable () async throws(SettingsError) -> DaemonSettings,
            version: String, systemZone: String = "UTC", trafficLog: String? = nil
        ) {
            self.places = places
            self.settings = settings
            self.reload = reload
            self.version = version
            self.systemZone = systemZone
            self.trafficLog = trafficLog
        }
    }

    private let options: Options
    private let manager: ServiceManager
    private let log: Logger

    public init(options: Options, manager: ServiceManager, log: Logger) {
        self.options = options
        self.manager = manager
        self.log = log
    }

    /// Runs until SIGTERM or SIGINT.
    public func run() async throws(DaemonError) {
        // Registered before anything else, so that no signal ends the process half-way.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        Sockets.closeStrangers(manager, log: log)
        let locks = try claim()
        defer { withExtendedLifetime(locks) {} }
        let sockets = try Sockets(places: options.places, manager: manager)
        let disk = DiskCondition(files: DatabaseFiles(path: options.places.databaseFile))
        let progress = WorkProgress()
        let store = try await openStore(disk, progress)
        let limits = LimitBook()
        try await prepareCosts(store, limits)
        let parts = try Parts(
            daemon: self, store: store, sockets: sockets, limits: limits, disk: disk,
            progress: progress)

        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await parts.queries.run(parts.queryConnections) }
            tasks.addTask { await parts.ingest.run(parts.ingestConnections) }
            tasks.addTask { await parts.heartbeat.run() }
            tasks.addTask { await parts.retention.run() }
            tasks.addTask { await parts.persistence.run() }
            tasks.addTask { await parts.ownMetrics.run() }
            log.info("ready at \(options.places.runtimeDirectory)")
            manager.ready(status: parts.statistics.summary)
            ProcessMemory.dropStartupCode()
            await serve(signals, parts)
            manager.stopping()
            log.info("stopping")
            await parts.committer.drain()
            sockets.stop()
            tasks.cancelAll()
        }
        await parts.stores.current.close()
    }

    private func serve(_ signals: UnixSignalsSequence, _ parts: Parts) async {
        for await signal in signals {
            guard signal == .sighup else { return }
            manager.reloading()
            await reload(parts)
            manager.ready(status: "configuration read again")
        }
    }

    /// Everything is read before anything changes.
    private func reload(_ parts: Parts) async {
        do {
            let settings = try await options.reload()
            let prices = try Self.filePrices(settings)
            parts.size.adopt(settings.retention)
            _ = await parts.persistence.set(settings.persistence)
            let result = await parts.administration.adopt(filePrices: prices)
            if case .failure(let error) = result { log.error("prices stay as they were: \(error)") }
            log.info("configuration read again")
        } catch {
            log.error("configuration kept as it was: \(error)")
        }
    }

    // MARK: Starting

    /// A long migration is no reason to be given up on, but one that hangs is: more time is asked
    /// for as long as something is done. Its commit is one wait for the disk.
    private func askForPatience(_ progress: WorkProgress) async {
        var seen: UInt64?
        while !Task.isCancelled {
            let count = progress.count
            if count != seen { manager.extendTimeout(microseconds: Self.patienceMicroseconds) }
            seen = count
            try? await Task.sleep(for: .seconds(2))
        }
    }

    private static let patienceMicroseconds: Int64 = 120_000_000

    /// One daemon for a database, one for the sockets that it binds: the kernel's word, not a
    /// file's. Where the service manager holds the sockets, their directory is not ours and may be
    /// read-only.
    private func claim() throws(DaemonError) -> [LockFile] {
        let places = options.places
        var directories = [places.stateDirectory]
        let bindsOwn = ["query", "ingest"].contains { manager.socket(named: $0) == nil }
        if bindsOwn, places.runtimeDirectory != places.stateDirectory {
            directories.append(places.runtimeDirectory)
        }
        var locks: [LockFile] = []
        for directory in directories {
            do throws(SystemError) {
                try Directories.make(directory)
                try Directories.requireOwn(directory)
            } catch {
                throw DaemonError("cannot use \(directory): \(error)")
            }
            do throws(LockFile.Failure) {
                let guarded = directory == places.stateDirectory ? directory : nil
                locks.append(
                    try LockFile(path: directory + "/quipud.lock", directory: guarded))
            } catch {
                switch error {
                case .held(let pid):
                    let who = pid.map { "quipud with pid \($0)" } ?? "another quipud"
                    throw DaemonError("\(who) already uses \(directory)")
                case .system(let error): throw DaemonError("cannot lock \(directory): \(error)")
                }
            }
        }
        return locks
    }

    private func openStore(
        _ disk: DiskCondition, _ progress: WorkProgress
    ) async throws(DaemonError) -> any Store {
        let path = options.places.databaseFile
        let patience = Task { await askForPatience(progress) }
        defer { patience.cancel() }
        do throws(StoreError) {
            guard options.settings.persistence else {
                return try await Machine.own.store(path: nil, progress: progress)
            }
            return try await DatabaseOpening(
                condition: disk, machine: .own, log: log, progress: progress
            ).open()
        } catch {
            switch error {
            case .newerSchema(let found, let known):
                throw DaemonError(
                    "\(path) has schema \(found); this quipud knows \(known). "
                        + "Start the newer quipud, or restore a backup made before it")
            default: throw DaemonError("cannot open \(path): \(error)")
            }
        }
    }
}

// MARK: - Costs

extension Daemon {
    /// The configured file's prices, and what is spent of each limit.
    private func prepareCosts(
        _ store: any Store, _ limits: LimitBook
    ) async throws(DaemonError) {
        let prices = try Self.filePrices(options.settings)
        do throws(StoreError) {
            try await store.adopt(filePrices: prices)
        } catch {
            guard error.diskFault != nil else { throw DaemonError("cannot write prices: \(error)") }
            log.error("prices stay as they were: \(error)")
        }
        do throws(StoreError) {
            let now = Timestamp(microseconds: WallClock.microseconds())
            try await limits.load(from: store, now: now)
        } catch {
            // Whoever cannot be stopped may still be watched.
            log.error("limits hold nobody until one is set again: \(error)")
        }
    }

    private static func filePrices(_ settings: DaemonSettings) throws(DaemonError) -> [Price] {
        guard let path = settings.pricesFile else { return [] }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try PlainFiles.read(path, bytesMax: Limits.pricesFileBytesMax)
        } catch {
            throw DaemonError("prices_file: \(error)")
        }
        do throws(RPCError) {
            return try PriceFile.parse(
                bytes, now: Timestamp(microseconds: WallClock.microseconds()))
        } catch {
            let place = error.path.map { "\($0): " } ?? ""
            throw DaemonError("prices_file \(path): \(place)\(error.hint ?? error.reason)")
        }
    }
}

// MARK: - Parts

extension Daemon {
    /// Everything that runs, wired.
    private struct Parts {
        let statistics: Statistics
        let committer: Committer
        let queries: QueryServer
        let queryConnections: AsyncStream<AcceptedConnection>
        let ingest: IngestServer
        let ingestConnections: AsyncStream<AcceptedConnection>
        let heartbeat: Heartbeat
        let retention: RetentionJob
        let size: SizeKeeper
        let ownMetrics: OwnMetrics
        let stores: Stores
        let persistence: PersistenceSwitch
        let administration: Administration

        init(
            daemon: Daemon, store: any Store, sockets: Sockets, limits: LimitBook,
            disk: DiskCondition, progress: WorkProgress
        ) throws(DaemonError) {
            let options = daemon.options
            let statistics = Statistics(startedMicroseconds: MonotonicClock.microseconds())
            let hub = Hub()
            let stores = Stores(store)
            self.stores = stores
            let herald = Herald(stores: stores, hub: hub, limits: limits)
            size = SizeKeeper(
                stores: stores, statistics: statistics, disk: disk,
                policy: options.settings.retention)
            committer = Committer(
                stores: stores, statistics: statistics, disk: disk, size: size
            ) { batches, receipt in
                await herald.announce(batches, receipt)
            }
            let agents = AgentRegister()
            let watchdog = WatchdogState(intervalMicroseconds: daemon.manager.watchdogMicroseconds)
            let traffic = try Self.trafficLog(options)
            let refused: @Sendable (ByteBuffer) -> Void = { line in
                statistics.connectionRefused()
                traffic?.record(request: nil, reply: line)
            }
            let (queryAcceptor, ingestAcceptor) = Self.acceptors(sockets, onRefusal: refused)
            let facts = DaemonFacts(
                version: options.version, agents: agents, watchdog: watchdog, disk: disk,
                connections: { queryAcceptor.connectionCount })
            retention = RetentionJob(
                stores: stores, statistics: statistics, size: size, log: daemon.log)
            persistence = PersistenceSwitch(
                stores: stores, committer: committer, agents: agents, statistics: statistics,
                condition: disk, isWanted: options.settings.persistence,
                machine: .own, log: daemon.log, limits: limits,
                progress: progress)
            administration = Administration(
                stores: stores, persistence: persistence, committer: committer,
                retention: retention, limits: limits,
                groupID: try Self.adminGroup(options.settings))
            let decoding = try Decoding.options(
                options.settings, systemZone: options.systemZone)
            let dispatcher = Dispatcher(
                stores: stores, statistics: statistics, hub: hub, facts: facts,
                administration: administration, decoding: decoding)
            ownMetrics = OwnMetrics(dispatcher: dispatcher, stores: stores)
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let waiting = WaitingReplies()
            self.statistics = statistics
            do throws(SystemError) {
                queries = QueryServer(
                    acceptor: queryAcceptor, dispatcher: dispatcher, group: group,
                    traffic: traffic, waiting: waiting)
                ingest = IngestServer(
                    acceptor: ingestAcceptor, committer: committer, agents: agents,
                    statistics: statistics, group: group, machine: .own,
                    decoding: decoding, traffic: traffic, waiting: waiting)
                queryConnections = try queryAcceptor.start(name: "accept-query")
                ingestConnections = try ingestAcceptor.start(name: "accept-ingest")
            } catch {
                throw DaemonError("cannot start: \(error)")
            }
            heartbeat = Heartbeat(
                committer: committer, dispatcher: dispatcher, manager: daemon.manager,
                watchdog: watchdog, progress: progress, loop: group.any())
            sockets.onStop = {
                queryAcceptor.stop()
                ingestAcceptor.stop()
            }
        }

        private static func acceptors(
            _ sockets: Sockets, onRefusal: @escaping @Sendable (ByteBuffer) -> Void
        ) -> (query: Acceptor, ingest: Acceptor) {
            // Where descriptors are few, clients must not take those that the database needs.
            let left = ProcessFacts.descriptorsMax - Limits.descriptorsReserved
            let clientsMax = min(Limits.connectionsMax, max(4, left))
            return (
                Acceptor(
                    listener: sockets.query, connectionsMax: clientsMax,
                    connectionsPerUserMax: min(Limits.connectionsPerUserMax, clientsMax * 3 / 4),
                    onRefusal: onRefusal),
                Acceptor(
                    listener: sockets.ingest, connectionsMax: Limits.agentConnectionsMax,
                    connectionsPerUserMax: Limits.agentConnectionsPerUserMax, onRefusal: onRefusal)
            )
        }

        private static func adminGroup(
            _ settings: DaemonSettings
        ) throws(DaemonError) -> UInt32? {
            guard let name = settings.adminGroup else { return nil }
            guard let group = ProcessFacts.groupID(named: name) else {
                throw DaemonError("admin_group: there is no group \"\(name)\"")
            }
            return group
        }

        private static func trafficLog(_ options: Options) throws(DaemonError) -> TrafficLog? {
            guard let path = options.trafficLog else { return nil }
            do throws(SystemError) {
                return try TrafficLog(path: path)
            } catch {
                throw DaemonError("cannot write the traffic log: \(error)")
            }
        }
    }
}
