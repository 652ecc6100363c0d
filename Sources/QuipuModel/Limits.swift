/// Every bound of Quipu that is not a setting, each once, with its unit in its name.
///
/// What a user may change is in `Settings`; what stands here is part of the contract.
public enum Limits {
    // Requests and replies.
    public static let requestBytesMax = 1 << 20
    public static let requestNestingMax = 64
    public static let requestsPerBatchMax = 256
    public static let filtersMax = 64
    public static let filterValuesMax = 1_000
    public static let filterTextBytesMax = 4_096
    public static let groupKeysMax = 8
    public static let aggregatesMax = 32
    public static let replyBytesMax = 16 << 20
    public static let rowsPerReplyMax = 10_000
    public static let rowsPerReplyDefault = 100
    public static let sqlRowsPerReplyDefault = 1_000
    public static let sqlTextBytesMax = 64 << 10
    public static let queryMsMax = 5_000
    /// Questions that the database answers at a time, and those of one user among them.
    public static let queriesRunningMax = 3
    public static let queriesRunningPerUserMax = 2
    public static let groupsPerReplyMax = 10_000
    /// Files and subagents of one session that are told with it.
    public static let sessionFilesMax = 100
    public static let sessionSubagentsMax = 100
    public static let pointsPerSeriesMax = 11_000
    public static let metricsPerQueryMax = 16
    /// What the default step of a chart aims at.
    public static let pointsPerSeriesDefault = 300

    // Connections.
    public static let connectionsMax = 256
    public static let connectionsPerUserMax = 64
    public static let halfSentRequestMsMax = 30_000
    /// An agent that can read a file no more is believed that the rest is lost when another one
    /// that has it open did not finish it within this time.
    public static let lossPatienceMs = 60_000
    public static let slowReaderBytesMax = 1 << 20
    public static let slowReaderMsMax = 30_000
    public static let subscriptionsPerConnectionMax = 16
    public static let agentConnectionsMax = 16
    public static let agentConnectionsPerUserMax = 8
    /// Requests of one agent that are read before those ahead of them are answered.
    public static let agentRequestsWaitingMax = 256
    /// What replies of all connections may hold together; above, who takes theirs slowest is cut.
    public static let repliesWaitingBytesMax = 32 << 20
    /// What the replies of unfinished batches may hold, of all connections and of one user's …
    public static let batchRepliesBytesMax = 32 << 20
    public static let batchRepliesPerUserBytesMax = replyBytesMax
    /// … beside so much of each batch, which is always there.
    public static let batchRepliesFreeBytes = 64 << 10
    /// Descriptors that `quipud` needs for itself and its agents; clients get what is left.
    public static let descriptorsReserved = 48
    /// Events of one commit that are looked up for subscribers; what exceeds it is told as missed.
    public static let notifiedEventsPerCommitMax = 1_000

    // Lines and datagrams.
    public static let lineBytesMax = 16 << 20
    public static let lineNestingMax = 128
    /// The first line of an object that goes on over further lines.
    public static let openingLineBytesMax = 64 << 10
    /// Times that a document was rewritten after which an element that did not come again is
    /// forgotten.
    public static let elementPassesKept = 100
    public static let datagramBytesMax = 64 << 10
    /// A line on a stream socket; with its frame it fits into one batch.
    public static let streamLineBytesMax = 1_000_000
    /// What all stream connections together may hold of lines whose end has not come, each up to
    /// `datagramBytesMax` besides.
    public static let streamHeldBytesMax = 4 << 20
    public static let nameBytesMax = 200
    public static let tagsPerSeriesMax = 32
    public static let seriesMax = 100_000
    public static let rejectedLineKeptBytes = 200
    public static let rejectsKeptPerSource = 20
    /// Text of an event's column (name, session, error, …); the rest is only in the payload.
    public static let columnBytesMax = 1_024
    /// A member whose text is longer lives in the payload, not in the attributes.
    public static let attributeBytesMax = 1_024
    /// A longer member of a payload is cut, unless `payload_max_bytes` says otherwise.
    public static let payloadBytesDefault = 256 << 10
    /// What does not fit any more goes to the payload too.
    public static let attributesBytesMax = 64 << 10
    /// So that no sum of values ever becomes infinite.
    public static let metricValueMax = 1e250

    /// Ids of calls with fewer bytes may be anybody's; longer ones name one call in the world.
    public static let uniqueIDBytesMin = 16

    /// Texts of one batch's records, and payloads: many times what any batch gives, and few enough
    /// that each place in them is a `Slice`'s.
    public static let decodedTextBytesMax = 256 << 20

    // Tasks and documents.
    /// Each of a task's texts; the rest is in its events only.
    public static let taskTextBytesMax = 16 << 10
    /// A document's body as JSON text; with the rest of its request it fits into one.
    public static let documentBytesMax = 768 << 10
    /// Words and phrases of one search.
    public static let searchTermsMax = 32

    // What is added up.
    /// A count beyond it is nobody's, so sums end here. A few such can be added.
    public static let countMax: Int64 = 1 << 60
    /// Of each kind, in one model call.
    public static let tokensPerCallMax: Int64 = 1 << 40
    /// Calls of one message id that are looked at for the one that a line tells of again.
    public static let callsPerMessageMax = 256

    // Batches between agent and daemon.
    public static let batchBytes = 1 << 20
    public static let batchDelayMs = 100
    /// How long a sender that waits, waits while the agent's queue is full: `quipu send`.
    public static let fullQueueSecondsMax = 2
    /// One line may be longer than a batch; a batch then holds that line alone.
    public static let batchBytesMax = lineBytesMax + (64 << 10)
    public static let headBytes = 1_024
    public static let inFlightBytesMax = 16 << 20
    public static let inFlightBatchesMax = 64
    public static let commitDelayMs = 250
    public static let commitBytes = 4 << 20
    /// As many as an agent keeps unanswered of files, which waits for their answers.
    public static let commitBatches = inFlightBatchesMax / 2
    /// What came in during a commit is the next one at once where it is so many: under load the
    /// queue is full by then, and nobody waits for it to become fuller.
    public static let commitAgainBytes = 2 << 20
    public static let ingestQueueBytesMax = 8 << 20

    // The database's file.
    /// How long the write-ahead log becomes before it is moved into the file; less on small disks.
    public static let logBytes = 4_000 * 4_096
    /// While a reader keeps more than this in the log, nothing is added. With the group of commits
    /// that passes it, the log stays under 64 MiB.
    public static let heldLogBytesMax = 52 << 20
    /// Kept aside in a file, so that there is room to make room when the disk is full.
    public static let ballastBytesMax: Int64 = 32 << 20
    public static let ballastBytesMin: Int64 = 4 << 20
    /// How long the start may look for damage before it answers questions.
    public static let damageSearchMs = 500

    // Spool.
    public static let spoolBytesMax = 256 << 20
    public static let spoolSegmentBytes = 8 << 20

    // Rollups.
    public static let rollupSeconds: Int64 = 10
    public static let sessionActiveSeconds: Int64 = 5 * 60
    public static let sessionIdleSeconds: Int64 = 30 * 60

    // Retention.
    /// Where the wall clock leapt by more, retention follows it step by step.
    public static let clockLeapSecondsMax: Int64 = 3_600
    /// So much faster than time passes: a day in an hour.
    public static let clockCatchUpFactor: Int64 = 24
    /// How far the database may be over its budget before commits wait for retention. What a commit
    /// takes is an estimate: the file stays within 110 percent.
    public static let databaseExcessPercentMax: Int64 = 5

    // Costs.
    public static let costBlockSecondsDefault: Int64 = 5 * 3_600
    public static let costBlockHoursMax: Int64 = 7 * 24
    public static let spendLimitsMax = 1_000
    /// Sessions whose spending is remembered for limits that each session has for itself.
    public static let spendSessionsMax = 10_000
    public static let spendWarningPercent = 80.0
    public static let spendWarningSeconds: Int64 = 3_600
    /// How long `quipu hook --guard` and `quipu statusline` wait for an answer.
    public static let guardPatienceMs: Int64 = 100
    public static let pricesFileBytesMax = 4 << 20
    public static let priceUSDMax = 1e9
    /// A forked session's history is written out within this time after its start.
    public static let forkReplayMs: Int64 = 1_000
    public static let reconciledCallsDefault: Int64 = 10
}
