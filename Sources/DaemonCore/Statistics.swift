internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Sketches
internal import Synchronization

/// The daemon's own figures.
final class Statistics: Sendable {
    private struct Moment {
        var microseconds: Int64
        var bytes: Int64
        var lines: Int64
        var requests: Int64
    }

    private struct State {
        var report = StatsReport()
        /// One entry a second, the newest last.
        var history: [Moment] = []
        var commitMs = DDSketch()
        var queryMs = DDSketch()
        /// The same since they were last taken.
        var recent = Latencies()
        var lastFailure: String?
        var linesLost: Int64 = 0
    }

    /// How long commits and requests took, in milliseconds.
    struct Latencies {
        var commits = Rollup(sketch: DDSketch())
        var requests = Rollup(sketch: DDSketch())
    }

    private let state = Mutex(State())
    private let startedMicroseconds: Int64

    private static let rateSeconds = 10

    init(startedMicroseconds: Int64) { self.startedMicroseconds = startedMicroseconds }

    // MARK: What happened

    func committed(_ batches: [PendingBatch], _ receipt: CommitReceipt, microseconds: Int64) {
        state.withLock { state in
            state.commitMs.add(Double(microseconds) / 1_000)
            state.recent.commits.add(
                Double(microseconds) / 1_000, weight: 1, atMicroseconds: WallClock.microseconds())
            state.lastFailure = nil
            for (batch, outcome) in zip(batches, receipt.outcomes) {
                state.report.ingest.batches += 1
                guard outcome == .stored else {
                    state.report.ingest.batchesRefused += 1
                    continue
                }
                let tally = batch.decoded.tally
                // What was skipped is as much as an agent claims.
                func add(_ count: UInt64, to sum: inout Int64) {
                    sum = sum.addingCount(Int64(clamping: count))
                }
                add(tally.received, to: &state.report.ingest.lines)
                add(batch.to - batch.from, to: &state.report.ingest.bytes)
                for count in tally.rejected.values {
                    add(count, to: &state.report.ingest.linesRejected)
                }
                for count in tally.lost.values { add(count, to: &state.linesLost) }
                state.report.ingest.secretsRedacted += Int64(batch.decoded.redacted)
                state.report.senders.add(batch.decoded.senders)
            }
        }
    }

    func commitFailed(_ error: StoreError) {
        state.withLock { state in
            state.report.commitsFailed += 1
            state.lastFailure = "the last commit failed: \(error)"
        }
    }

    /// Of a database that is no longer in use.
    func forgetFailure() {
        state.withLock { $0.lastFailure = nil }
    }

    func queue(bytes: Int, batches: Int) {
        state.withLock { state in
            state.report.ingest.queueBytes = Int64(bytes)
            state.report.ingest.queueBatches = Int64(batches)
        }
    }

    func requestBegan() {
        state.withLock { $0.report.queries.running += 1 }
    }

    func requestEnded(microseconds: Int64, failed: Bool) {
        state.withLock { state in
            state.report.queries.running -= 1
            state.report.queries.requests += 1
            state.queryMs.add(Double(microseconds) / 1_000)
            state.recent.requests.add(
                Double(microseconds) / 1_000, weight: 1, atMicroseconds: WallClock.microseconds())
            if failed { state.report.queries.errors += 1 }
        }
    }

    /// A line that never became a request.
    func requestRefused() {
        state.withLock { state in
            state.report.queries.requests += 1
            state.report.queries.errors += 1
        }
    }

    func connectionRefused() {
        state.withLock { $0.report.queries.connectionsRefused += 1 }
    }

    func retained(_ report: RetentionReport, at now: Timestamp) {
        state.withLock { state in
            state.report.retention.add(report)
            state.report.retentionLastRun = now
        }
    }

    func readerCut() {
        state.withLock { $0.report.subscriptions.cut += 1 }
    }

    func hit(limit: String) {
        state.withLock { $0.report.limitsHit[limit, default: 0] += 1 }
    }

    /// Called once a second, for the rates.
    func tick() {
        let now = MonotonicClock.microseconds()
        state.withLock { state in
            state.history.append(
                Moment(
                    microseconds: now, bytes: state.report.ingest.bytes,
                    lines: state.report.ingest.lines, requests: state.report.queries.requests))
            if state.history.count > Self.rateSeconds + 1 { state.history.removeFirst() }
        }
    }

    // MARK: What it comes to

    /// The last commit's error, while the newest commit failed.
    var failure: String? { state.withLock { $0.lastFailure } }

    var uptimeSeconds: Int64 {
        (MonotonicClock.microseconds() - startedMicroseconds) / 1_000_000
    }

    /// For `STATUS=`.
    var summary: String {
        let report = self.report
        let rate = Int64(report.ingest.linesPerSecond)
        let lost = state.withLock { $0.linesLost }
        let text =
            "\(rate) lines/s, \(report.ingest.lines) lines, \(lost) lost, "
            + "\(report.ingest.queueBytes) bytes waiting, \(report.ingest.connections) agents"
        return failure.map { "\(text); \($0)" } ?? text
    }

    /// What this object knows of the reply to `stats`.
    var report: StatsReport {
        state.withLock { state in
            var report = state.report
            report.uptimeSeconds = uptimeSeconds
            report.commit = Self.latency(state.commitMs)
            report.query = Self.latency(state.queryMs)
            if let first = state.history.first, let last = state.history.last,
                last.microseconds > first.microseconds
            {
                let seconds = Double(last.microseconds - first.microseconds) / 1e6
                report.ingest.bytesPerSecond = Double(last.bytes - first.bytes) / seconds
                report.ingest.linesPerSecond = Double(last.lines - first.lines) / seconds
                report.queries.requestsPerSecond = Double(last.requests - first.requests) / seconds
            }
            return report
        }
    }

    /// What came since this was asked before.
    func takeLatencies() -> Latencies {
        state.withLock { state in
            defer { state.recent = Latencies() }
            return state.recent
        }
    }

    private static func latency(_ sketch: DDSketch) -> StatsReport.Latency {
        StatsReport.Latency(
            count: Int64(sketch.count), p50: sketch.quantile(0.5), p90: sketch.quantile(0.9),
            p99: sketch.quantile(0.99), max: sketch.quantile(1))
    }
}
