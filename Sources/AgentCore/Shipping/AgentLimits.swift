import QuipuModel

/// The bounds of tailing and shipping that are no one else's business.
enum AgentLimits {
    /// Files held open; the least recently used is closed first.
    static let openFilesMax = 64
    /// Scans that a file with nothing to read stays open.
    static let idleRoundsMax = 6
    static let rereadBytesMax = Limits.openingLineBytesMax
    /// So much of a document is compared with what it was before it is read on; of a longer one
    /// its beginning.
    static let documentVerifiedBytesMax: UInt64 = 16 << 20
    /// How long a document that is not what it was is left to its writer.
    static let settleMs: Int64 = 200
    /// How far the last line's beginning is looked for.
    static let lineSearchBytesMax = 64 << 10
    /// Turns taken before other descriptors are looked at again.
    static let turnsPerPump = 16
    /// A deleted file that was read to its end may still grow through its writer's descriptor for
    /// this long.
    static let deletedIdleMs: Int64 = 10_000
    /// What deleted files that are held may take together.
    static let deletedBytesMax: UInt64 = 1 << 30
    /// A file that was renamed to where no glob looks is followed until it was idle for this long.
    static let strayIdleMs: Int64 = 60_000
    /// How often deleted and stray files are looked at; inotify does not tell of them.
    static let lingerCheckMs: Int64 = 1_000
    static let reconnectMsMin: Int64 = 100
    static let reconnectMsMax: Int64 = 5_000
    /// One answer of the daemon.
    static let replyBytesMax = 64 << 10
    /// Patterns that one glob with braces may stand for.
    static let globAlternativesMax = 256
    static let directoryDepthMax = 64
    /// A source that failed is tried again after this.
    static let sourceRetryMs: Int64 = 5_000
    /// Memory is given back when nothing was answered for this long.
    static let restMs: Int64 = 1_000
    static let statusMs: Int64 = 5_000
    /// How long what is there is still shipped after SIGTERM.
    static let stopMs: Int64 = 2_000
    /// Scans of all globs take at most one part in this many of the time.
    static let rescanShare: Int64 = 500
}
