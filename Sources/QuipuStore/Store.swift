public import QuipuModel
public import Sketches

/// Everything that the daemon asks of a database. SQL begins below this protocol and nowhere above
/// it.
///
/// Writing methods are called by one caller, one at a time; reading methods by anyone, at any time,
/// and never delay a commit. All run on threads of their own, never on the cooperative pool.
public protocol Store: CostStore {
    /// What it has committed survives the process and the machine.
    var isDurable: Bool { get }

    // MARK: Ingest

    /// Where to go on with a source. Makes its account when it has none. With `restart`, closes the
    /// account that there is and makes the next incarnation, at position 0; unless another agent
    /// has gone on with it.
    func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) async throws(StoreError) -> SourceState
    /// Several at once, in one transaction: all are opened, or none.
    func open(_ openings: [SourceOpening]) async throws(StoreError) -> [SourceState]

    /// Stores batches and moves their sources' positions, all in one transaction: either everything
    /// is in the database when it returns, or nothing. A batch whose `from` is not its source's
    /// position is refused and changes nothing; the others are stored all the same.
    func commit(
        _ batches: [PendingBatch], at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt

    /// Keeps figures that the daemon took of itself, in the span that holds `now`. They came from
    /// no source and are in nobody's account.
    func record(_ figures: [OwnFigure], at now: Timestamp) async throws(StoreError)

    /// Stores what somebody told the daemon itself as events of a source of the daemon's own, whose
    /// account counts them.
    func store(
        _ decoded: DecodedBatch, asOwn source: String, at now: Timestamp
    ) async throws(StoreError) -> CommitReceipt

    /// Makes a document or replaces it.
    func put(_ document: DocumentUpdate, at now: Timestamp) async throws(StoreError)
    /// False when there is none of this id.
    func deleteDocument(_ id: String) async throws(StoreError) -> Bool

    // MARK: Questions

    func events(_ query: EventQuery) async throws(StoreError) -> Page<Event>
    /// The events with these `seq`s that the filters let through, in the order of `seq`.
    func events(seqs: [Int64], filters: [Filter]) async throws(StoreError) -> [Event]
    func summary(_ query: SummaryQuery) async throws(StoreError) -> Page<EventGroup>
    func sessions(_ query: SessionQuery) async throws(StoreError) -> Page<SessionSummary>
    /// One session, whatever its age; nil when there is none.
    func session(_ name: String) async throws(StoreError) -> SessionDetail?
    func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics>
    func files(_ query: FileQuery) async throws(StoreError) -> Page<FileTouches>
    func tasks(_ query: TaskQuery) async throws(StoreError) -> TaskPage
    /// Nil when there is none.
    func task(_ query: TaskDetailQuery) async throws(StoreError) -> TaskDetail?
    func activity(_ query: ActivityQuery) async throws(StoreError) -> Page<TaskActivity>
    func document(_ id: String) async throws(StoreError) -> Document?
    func documents(_ query: DocumentQuery) async throws(StoreError) -> Page<DocumentSummary>
    func search(
        _ search: DocumentSearch, _ query: DocumentQuery
    ) async throws(StoreError) -> Page<DocumentHit>
    /// The footer's figures; states of sessions are told against `now`.
    func overview(_ range: TimeRange, now: Timestamp) async throws(StoreError) -> Overview
    func series(_ query: SeriesQuery) async throws(StoreError) -> Page<Series>
    func metric(_ query: MetricQuery) async throws(StoreError) -> MetricAnswer
    func ledger(_ page: PageRequest) async throws(StoreError) -> Ledger
    /// One SELECT that somebody wrote, over views of the database.
    func sql(_ query: SQLQuery) async throws(StoreError) -> SQLRows

    // MARK: Care

    /// Takes away what the policy does not keep, in chunks that take turns with commits. One call
    /// at a time, of this and of `shrink`.
    func retain(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport
    /// Of `retain` only what is for the size budget; gives back what the file has beyond it.
    func shrink(
        _ policy: RetentionPolicy, at time: RetentionTime
    ) async throws(StoreError) -> RetentionReport
    /// Takes one chunk of the oldest payloads, else of the oldest events, where more bytes are in
    /// use. May be called at any time.
    func evict(
        downTo bytes: Int64, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport
    /// What rows and indexes take, as of the last write; free pages are not among it.
    var usedBytes: Int64 { get }
    /// Roughly what `retain` would take away.
    func retainable(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport
    /// Writes a consistent copy into the empty file at `path`, while commits go on, and reads it
    /// again to be sure.
    func backup(to path: String) async throws(StoreError) -> BackupReport

    /// A write that goes through the writer's thread and to the disk; the watchdog's proof of life.
    func probe() async throws(StoreError)
    func status() async throws(StoreError) -> StoreStatus
    /// Waits for what runs, checkpoints and closes. Nothing may be called afterwards.
    func close() async
}

/// What the daemon measured of itself since it last did.
public struct OwnFigure: Sendable {
    public var name: String
    public var type: MetricType
    /// Canonical, as in a `SeriesKey`; empty for none.
    public var tags: String
    public var rollup: Rollup

    public init(_ name: String, _ type: MetricType, tags: String = "", _ rollup: Rollup) {
        self.name = name
        self.type = type
        self.tags = tags
        self.rollup = rollup
    }
}

/// Why an agent starts a source anew.
public struct SourceRestart: Sendable, Equatable {
    /// `truncated` or `rewritten`.
    public var cause: String
    /// Bytes that were destroyed unread, as far as the agent knows.
    public var lostBytes: UInt64
    /// The one that it ends, and its position; nil: whatever there is.
    public var incarnation: Int64?
    public var position: UInt64?

    public init(
        cause: String, lostBytes: UInt64, incarnation: Int64? = nil, position: UInt64? = nil
    ) {
        self.cause = cause
        self.lostBytes = lostBytes
        self.incarnation = incarnation
        self.position = position
    }

    /// Nobody has gone on since the agent asked.
    public func fits(incarnation: Int, position: UInt64) -> Bool {
        (self.incarnation ?? Int64(incarnation)) == Int64(incarnation)
            && (self.position ?? position) == position
    }
}

public struct SourceState: Sendable, Equatable {
    public var id: Int64
    public var incarnation: Int
    public var position: UInt64
    public var head: SourceHead?

    public init(id: Int64, incarnation: Int, position: UInt64, head: SourceHead?) {
        self.id = id
        self.incarnation = incarnation
        self.position = position
        self.head = head
    }
}

/// A decoded batch on its way into the database.
public struct PendingBatch: Sendable {
    public var sourceID: Int64
    public var from: UInt64
    public var to: UInt64
    /// How large the agent saw the source.
    public var size: UInt64
    public var head: SourceHead?
    /// True when nothing will follow.
    public var finished: Bool
    /// How much of its range was destroyed before anybody could read it.
    public var lostBytes: UInt64 = 0
    /// The connection that it came on; 0 for none. What follows a batch that was refused is refused
    /// as well, until the connection opens the source again: it was read of the same content, and
    /// may begin where somebody else's ends by chance.
    public var sender = 0
    public var decoded: DecodedBatch
    /// Its payloads, once a `PayloadPacker` has been at them.
    var packed: PackedPayloads?

    public init(
        sourceID: Int64, from: UInt64, to: UInt64, size: UInt64, head: SourceHead?, finished: Bool,
        decoded: DecodedBatch
    ) {
        self.sourceID = sourceID
        self.from = from
        self.to = to
        self.size = size
        self.head = head
        self.finished = finished
        self.decoded = decoded
    }

    mutating func dropPayloads() {
        packed = nil
        decoded.payloads = []
    }
}

public enum BatchOutcome: Sendable, Equatable {
    case stored
    /// `from` was not the position; go on from here.
    case refused(position: UInt64)
    case unknownSource
}

public struct CommitReceipt: Sendable {
    /// One for each batch, in their order.
    public var outcomes: [BatchOutcome]
    /// `seq`s of events made by this commit; contiguous. Nil when there are none.
    public var created: ClosedRange<Int64>?
    /// `seq`s of older events that this commit completed.
    public var completed: [Int64]
    /// All of it survives the process and the machine.
    public var isDurable = true
    /// How many bytes more are in use.
    public var grownBytes: Int64 = 0
    /// How much more, or less, is known to be spent.
    public var spend: [SpendChange] = []

    public init(outcomes: [BatchOutcome], created: ClosedRange<Int64>?, completed: [Int64]) {
        self.outcomes = outcomes
        self.created = created
        self.completed = completed
    }
}

public struct StoreStatus: Sendable, Equatable {
    /// Nil in memory.
    public var path: String?
    public var sizeBytes: Int64
    public var walBytes: Int64
    public var schemaVersion: Int
    public var lastCommit: Timestamp?
    /// What retention believed of the clock when it last ran, or at first.
    public var retentionTime: Timestamp
    public var eventCount: Int64
    public var seriesCount: Int64
    /// Samples that went to an overflow series because `Limits.seriesMax` was reached.
    public var seriesOverflow: Int64

    public init(
        path: String?, sizeBytes: Int64, walBytes: Int64, schemaVersion: Int,
        lastCommit: Timestamp?, retentionTime: Timestamp, eventCount: Int64,
        seriesCount: Int64, seriesOverflow: Int64
    ) {
        self.path = path
        self.sizeBytes = sizeBytes
        self.walBytes = walBytes
        self.schemaVersion = schemaVersion
        self.lastCommit = lastCommit
        self.retentionTime = retentionTime
        self.eventCount = eventCount
        self.seriesCount = seriesCount
        self.seriesOverflow = seriesOverflow
    }
}

/// What can go wrong with a database, for those who ask.
public enum StoreError: Error, Sendable, Equatable {
    /// The question took longer than `Limits.queryMsMax`.
    case timeout
    /// The question itself is wrong: which member, and why.
    case invalid(path: String, hint: String)
    /// More groups, series or points than a reply may hold.
    case tooLarge(path: String? = nil, hint: String)
    /// The file was made by a newer Quipu.
    case newerSchema(found: Int, known: Int)
    /// The disk or the database failed.
    case failed(code: Int32, message: String)
    case closed
}

/// What `Store.open` is asked for one source.
public struct SourceOpening: Sendable {
    public var identity: SourceIdentity
    public var size: UInt64
    public var restart: SourceRestart?
    public var now: Timestamp
    /// As in `PendingBatch`.
    public var sender = 0

    public init(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) {
        self.identity = identity
        self.size = size
        self.restart = restart
        self.now = now
    }
}

extension Store {
    public func open(
        _ openings: [SourceOpening]
    ) async throws(StoreError) -> [SourceState] {
        var states: [SourceState] = []
        for one in openings {
            states.append(
                try await open(one.identity, size: one.size, restart: one.restart, at: one.now))
        }
        return states
    }

    /// As somebody asks who believes the clock.
    public func retain(
        _ policy: RetentionPolicy, at now: Timestamp
    ) async throws(StoreError) -> RetentionReport {
        try await retain(policy, at: RetentionTime(now))
    }
}
