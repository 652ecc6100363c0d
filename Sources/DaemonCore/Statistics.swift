internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Sketches
internal import Synchronization

/// The daemon's own figures.
final class Statistics: Sendable {
    /// Sums since the start; rates are differences of two of these.
    struct Totals: Sendable, Equatable {
        var lines: UInt64 = 0
        var bytes: UInt64 = 0
        var events: UInt64 = 0
        var metricLines: UInt64 = 0
        var rejected: UInt64 = 0
        var commits: UInt64 = 0
        var requests: UInt64 = 0
    }

    private struct State {
        var totals = Totals()
        /// One entry a second, the newest last.
        var history: [(microseconds: Int64, totals: Totals)] = []
        var commitMs = DDSketch()
        var queryMs: [String: DDSketch] = [:]
        var errors: [ErrorCode: UInt64] = [:]
        var commitFailures: UInt64 = 0
        var lastFailure: String?
        var queuedBytes = 0
        var queuedBatches = 0
        var refusedConnections: UInt64 = 0
        var refusedBatches: UInt64 = 0
        var boundsHit: [String: UInt64] = [:]
    }

    private let state = Mutex(State())
    let startedMicroseconds: Int64

    private static let rateSeconds = 10

    init(startedMicroseconds: Int64) { self.startedMicroseconds = startedMicroseconds }

    // MARK: What happened

    func committed(_ batches: [PendingBatch], _ receipt: CommitReceipt, microseconds: Int64) {
        state.withLock { state in
            state.totals.commits += 1
            state.commitMs.add(Double(microseconds) / 1_000)
            state.lastFailure = nil
            for (batch, outcome) in zip(batches, receipt.outcomes) {
                guard outcome == .stored else {
                    state.refusedBatches += 1
                    continue
                }
                let tally = batch.decoded.tally
                state.totals.lines += tally.received
                state.totals.bytes += batch.to - batch.from
                state.totals.events += UInt64(batch.decoded.events.count)
                state.totals.metricLines += tally.stored
                state.totals.rejected += tally.rejected.values.reduce(0, +)
            }
        }
    }

    func commitFailed(_ error: StoreError) {
        state.withLock { state in
            state.commitFailures += 1
            state.lastFailure = "\(error)"
        }
    }

    func queue(bytes: Int, batches: Int) {
        state.withLock { state in
            state.queuedBytes = bytes
            state.queuedBatches = batches
        }
    }

    func answered(_ method: String, microseconds: Int64, error: ErrorCode?) {
        state.withLock { state in
            state.totals.requests += 1
            state.queryMs[method, default: DDSketch()].add(Double(microseconds) / 1_000)
            if let error { state.errors[error, default: 0] += 1 }
        }
    }

    func refused(_ error: ErrorCode) {
        state.withLock { $0.errors[error, default: 0] += 1 }
    }

    func refusedConnection() {
        state.withLock { $0.refusedConnections += 1 }
    }

    func hit(bound: String) {
        state.withLock { $0.boundsHit[bound, default: 0] += 1 }
    }

    /// Called once a second.
    func tick() {
        let now = MonotonicClock.microseconds()
        state.withLock { state in
            state.history.append((now, state.totals))
            if state.history.count > Self.rateSeconds + 1 { state.history.removeFirst() }
        }
    }

    // MARK: What it comes to

    /// The last commit's error, while the newest commit failed.
    var failure: String? { state.withLock { $0.lastFailure } }

    private static func rate(
        _ state: State, _ member: KeyPath<Totals, UInt64>
    ) -> Double {
        guard let first = state.history.first, let last = state.history.last,
            last.microseconds > first.microseconds
        else { return 0 }
        let seconds = Double(last.microseconds - first.microseconds) / 1e6
        let count = last.totals[keyPath: member] - first.totals[keyPath: member]
        return (Double(count) / seconds * 10).rounded() / 10
    }

    /// For `STATUS=`.
    var summary: String {
        state.withLock { state in
            let lines = Self.rate(state, \.lines)
            let waiting = state.queuedBytes
            let failure = state.lastFailure.map { "; commits fail: \($0)" } ?? ""
            return "\(lines) lines/s, \(state.totals.lines) lines, \(waiting) bytes waiting\(failure)"
        }
    }

    /// The reply of `stats`; the daemon adds what others know.
    func members(now: Int64) -> [JSON.Member] {
        state.withLock { state in
            [
                .init("uptime_s", .number(Double((now - startedMicroseconds) / 1_000_000))),
                .init("rates", Self.rates(state)),
                .init("totals", Self.totals(state)),
                .init(
                    "queue",
                    [
                        "bytes": .int(Int64(state.queuedBytes)),
                        "batches": .int(Int64(state.queuedBatches)),
                        "bytes_max": .int(Int64(Limits.ingestQueueBytesMax)),
                    ]),
                .init("commit_ms", Self.quantiles(state.commitMs)),
                .init(
                    "query_ms",
                    .object(
                        state.queryMs.sorted { $0.key < $1.key }.map {
                            .init($0.key, Self.quantiles($0.value))
                        })),
                .init("errors", Self.counts(state.errors.map { ($0.key.reason, $0.value) })),
                .init("bounds_hit", Self.counts(state.boundsHit.map { ($0.key, $0.value) })),
                .init("refused_connections", .int(Int64(state.refusedConnections))),
                .init("refused_batches", .int(Int64(state.refusedBatches))),
                .init("commit_failures", .int(Int64(state.commitFailures))),
            ]
        }
    }

    private static func rates(_ state: State) -> JSON {
        [
            "lines_per_second": .number(rate(state, \.lines)),
            "bytes_per_second": .number(rate(state, \.bytes)),
            "events_per_second": .number(rate(state, \.events)),
            "metric_lines_per_second": .number(rate(state, \.metricLines)),
            "commits_per_second": .number(rate(state, \.commits)),
            "requests_per_second": .number(rate(state, \.requests)),
        ]
    }

    private static func totals(_ state: State) -> JSON {
        let totals = state.totals
        return [
            "lines": .int(Int64(totals.lines)), "bytes": .int(Int64(totals.bytes)),
            "events": .int(Int64(totals.events)),
            "metric_lines": .int(Int64(totals.metricLines)),
            "rejected": .int(Int64(totals.rejected)), "commits": .int(Int64(totals.commits)),
            "requests": .int(Int64(totals.requests)),
        ]
    }

    private static func counts(_ pairs: [(String, UInt64)]) -> JSON {
        .object(pairs.sorted { $0.0 < $1.0 }.map { .init($0.0, .int(Int64($0.1))) })
    }

    private static func quantiles(_ sketch: DDSketch) -> JSON {
        func milliseconds(_ q: Double) -> JSON {
            .optional(sketch.quantile(q).map { ($0 * 1_000).rounded() / 1_000 })
        }
        return [
            "count": .number(sketch.count), "p50": milliseconds(0.5), "p90": milliseconds(0.9),
            "p99": milliseconds(0.99), "max": milliseconds(1),
        ]
    }
}
