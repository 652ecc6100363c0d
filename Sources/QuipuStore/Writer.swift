import GRDB
import GRDBSQLite
import QuipuModel
import Synchronization

/// The one connection that writes, on a queue of its own.
actor Writer {
    /// The log is moved into the database beside the commits once so many pages (4 KiB each)
    /// are new in it …
    private let checkpointPages: Int32
    /// … and by the writer, which waits for readers to let it begin anew, once it holds this many
    /// (32 MiB, less on small disks) …
    private var restartPages: Int32 { 2 * checkpointPages }
    /// … and while a reader holds this many, nothing more is written.
    private static let heldPagesMax = Int32(Limits.heldLogBytesMax / 4_096)

    /// It waits for the disk two or three times, and on a slow one for long.
    private static let checkpointPatience = Duration.seconds(60)

    private let executor = QueueExecutor(label: "quipu.store.writer")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private let database: any DatabaseWriter
    private let machineID: String
    /// The host of sources that name none.
    private(set) var defaultHost = ""
    private let seriesMax: Int
    /// Nil in memory, where there is no log.
    private let checkpointer: Checkpointer?
    private let progress: WorkProgress
    private var tables: WriterTables?
    private var pagesInLog: Int32 = 0
    /// Of these, written since a checkpoint last began.
    private var pagesSinceCheckpoint: Int32 = 0
    private var isCheckpointing = false
    /// The log must be longer than this before readers are waited for again.
    private var pagesAtLastWait: Int32 = 0
    private var isClosed = false
    private let used = Atomic<Int64>(0)
    nonisolated var usedBytes: Int64 { used.load(ordering: .relaxed) }
    private var evictionPace = ChunkPace()

    /// - Parameters:
    ///   - path: The database's file; nil: memory.
    ///   - logBytes: How long the log may become before it is moved into the database.
    init(
        _ database: any DatabaseWriter, path: String?, logBytes: Int, machineID: String,
        seriesMax: Int, progress: WorkProgress
    ) {
        self.database = database
        checkpointPages = Int32(clamping: logBytes / 4_096)
        self.machineID = machineID
        self.seriesMax = seriesMax
        checkpointer = path.map(Checkpointer.init)
        self.progress = progress
    }

    /// Under which host the database has this machine.
    func meet(hostName: String) throws(StoreError) {
        let id = machineID
        do {
            defaultHost = try database.write { try Machines.host(of: id, named: hostName, $0) }
        } catch {
            throw StoreError(error)
        }
    }

    func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) throws(StoreError) -> SourceState {
        let states = try open([SourceOpening(identity, size: size, restart: restart, at: now)])
        return states[0]
    }

    func open(_ openings: [SourceOpening]) throws(StoreError) -> [SourceState] {
        try transaction { tables in
            try openings.map { one in
                var identity = one.identity
                let isOwn = identity.host == SourceIdentity.ownHost
                if isOwn {
                    identity.host = defaultHost
                    try tables.sources.bringHome(identity)
                }
                let state = try tables.sources.open(
                    identity, size: one.size, restart: one.restart, at: one.now)
                tables.sources.admit(one.sender, state.id)
                return state
            }
        }
    }

    func commit(
        _ batches: [PendingBatch], at now: Timestamp
    ) throws(StoreError) -> CommitReceipt {
        try transaction { try $0.store(batches, at: now) }
    }

    func record(_ figures: [OwnFigure], at now: Timestamp) throws(StoreError) {
        try transaction { try $0.record(figures, host: defaultHost, at: now) }
    }

    func store(
        _ decoded: DecodedBatch, asOwn source: String, at now: Timestamp
    ) throws(StoreError) -> CommitReceipt {
        try transaction {
            try $0.store(decoded, asOwn: source, host: defaultHost, at: now)
        }
    }

    func put(_ document: DocumentUpdate, at now: Timestamp) throws(StoreError) {
        try transaction {
            try DocumentWriter(connection: $0.connection).put(document, at: now)
        }
    }

    func deleteDocument(_ id: String) throws(StoreError) -> Bool {
        try transaction { try DocumentWriter(connection: $0.connection).delete(id) }
    }

    func probe() throws(StoreError) {
        try transaction { try $0.add(1, to: "heartbeat") }
    }

    /// One chunk of retention, between two commits.
    func retain(
        _ step: RetentionStep, rows: Int, after chunk: RetentionChunk, policy: RetentionPolicy,
        at time: RetentionTime
    ) throws(StoreError) -> RetentionChunk {
        let began = ContinuousClock.now
        var next = try transaction {
            try RetentionWriter(connection: $0.connection, policy: policy, time: time)
                .run(step, rows: rows, after: chunk)
        }
        next.took = .now - began
        if next.dropsCaches { tables = nil }
        return next
    }

    func evict(
        downTo bytes: Int64, at now: Timestamp
    ) throws(StoreError) -> RetentionReport {
        let chunk = try retain(
            .evict(downTo: bytes), rows: evictionPace.rows, after: RetentionChunk(),
            policy: RetentionPolicy(), at: RetentionTime(now))
        evictionPace.follow(chunk.took)
        return chunk.report
    }

    func remember(retentionTime time: Timestamp) throws(StoreError) {
        try transaction {
            let set = try RawStatement(
                $0.connection,
                """
                INSERT INTO counters VALUES ('retention_time', ?1)
                ON CONFLICT DO UPDATE SET value = excluded.value
                """)
            set.bind(1, time.microseconds)
            try set.run()
        }
    }

    /// Memory has no other connection to copy from.
    func backupOfMemory(to path: String) throws -> BackupReport {
        guard !isClosed else { throw StoreError.closed }
        try database.writeWithoutTransaction { db in
            guard let connection = db.sqliteConnection else { throw StoreError.closed }
            try BackupRunner.copy(connection, to: path)
        }
        return try BackupRunner.verify(path)
    }

    func writeOutsideTransaction(_ body: (Database) throws -> Void) throws {
        guard !isClosed else { throw StoreError.closed }
        // What the tables know is of before.
        tables = nil
        try database.writeWithoutTransaction(body)
    }

    func close() async {
        guard !isClosed else { return }
        isClosed = true
        await checkpointer?.close()
        // Statements keep a connection open.
        tables = nil
        if checkpointer != nil { checkpoint(SQLITE_CHECKPOINT_TRUNCATE) }
        try? database.close()
    }

    // MARK: Transactions

    func transaction<Result: Sendable>(
        _ body: (WriterTables) throws -> Result
    ) throws(StoreError) -> Result {
        guard !isClosed else { throw .closed }
        do {
            try boundLog()
            let result = try database.writeWithoutTransaction { db in
                try run(body, db)
            }
            checkpointWhenDue()
            return result
        } catch {
            tables = nil
            throw StoreError(error)
        }
    }

    private func run<Result: Sendable>(
        _ body: (WriterTables) throws -> Result, _ db: Database
    ) throws -> Result {
        guard let connection = db.sqliteConnection else { throw StoreError.closed }
        progress.watch(connection)
        defer { progress.unwatch(connection) }
        var result: Result?
        var usedBytes: Int64 = 0
        try db.inTransaction(.immediate) {
            let tables = try self.tables ?? WriterTables(connection, seriesMax: seriesMax)
            self.tables = tables
            result = try body(tables)
            usedBytes = try tables.pages.usedBytes()
            progress.advance()
            return .commit
        }
        used.store(usedBytes, ordering: .relaxed)
        let pages = Self.takePagesWritten(connection)
        pagesInLog += pages
        pagesSinceCheckpoint += pages
        guard let result else { throw StoreError.closed }
        return result
    }

    /// How many pages the connection has written since it was asked before.
    private static func takePagesWritten(_ connection: OpaquePointer) -> Int32 {
        var pages: Int32 = 0
        var unused: Int32 = 0
        sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &unused, 1)
        return pages
    }

    // MARK: The write-ahead log

    /// After the commit was answered, not within it.
    private func checkpointWhenDue() {
        guard let checkpointer else { return }
        if pagesInLog > max(restartPages, pagesAtLastWait) {
            Task { self.restartLog() }
        } else if pagesSinceCheckpoint > checkpointPages, !isCheckpointing {
            isCheckpointing = true
            pagesSinceCheckpoint = 0
            Task { self.checkpointed(all: await checkpointer.run()) }
        }
    }

    private func checkpointed(all: Bool) {
        isCheckpointing = false
        // Then the next commit begins the log anew.
        if all, pagesSinceCheckpoint == 0 { pagesInLog = 0 }
    }

    /// Moves the log into the file, which then is as short as its pages are few. Most of it beside
    /// the commits, and here only what came meanwhile.
    func shortenFile() async {
        guard !isClosed, let checkpointer else { return }
        _ = await checkpointer.run()
        guard !isClosed else { return }
        checkpoint(SQLITE_CHECKPOINT_PASSIVE)
    }

    private func restartLog() {
        guard !isClosed, pagesInLog > max(restartPages, pagesAtLastWait) else { return }
        checkpoint(SQLITE_CHECKPOINT_RESTART)
        // Each attempt waits for readers: not at every commit while one of them stays.
        pagesAtLastWait = pagesInLog == 0 ? 0 : pagesInLog + checkpointPages / 8
    }

    /// Somebody who reads an old state of the file keeps all that came since in the log.
    private func boundLog() throws(StoreError) {
        guard checkpointer != nil, pagesInLog > Self.heldPagesMax else { return }
        checkpoint(SQLITE_CHECKPOINT_RESTART)
        if pagesInLog > Self.heldPagesMax { throw .logIsHeld(pagesInLog) }
    }

    /// Moves all of the log into the file and proves that the disk takes it, before anything is
    /// acknowledged: what stood in a log whose synchronization failed was perhaps never written.
    func settle() throws(StoreError) {
        guard !isClosed else { throw .closed }
        guard checkpointer != nil else { return }
        let code = checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        if pagesInLog > restartPages { throw .logIsHeld(pagesInLog) }
        if code != SQLITE_OK, code & 0xff != SQLITE_BUSY {
            throw .failed(code: code, message: "the write-ahead log cannot be moved")
        }
        try probe()
    }

    /// Gives the log's bytes back to the disk, as far as readers and the disk let it.
    func emptyLog() {
        guard !isClosed, checkpointer != nil else { return }
        checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
    }

    /// What a reader or an error keeps in the log is left for the next time.
    @discardableResult
    private func checkpoint(_ mode: Int32) -> Int32 {
        database.writeWithoutTransaction { db in
            var inLog: Int32 = 0
            var moved: Int32 = 0
            let code = progress.knownToBeLong(Self.checkpointPatience) {
                sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, mode, &inLog, &moved)
            }
            if code == SQLITE_OK, moved == inLog {
                pagesInLog = 0
                pagesSinceCheckpoint = 0
            } else {
                pagesInLog = max(0, inLog)
            }
            return code
        }
    }
}
