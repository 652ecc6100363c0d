public import QuipuModel

/// The answer of `health`.
public struct HealthReport: Sendable, Equatable {
    public enum Mode: String, Sendable, CaseIterable {
        case persistent
        /// Persistence is switched off.
        case memory
        /// The disk failed; the recent hours are kept in memory meanwhile.
        case degraded
    }

    public struct Database: Sendable, Equatable {
        /// Nil in memory.
        public var path: String?
        public var sizeBytes: Int64
        public var walBytes: Int64

        public init(path: String?, sizeBytes: Int64, walBytes: Int64) {
            self.path = path
            self.sizeBytes = sizeBytes
            self.walBytes = walBytes
        }
    }

    /// One connection on `ingest.sock`.
    public struct Agent: Sendable, Equatable {
        public var processID: Int32
        public var userID: UInt32
        public var connectedSince: Timestamp
        /// Nil before its first batch.
        public var lastBatch: Timestamp?

        public init(
            processID: Int32, userID: UInt32, connectedSince: Timestamp, lastBatch: Timestamp?
        ) {
            self.processID = processID
            self.userID = userID
            self.connectedSince = connectedSince
            self.lastBatch = lastBatch
        }
    }

    public struct Watchdog: Sendable, Equatable {
        public var enabled: Bool
        /// Within which the service manager expects a sign of life; nil when it expects none.
        public var intervalMs: Int64?
        /// When a probe last went through the ingest queue and the store.
        public var lastProbe: Timestamp?

        public init(enabled: Bool, intervalMs: Int64?, lastProbe: Timestamp?) {
            self.enabled = enabled
            self.intervalMs = intervalMs
            self.lastProbe = lastProbe
        }
    }

    public var mode: Mode
    /// What is wrong, for a person; `status` is `ok` when there is nothing.
    public var problems: [String]
    public var version: String
    public var schemaVersion: Int
    public var uptimeSeconds: Int64
    public var database: Database
    public var agents: [Agent]
    public var lastCommit: Timestamp?
    public var watchdog: Watchdog

    public init(
        mode: Mode, problems: [String], version: String, schemaVersion: Int, uptimeSeconds: Int64,
        database: Database, agents: [Agent], lastCommit: Timestamp?, watchdog: Watchdog
    ) {
        self.mode = mode
        self.problems = problems
        self.version = version
        self.schemaVersion = schemaVersion
        self.uptimeSeconds = uptimeSeconds
        self.database = database
        self.agents = agents
        self.lastCommit = lastCommit
        self.watchdog = watchdog
    }

    public var json: JSON {
        let isDegraded = mode == .degraded || !problems.isEmpty
        return [
            "status": isDegraded ? "degraded" : "ok", "mode": .string(mode.rawValue),
            "problems": .array(problems.map(JSON.string)), "version": .string(version),
            "schema_version": .int(Int64(schemaVersion)), "uptime_s": .int(uptimeSeconds),
            "database": [
                "path": .optional(database.path), "size_bytes": .int(database.sizeBytes),
                "wal_bytes": .int(database.walBytes),
            ],
            "agents": .array(agents.map(\.json)),
            "last_commit": .optional(lastCommit?.rfc3339),
            "watchdog": [
                "enabled": .bool(watchdog.enabled),
                "interval_ms": watchdog.intervalMs.map(JSON.int) ?? .null,
                "last_probe": .optional(watchdog.lastProbe?.rfc3339),
            ],
        ]
    }
}

extension HealthReport.Agent {
    var json: JSON {
        [
            "pid": .int(Int64(processID)), "uid": .int(Int64(userID)),
            "connected_since": .string(connectedSince.rfc3339),
            "last_batch": .optional(lastBatch?.rfc3339),
        ]
    }
}
