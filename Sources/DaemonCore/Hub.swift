internal import NIOCore
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import Synchronization

/// Notifications of one connection on their way out: bounded, and honest about what was dropped.
final class Outbox: Sendable {
    private struct State {
        var lines: [ByteBuffer] = []
        var pendingBytes = 0
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
        /// When a line last left the process while others waited.
        var progressMicroseconds = MonotonicClock.microseconds()
        var onCut: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Called once, when the reader has stood still for too long.
    func setOnCut(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.onCut = action }
    }

    /// False when the reader is too slow for one more line. One that has taken nothing for
    /// `Limits.slowReaderMsMax` while the buffer was full is cut.
    func offer(_ line: ByteBuffer) -> Bool {
        let now = MonotonicClock.microseconds()
        let (isTaken, waiter, cut) = state.withLock { state -> Offer in
            guard !state.isClosed else { return (false, nil, nil) }
            if state.pendingBytes + line.readableBytes > Limits.slowReaderBytesMax {
                let stillMs = (now - state.progressMicroseconds) / 1_000
                guard stillMs > Limits.slowReaderMsMax else { return (false, nil, nil) }
                defer { state.onCut = nil }
                return (false, nil, state.onCut)
            }
            if state.pendingBytes == 0 { state.progressMicroseconds = now }
            state.lines.append(line)
            state.pendingBytes += line.readableBytes
            defer { state.waiter = nil }
            return (true, state.waiter, nil)
        }
        waiter?.resume()
        cut?()
        return isTaken
    }

    private typealias Offer = (
        isTaken: Bool, waiter: CheckedContinuation<Void, Never>?, cut: (@Sendable () -> Void)?
    )

    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// The lines that wait, as soon as there is one; empty once closed.
    func next() async -> [ByteBuffer] {
        while true {
            let (lines, isClosed) = take()
            if isClosed || !lines.isEmpty { return isClosed ? [] : lines }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if state.isClosed || !state.lines.isEmpty { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                close()
            }
        }
    }

    private func take() -> (lines: [ByteBuffer], isClosed: Bool) {
        state.withLock { state in
            defer { state.lines = [] }
            return (state.lines, state.isClosed)
        }
    }

    /// Lines that `next` handed out have left the process.
    func written(bytes: Int) {
        state.withLock { state in
            state.pendingBytes -= bytes
            state.progressMicroseconds = MonotonicClock.microseconds()
        }
    }
}

/// Who has subscribed to what, and what each of them missed.
final class Hub: Sendable {
    private struct Subscription {
        var topics: Set<Topic>
        /// Which events; all when empty.
        var filters: [Filter]
        var outbox: Outbox
        /// Counts every notification, those missed among them, so that a gap shows.
        var sequence: Int64 = 0
        var missed: Int64 = 0
    }

    private struct State {
        var subscriptions: [Int64: Subscription] = [:]
        var lastID: Int64 = 0
        var notifications: Int64 = 0
        var missed: Int64 = 0
    }

    private let state = Mutex(State())

    func subscribe(_ request: SubscribeRequest, outbox: Outbox) -> Int64 {
        state.withLock { state in
            state.lastID += 1
            state.subscriptions[state.lastID] = Subscription(
                topics: request.topics, filters: request.filters, outbox: outbox)
            return state.lastID
        }
    }

    /// False when there is no such subscription.
    func unsubscribe(_ id: Int64) -> Bool {
        state.withLock { $0.subscriptions.removeValue(forKey: id) != nil }
    }

    func hasSubscribers(_ topic: Topic) -> Bool {
        state.withLock { $0.subscriptions.values.contains { $0.topics.contains(topic) } }
    }

    /// The subscribers of a topic, by what they want to see of it: one question serves all that ask
    /// alike.
    func audiences(_ topic: Topic) -> [Audience] {
        state.withLock { state in
            var audiences: [Audience] = []
            for (id, subscription) in state.subscriptions where subscription.topics.contains(topic)
            {
                if let i = audiences.firstIndex(where: { $0.filters == subscription.filters }) {
                    audiences[i].subscriptions.append(id)
                } else {
                    audiences.append(
                        Audience(filters: subscription.filters, subscriptions: [id]))
                }
            }
            return audiences
        }
    }

    struct Audience: Sendable {
        var filters: [Filter]
        var subscriptions: [Int64]
    }

    func report(into report: inout StatsReport.Subscriptions) {
        state.withLock { state in
            report.open = state.subscriptions.count
            report.notifications = state.notifications
            report.missed = state.missed
        }
    }

    /// Hands `data` to every subscriber of the topic that keeps up.
    func publish(_ topic: Topic, _ data: [JSON]) {
        for audience in audiences(topic) { publish(topic, data, to: audience) }
    }

    func publish(_ topic: Topic, _ data: [JSON], to audience: Audience) {
        guard !data.isEmpty else { return }
        state.withLock { state in
            for id in audience.subscriptions {
                guard var subscription = state.subscriptions[id] else { continue }
                for datum in data {
                    subscription.sequence += 1
                    let notification = Notification(
                        subscription: id, seq: subscription.sequence, topic: topic, data: datum,
                        missed: subscription.missed)
                    if subscription.outbox.offer(Replies.line(notification.json)) {
                        subscription.missed = 0
                        state.notifications += 1
                    } else {
                        subscription.missed += 1
                        state.missed += 1
                    }
                }
                state.subscriptions[id] = subscription
            }
        }
    }

    /// Tells all subscribers of the topic that `count` notifications were not made for them.
    func skip(_ topic: Topic, count: Int64) {
        state.withLock { state in
            for id in state.subscriptions.keys {
                guard state.subscriptions[id]?.topics.contains(topic) == true else { continue }
                state.subscriptions[id]?.sequence += count
                state.subscriptions[id]?.missed += count
                state.missed += count
            }
        }
    }
}
