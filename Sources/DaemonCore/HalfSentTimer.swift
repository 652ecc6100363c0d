internal import NIOCore
internal import QuipuModel

/// How long the peer may leave something unfinished: `Limits.halfSentRequestMsMax` without a byte,
/// while we would read. Time in which we did not want to read, because requests before this one
/// still run, is not the peer's. Lives on its channel's event loop.
final class HalfSentTimer {
    private var isReading = true
    private var since = NIODeadline.now()
    private var isHalfSent = false
    private var timer: Scheduled<Void>?

    private static let patience = TimeAmount.milliseconds(Int64(Limits.halfSentRequestMsMax))

    /// The channel asks for more.
    func readAsked(_ loop: any EventLoop) {
        if !isReading { since = loop.now }
        isReading = true
    }

    /// The channel has handed over what there was.
    func readEnded() { isReading = false }

    /// To be told after each read. `onStall` is called once, unless more comes.
    func received(
        isHalfSent: Bool, loop: any EventLoop, onStall: @escaping @Sendable () -> Void
    ) {
        since = loop.now
        self.isHalfSent = isHalfSent
        if isHalfSent, timer == nil { watch(loop, onStall) }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func watch(_ loop: any EventLoop, _ onStall: @escaping @Sendable () -> Void) {
        let end = (isReading ? since : loop.now) + Self.patience
        let timer = NIOLoopBound(self, eventLoop: loop)
        self.timer = loop.scheduleTask(deadline: end) { timer.value.look(loop, onStall) }
    }

    private func look(_ loop: any EventLoop, _ onStall: @escaping @Sendable () -> Void) {
        timer = nil
        guard isHalfSent else { return }
        if isReading, loop.now - since >= Self.patience { onStall() } else { watch(loop, onStall) }
    }
}
