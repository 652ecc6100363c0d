internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Sketches

/// Tells subscribers what a commit brought.
struct Herald: Sendable {
    let stores: Stores
    let hub: Hub
    let limits: LimitBook

    func announce(_ batches: [PendingBatch], _ receipt: CommitReceipt) async {
        let now = Timestamp(microseconds: WallClock.microseconds())
        hub.publish(.alerts, limits.apply(receipt.spend, now: now))
        if hub.hasSubscribers(.metrics) { announceMetrics(batches, receipt) }
        if hub.hasSubscribers(.events) { await announceEvents(receipt) }
    }

    private func announceEvents(_ receipt: CommitReceipt) async {
        let createdCount = receipt.created.map { Int($0.count) } ?? 0
        let total = receipt.completed.count + createdCount
        guard total > 0 else { return }
        let newest = Limits.notifiedEventsPerCommitMax
        if total > newest { hub.skip(.events, count: Int64(total - newest)) }
        // The newest are what somebody who watches wants to see.
        let created = (receipt.created.map(Array.init) ?? []).suffix(newest)
        let seqs = receipt.completed.suffix(newest - created.count) + created
        for audience in hub.audiences(.events) {
            // A failed question costs the notification, not the commit: both are in the database.
            guard
                let events = try? await stores.current.events(
                    seqs: Array(seqs), filters: audience.filters)
            else { continue }
            hub.publish(.events, events.map(\.json), to: audience)
        }
    }

    private func announceMetrics(_ batches: [PendingBatch], _ receipt: CommitReceipt) {
        for (batch, outcome) in zip(batches, receipt.outcomes) where outcome == .stored {
            hub.publish(.metrics, batch.decoded.rollups.map { Self.json($0, of: batch.decoded) })
        }
    }

    private static func json(_ delta: RollupDelta, of batch: DecodedBatch) -> JSON {
        let key = batch.series[delta.series]
        let tags = Tag.parse(batch.string(key.tags) ?? "")
        var rollup = delta.rollup
        if let relative = delta.relative, rollup.isEmpty { rollup = relative }
        return [
            "metric": .optional(batch.string(key.name)), "type": .string(key.type.word),
            "tags": Tag.json(tags),
            "time": .string(Timestamp.seconds(delta.bucketStart).rfc3339),
            "count": .number(delta.members?.estimate ?? rollup.count),
            "sum": .number(rollup.sum), "min": .number(rollup.min), "max": .number(rollup.max),
            "last": .number(rollup.last), "relative": .bool(delta.relative != nil),
        ]
    }
}
