import QuipuModel
import QuipuProtocol

/// The reports that `protocol/examples` show, as values.
enum ReportExamples {
    private static let moment = Timestamp(rfc3339: "2026-11-20T15:17:28.926Z")
    private static let connected = Timestamp(rfc3339: "2026-11-20T14:00:00Z")

    static func health(_ name: String) -> HealthReport {
        let isMemory = name == "in_memory"
        let since = connected ?? .earliest
        return HealthReport(
            mode: isMemory ? .memory : name == "well" ? .persistent : .degraded,
            problems: name == "disk_failed" ? ["the disk is full"] : [], version: "0.1.0",
            schemaVersion: 1, uptimeSeconds: 3_600,
            database: isMemory
                ? .init(path: nil, sizeBytes: 0, walBytes: 0)
                : .init(path: "/var/lib/quipu/quipu.db", sizeBytes: 4_096_000, walBytes: 0),
            agents: isMemory
                ? []
                : [.init(processID: 812, userID: 998, connectedSince: since, lastBatch: moment)],
            lastCommit: isMemory ? nil : moment,
            watchdog: isMemory
                ? .init(enabled: false, intervalMs: nil, lastProbe: nil)
                : .init(enabled: true, intervalMs: 30_000, lastProbe: moment))
    }

    static func stats() -> StatsReport {
        var report = StatsReport()
        report.uptimeSeconds = 3_600
        report.residentBytes = 28_311_552
        report.ingest.connections = 1
        report.ingest.batches = 900
        report.ingest.batchesRefused = 1
        report.ingest.bytes = 52_428_800
        report.ingest.lines = 51_200
        report.ingest.linesRejected = 3
        report.ingest.secretsRedacted = 1
        report.ingest.bytesPerSecond = 14_563.6
        report.ingest.linesPerSecond = 14.2
        report.commit = .init(count: 880, p50: 0.42, p90: 1.1, p99: 4.03, max: 12)
        report.query = .init(count: 41, p50: 0.42, p90: 1.1, p99: 4.03, max: 12)
        report.queries.connections = 2
        report.queries.requests = 41
        report.queries.errors = 1
        report.queries.requestsPerSecond = 0.1
        report.queries.running = 1
        report.subscriptions.open = 1
        report.subscriptions.notifications = 311
        report.stored.events = 51_000
        report.stored.series = 12
        report.senders.metrics = 900
        report.senders.packetsSent = 880
        report.senders.packetsDropped = 2
        report.senders.bytesSent = 41_360
        report.senders.bytesDropped = 94
        report.limitsHit = ["reply_bytes": 2]
        return report
    }
}
