public import QuipuModel

/// The answer of `stats`: the daemon's own figures. Counts are since its start, rates over the last
/// 10 s.
public struct StatsReport: Sendable, Equatable {
    public struct Latency: Sendable, Equatable {
        public var count: Int64
        /// In milliseconds; nil before the first.
        public var p50, p90, p99, max: Double?

        public init(
            count: Int64, p50: Double? = nil, p90: Double? = nil, p99: Double? = nil,
            max: Double? = nil
        ) {
            self.count = count
            self.p50 = p50
            self.p90 = p90
            self.p99 = p99
            self.max = max
        }
    }

    public struct Ingest: Sendable, Equatable {
        public var connections = 0
        public var batches: Int64 = 0
        public var batchesRefused: Int64 = 0
        public var bytes: Int64 = 0
        public var lines: Int64 = 0
        public var linesRejected: Int64 = 0
        /// Taken out before anything was stored.
        public var secretsRedacted: Int64 = 0
        public var bytesPerSecond = 0.0
        public var linesPerSecond = 0.0
        public var queueBytes: Int64 = 0
        public var queueBatches: Int64 = 0

        public init() {}
    }

    public struct Queries: Sendable, Equatable {
        public var connections = 0
        public var connectionsRefused: Int64 = 0
        public var requests: Int64 = 0
        public var errors: Int64 = 0
        public var requestsPerSecond = 0.0
        public var running = 0

        public init() {}
    }

    public struct Subscriptions: Sendable, Equatable {
        public var open = 0
        public var notifications: Int64 = 0
        /// Not sent to slow readers.
        public var missed: Int64 = 0
        /// Slow readers whose connection was cut.
        public var cut: Int64 = 0

        public init() {}
    }

    public struct Stored: Sendable, Equatable {
        public var events: Int64 = 0
        public var series: Int64 = 0
        /// Samples that went to an overflow series.
        public var seriesOverflow: Int64 = 0

        public init() {}
    }

    public var uptimeSeconds: Int64 = 0
    /// Nil when the system does not tell.
    public var residentBytes: Int64?
    public var ingest = Ingest()
    public var commit = Latency(count: 0)
    public var commitsFailed: Int64 = 0
    public var queries = Queries()
    public var query = Latency(count: 0)
    public var subscriptions = Subscriptions()
    public var stored = Stored()
    /// As clients told it.
    public var senders = SenderFigures()
    /// What retention took away since the start, and when it last ran.
    public var retention = RetentionReport()
    public var retentionLastRun: Timestamp?
    /// How often each bound was hit, by its name; those never hit are left out.
    public var limitsHit: [String: Int64] = [:]

    public init() {}

    public var json: JSON {
        [
            "uptime_s": .int(uptimeSeconds),
            "rss_bytes": residentBytes.map(JSON.int) ?? .null,
            "ingest": ingest.json,
            "commits": .object(
                commit.members + [JSON.Member("failed", .int(commitsFailed))]),
            "queries": .object(queries.members + [JSON.Member("latency_ms", query.quantiles)]),
            "subscriptions": [
                "open": .int(Int64(subscriptions.open)),
                "notifications": .int(subscriptions.notifications),
                "missed": .int(subscriptions.missed), "cut": .int(subscriptions.cut),
            ],
            "stored": [
                "events": .int(stored.events), "series": .int(stored.series),
                "series_overflow": .int(stored.seriesOverflow),
            ],
            "senders": [
                "metrics": .int(senders.metrics), "events": .int(senders.events),
                "service_checks": .int(senders.serviceChecks),
                "packets_sent": .int(senders.packetsSent),
                "packets_dropped": .int(senders.packetsDropped),
                "bytes_sent": .int(senders.bytesSent),
                "bytes_dropped": .int(senders.bytesDropped),
                "lines_dropped": .int(senders.linesDropped),
            ],
            "retention": .object(
                [JSON.Member("last_run", .optional(retentionLastRun?.rfc3339))]
                    + retention.members),
            "limits_hit": .object(
                limitsHit.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .int($0.value)) }),
        ]
    }
}

extension StatsReport.Latency {
    var quantiles: JSON {
        func value(_ milliseconds: Double?) -> JSON {
            .optional(milliseconds.map(Round.toThousandth))
        }
        return ["p50": value(p50), "p90": value(p90), "p99": value(p99), "max": value(max)]
    }

    var members: [JSON.Member] {
        [JSON.Member("count", .int(count)), JSON.Member("latency_ms", quantiles)]
    }
}

extension StatsReport.Ingest {
    var json: JSON {
        [
            "connections": .int(Int64(connections)), "batches": .int(batches),
            "batches_refused": .int(batchesRefused), "bytes": .int(bytes), "lines": .int(lines),
            "lines_rejected": .int(linesRejected),
            "secrets_redacted": .int(secretsRedacted),
            "bytes_per_s": .number(Round.toThousandth(bytesPerSecond)),
            "lines_per_s": .number(Round.toThousandth(linesPerSecond)),
            "queue_bytes": .int(queueBytes), "queue_batches": .int(queueBatches),
        ]
    }
}

extension StatsReport.Queries {
    var members: [JSON.Member] {
        [
            JSON.Member("connections", .int(Int64(connections))),
            JSON.Member("connections_refused", .int(connectionsRefused)),
            JSON.Member("requests", .int(requests)), JSON.Member("errors", .int(errors)),
            JSON.Member("requests_per_s", .number(Round.toThousandth(requestsPerSecond))),
            JSON.Member("running", .int(Int64(running))),
        ]
    }
}
