import QuipuModel

/// What a file or a table turned out to be.
public enum OriginalKind: String, Sendable, CaseIterable {
    /// `usage.json`: calls, costs and limits by user.
    case usage
    /// `tool_usage.json`.
    case toolUsage = "tool_usage"
    /// `agent_status.json`.
    case agentStatus = "agent_status"
    /// `tasks.json`.
    case tasks
    /// `sessions.json`.
    case sessions
    /// A dashboard's SQLite database.
    case database
    /// Anything that an agent would tail: JSON lines, hook files, transcripts.
    case log
}

/// What becomes of one row.
public enum RowFate: Sendable, Equatable {
    /// It is sent.
    case taken
    /// It tells the same as another row of this run, which is named.
    case merged(with: String)
    /// It cannot be taken: the column and what is wrong with it.
    case refused(column: String, reason: String)
}

/// One row of an original, as it is reported.
public struct RowReport: Sendable {
    /// Which row: its id where it has one, else its number from 1.
    public var row: String
    public var fate: RowFate
    /// Time and name, for a person.
    public var summary: String
}

/// Tokens and dollars that rows tell. Dollars are nano-dollars, so that sums are exact.
public struct RowSums: Sendable, Equatable {
    public var costNanoUSD: Int64 = 0
    public var inputTokens: Int64 = 0
    public var outputTokens: Int64 = 0
    public var cacheReadTokens: Int64 = 0
    public var cacheWriteTokens: Int64 = 0

    public init() {}

    public var costUSD: Double { Double(costNanoUSD) / 1e9 }

    mutating func add(_ other: RowSums) {
        costNanoUSD = costNanoUSD.addingClamped(other.costNanoUSD)
        inputTokens = inputTokens.addingClamped(other.inputTokens)
        outputTokens = outputTokens.addingClamped(other.outputTokens)
        cacheReadTokens = cacheReadTokens.addingClamped(other.cacheReadTokens)
        cacheWriteTokens = cacheWriteTokens.addingClamped(other.cacheWriteTokens)
    }
}

/// The rows of one table or file, and what they become.
public struct ImportedTable: Sendable {
    public var kind: OriginalKind
    /// Where it came from; a table of a database has its name behind a `#`.
    public var path: String
    public var rows: [RowReport] = []
    /// The rows that are sent, as native lines.
    public var lines: [UInt8] = []
    /// Of all rows that were read and not refused, merged ones included.
    public var sums = RowSums()
    /// What a person should know of the table as a whole.
    public var notes: [String] = []

    init(_ kind: OriginalKind, path: String) {
        self.kind = kind
        self.path = path
    }

    public var takenCount: Int { rows.count { $0.fate == .taken } }
    public var mergedCount: Int {
        rows.count { if case .merged = $0.fate { true } else { false } }
    }
    public var refusedCount: Int {
        rows.count { if case .refused = $0.fate { true } else { false } }
    }
}

/// A spending limit that an original holds.
public struct ImportedLimit: Sendable, Equatable {
    public var user: String
    /// `day`, `week` or `month`.
    public var period: String
    public var limitUSD: Double
}

/// A file that is nobody's table and no log, or that could not be read.
public struct RefusedFile: Sendable, Equatable {
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// All that was found below the paths that were given.
public struct ImportPlan: Sendable {
    public var tables: [ImportedTable] = []
    /// Logs that are sent as they are.
    public var logs: [String] = []
    public var limits: [ImportedLimit] = []
    public var refused: [RefusedFile] = []
    /// Files of directories that nobody would take for a log.
    public var passedOver: [String] = []

    public init() {}

    public var refusedCount: Int {
        refused.count + tables.reduce(0) { $0 + $1.refusedCount }
    }
}
