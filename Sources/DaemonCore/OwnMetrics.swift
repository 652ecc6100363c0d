internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Sketches

/// Keeps the figures of `stats` as series under `quipu.`, so that there is a history of the health
/// of the daemon itself.
struct OwnMetrics: Sendable {
    private static let intervalSeconds = 10

    let dispatcher: Dispatcher
    let stores: Stores

    func run() async {
        var previous = StatsReport()
        while !Task.isCancelled {
            // The beat itself; stopping ends it at once.
            try? await Task.sleep(for: .seconds(Self.intervalSeconds))
            guard !Task.isCancelled, let report = try? await dispatcher.stats() else { continue }
            let now = Timestamp(microseconds: WallClock.microseconds())
            let figures = Self.figures(
                report, since: previous, dispatcher.statistics.takeLatencies(), at: now)
            // A disk that fails has said so elsewhere; counts are then in the next difference.
            guard (try? await stores.current.record(figures, at: now)) != nil else { continue }
            previous = report
        }
    }

    private static let counts: [(String, any KeyPath<StatsReport, Int64> & Sendable)] = [
        ("ingest.batches", \.ingest.batches), ("ingest.bytes", \.ingest.bytes),
        ("ingest.batches_refused", \.ingest.batchesRefused),
        ("ingest.lines", \.ingest.lines), ("ingest.lines_rejected", \.ingest.linesRejected),
        ("ingest.secrets_redacted", \.ingest.secretsRedacted),
        ("commits.count", \.commit.count), ("commits.failed", \.commitsFailed),
        ("queries.requests", \.queries.requests),
        ("queries.errors", \.queries.errors),
        ("queries.connections_refused", \.queries.connectionsRefused),
        ("subscriptions.notifications", \.subscriptions.notifications),
        ("subscriptions.missed", \.subscriptions.missed),
        ("subscriptions.cut", \.subscriptions.cut),
    ]

    private static let levels: [(String, @Sendable (StatsReport) -> Double?)] = [
        ("uptime_s", { Double($0.uptimeSeconds) }),
        ("rss_bytes", { $0.residentBytes.map(Double.init) }),
        ("ingest.connections", { Double($0.ingest.connections) }),
        ("ingest.queue_bytes", { Double($0.ingest.queueBytes) }),
        ("ingest.queue_batches", { Double($0.ingest.queueBatches) }),
        ("queries.running", { Double($0.queries.running) }),
        ("queries.connections", { Double($0.queries.connections) }),
        ("subscriptions.open", { Double($0.subscriptions.open) }),
        ("stored.events", { Double($0.stored.events) }),
        ("stored.series", { Double($0.stored.series) }),
        ("stored.series_overflow", { Double($0.stored.seriesOverflow) }),
    ]

    /// Counters by what was added, and only where something was; levels as they are.
    static func figures(
        _ report: StatsReport, since previous: StatsReport, _ latencies: Statistics.Latencies,
        at now: Timestamp
    ) -> [OwnFigure] {
        func one(_ value: Double, _ sketch: DDSketch? = nil) -> Rollup {
            var rollup = Rollup(sketch: sketch)
            rollup.add(value, weight: 1, atMicroseconds: now.microseconds)
            return rollup
        }
        func count(_ name: String, _ added: Int64, tags: String = "") -> OwnFigure? {
            added > 0 ? OwnFigure(name, .counter, tags: tags, one(Double(added))) : nil
        }
        var figures = counts.compactMap { name, path in
            count("quipu." + name, report[keyPath: path] - previous[keyPath: path])
        }
        for (now, before) in zip(report.retention.members, previous.retention.members) {
            figures += [
                count("quipu.retention." + now.name, (now.value.int ?? 0) - (before.value.int ?? 0))
            ].compactMap { $0 }
        }
        for (limit, hits) in report.limitsHit {
            figures += [
                count(
                    "quipu.limits_hit", hits - previous.limitsHit[limit, default: 0],
                    tags: "limit:" + limit)
            ].compactMap { $0 }
        }
        figures += levels.compactMap { name, value in
            value(report).map { OwnFigure("quipu." + name, .gauge, one($0, DDSketch())) }
        }
        for (name, rollup) in [
            ("commits", latencies.commits), ("queries", latencies.requests),
        ] where !rollup.isEmpty {
            figures.append(OwnFigure("quipu.\(name).latency_ms", .timer, rollup))
        }
        return figures
    }
}
