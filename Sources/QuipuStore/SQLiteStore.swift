import GRDB
public import QuipuModel

/// A `Store` over one SQLite file, or over memory.
public final class SQLiteStore: Store {
    let writer: Writer
    let reader: any DatabaseReader
    let path: String?
    let queryMsMax: Int
    public var isDurable: Bool { path != nil }
    let sqlRunner = SQLRunner()

    /// Opens the database, making or migrating it as needed.
    ///
    /// - Parameters:
    ///   - path: the file; nil: in memory, where reading and writing take turns.
    ///   - hostName: the machine's present name, the host of its sources where the database has not
    ///     met it before.
    ///   - machineID: what stays when it is renamed; nil: nothing.
    ///   - logBytes: how long the write-ahead log may become before it is moved into the file.
    ///   - progress: is told of what is done, from the opening on.
    /// - Throws: `newerSchema`, or `failed` where the file cannot be opened or is no database.
    public convenience init(
        path: String?, hostName: String, machineID: String? = nil,
        logBytes: Int = Limits.logBytes, progress: WorkProgress = WorkProgress()
    ) async throws(StoreError) {
        try await self.init(
            path: path, hostName: hostName, machineID: machineID, logBytes: logBytes,
            seriesMax: Limits.seriesMax, queryMsMax: Limits.queryMsMax, progress: progress)
    }

    /// With bounds that a test can reach.
    init(
        path: String?, hostName: String, machineID: String? = nil,
        logBytes: Int = Limits.logBytes, seriesMax: Int, queryMsMax: Int,
        progress: WorkProgress = WorkProgress()
    ) async throws(StoreError) {
        let database = try await Self.open(path: path, logBytes: logBytes, progress)
        let machineID = machineID ?? "name:" + hostName
        self.path = path
        self.queryMsMax = queryMsMax
        reader = database
        writer = Writer(
            database, path: path, logBytes: logBytes, machineID: machineID, seriesMax: seriesMax,
            progress: progress)
        try await writer.meet(hostName: hostName)
    }

    /// Opening waits for the disk, so it has a thread of its own too.
    private static func open(
        path: String?, logBytes: Int, _ progress: WorkProgress
    ) async throws(StoreError) -> any DatabaseWriter {
        let opener = Opener()
        return try await opener.open(path: path, logBytes: logBytes, progress)
    }

    private actor Opener {
        private let executor = QueueExecutor(label: "quipu.store.open")
        nonisolated var unownedExecutor: UnownedSerialExecutor {
            executor.asUnownedSerialExecutor()
        }

        func open(
            path: String?, logBytes: Int, _ progress: WorkProgress
        ) throws(StoreError) -> any DatabaseWriter {
            do {
                let database = try Connections.open(path: path, logBytes: logBytes)
                database.writeWithoutTransaction { db in
                    if let connection = db.sqliteConnection { progress.watch(connection) }
                }
                try Schema.migrate(database)
                try database.writeBuiltInPrices()
                return database
            } catch {
                throw StoreError(error)
            }
        }
    }

    // MARK: Writing

    public func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) async throws(StoreError) -> SourceState {
        try await writer.open(identity, size: size, restart: restart, at: now)
    }

    public func open(
        _ openings: [SourceOpening]
    ) async throws(StoreError) -> [SourceState] {
        try await writer.open(openings)
    }

    public func commit(
        _ batches: [PendingBatch], at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt {
        var receipt = try await writer.commit(batches, at: now)
        receipt.isDurable = isDurable
        return receipt
    }

    public func record(_ figures: [OwnFigure], at now: Timestamp) async throws(StoreError) {
        try await writer.record(figures, at: now)
    }

    public func store(
        _ decoded: DecodedBatch, asOwn source: String, at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt {
        var receipt = try await writer.store(decoded, asOwn: source, at: now)
        receipt.isDurable = isDurable
        return receipt
    }

    public func probe() async throws(StoreError) { try await writer.probe() }

    public func close() async { await writer.close() }
}
