import QuipuModel
import QuipuProtocol
import Testing

@testable import DaemonCore

/// What `stats` tells has a history as well.
@Suite struct OwnMetricsTests {
    /// Rates follow from counts, quantiles from the series of latencies, and what clients counted
    /// they send as series themselves.
    private static func hasNoSeries(_ path: String) -> Bool {
        path.hasSuffix("_per_s") || path.contains("latency_ms") || path.hasPrefix("senders.")
            || path == "retention.last_run"
    }

    private static func leaves(_ json: JSON, _ path: String = "") -> [String] {
        guard case .object(let members) = json else { return [path] }
        return members.flatMap {
            leaves($0.value, path.isEmpty ? $0.name : path + "." + $0.name)
        }
    }

    private static var busy: StatsReport {
        var report = StatsReport()
        report.residentBytes = 1
        report.ingest.batches = 1
        report.ingest.batchesRefused = 1
        report.ingest.bytes = 1
        report.ingest.lines = 1
        report.ingest.linesRejected = 1
        report.ingest.secretsRedacted = 1
        report.commit.count = 1
        report.commitsFailed = 1
        report.queries.requests = 1
        report.queries.errors = 1
        report.queries.connectionsRefused = 1
        report.subscriptions.notifications = 1
        report.subscriptions.missed = 1
        report.subscriptions.cut = 1
        for path: WritableKeyPath<RetentionReport, Int> in [
            \.payloadBlocks, \.events, \.sessions, \.eventRollups, \.rollupsMerged, \.rollups,
            \.series, \.sources, \.usageCalls, \.usageRows, \.tasks, \.documents,
        ] {
            report.retention[keyPath: path] = 1
        }
        report.retention.bytesFreed = 1
        return report
    }

    @Test func everyFigureOfStatsIsASeries() {
        let figures = OwnMetrics.figures(
            Self.busy, since: StatsReport(), Statistics.Latencies(),
            at: Timestamp(microseconds: 1_700_000_000_000_000))
        let names = Set(figures.map(\.name))
        for path in Self.leaves(Self.busy.json)
        where !Self.hasNoSeries(path) && path != "limits_hit" {
            #expect(names.contains("quipu." + path), "\(path)")
        }
    }

    @Test func countersTellWhatWasAdded() {
        var later = Self.busy
        later.retention.events = 8
        later.limitsHit = ["reply_bytes": 3]
        let figures = OwnMetrics.figures(
            later, since: Self.busy, Statistics.Latencies(),
            at: Timestamp(microseconds: 1_700_000_000_000_000))
        let counters = figures.filter { $0.type == .counter }
        #expect(counters.map(\.name) == ["quipu.retention.events", "quipu.limits_hit"])
        #expect(counters.map(\.rollup.sum) == [7, 3])
    }
}
