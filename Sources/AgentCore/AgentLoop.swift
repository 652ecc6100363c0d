import QuipuModel

/// What the agent does and when: tailing, shipping and their timers, without the waiting. Told
/// what became readable and what time it is; `Agent` waits for that, a simulation makes it up.
/// Used from one thread.
package final class AgentLoop {
    package let link: ShippingLink
    let tailer: Tailer
    private let spoolShipping: SpoolShipping
    private let spoolChangeTaken: () -> Void
    private var rescanMs: Int64
    var timers: AgentTimers
    /// The spool's last segment is sealed, and the link knows of all of it.
    private(set) var hasReceivingEnded = false

    /// - Parameter spoolChangeTaken: The spool is about to be asked for its segments.
    init(
        link: ShippingLink, tailer: Tailer, spoolShipping: SpoolShipping, timers: AgentTimers,
        rescanSeconds: Int, spoolChangeTaken: @escaping () -> Void
    ) {
        self.link = link
        self.tailer = tailer
        self.spoolShipping = spoolShipping
        self.timers = timers
        rescanMs = Int64(rescanSeconds) * 1_000
        self.spoolChangeTaken = spoolChangeTaken
    }

    /// Over something else than the operating system.
    ///
    /// - Parameter globs: Absolute, without variables.
    package convenience init(
        globs: [String], host: String, spool: Spool, heldBytesMax: Int, openFilesMax: Int,
        rescanSeconds: Int, bounds: ShippingBounds, system: any AgentSystem,
        notices: any ChangeNotices, random: any RandomNumberGenerator, report: @escaping Report
    ) throws {
        let set = try GlobSet(globs, environment: [:], workingDirectory: "/")
        let link = try ShippingLink(
            socketPath: "/ingest.sock", random: random, system: system, bounds: bounds,
            report: report)
        let tailer = Tailer(
            globs: set, host: host, link: link, openFiles: OpenFiles(filesMax: openFilesMax),
            system: system, notices: notices, report: report)
        let spoolShipping = SpoolShipping(
            spool: spool, host: host, link: link, heldBytesMax: heldBytesMax, system: system,
            report: report)
        self.init(
            link: link, tailer: tailer, spoolShipping: spoolShipping,
            timers: AgentTimers(
                nowMs: system.monotonicMicroseconds() / 1_000, watchdogMs: nil,
                tellsStatus: false),
            rescanSeconds: rescanSeconds, spoolChangeTaken: {})
    }

    /// Finds what is there.
    package func start(nowMs: Int64) {
        tailer.rescan(nowMs: nowMs, everyMs: rescanMs)
        spoolShipping.refresh()
    }

    /// Everything that is known is in the database.
    package var isCaughtUp: Bool { link.shipper.isCaughtUp }

    // MARK: Waiting

    /// Sends what can be sent; true when there is more to do at once.
    package func pump(nowMs: Int64) -> Bool {
        let hasMore = link.pump(nowMs: nowMs)
        if link.shipper.hasSettling {
            timers.setIfUnset(.settle, atMs: nowMs + AgentLimits.settleMs)
        }
        return hasMore
    }

    /// How long to wait when nothing becomes readable before.
    package func waitMs(nowMs: Int64) -> Int32? {
        timers.waitMs(nowMs: nowMs, limitMs: nextRetryMs)
    }

    /// When something outside the timers wants the loop.
    private var nextRetryMs: Int64 {
        min(
            link.isConnected ? .max : link.retryAtMs, tailer.rescanAtMs, timers.stopAtMs ?? .max)
    }

    /// Changes that wait for their timer need not be told of again.
    package var wantsChanges: Bool { !timers.isDue(.drain, at: .max) }
    package var wantsSpoolChanges: Bool { !timers.isDue(.spool, at: .max) }

    // MARK: What happened

    /// The first change after a pause is looked at once, a stream of them in batches.
    package func filesChanged(nowMs: Int64) {
        timers.set(.drain, notBefore: Int64(Limits.batchDelayMs), nowMs: nowMs)
    }

    package func spoolChanged(nowMs: Int64) {
        timers.set(.spool, notBefore: Int64(Limits.batchDelayMs), nowMs: nowMs)
    }

    package func answersCame(nowMs: Int64) {
        for outcome in link.receive(nowMs: nowMs) { take(outcome) }
        timers.set(.rest, atMs: nowMs + AgentLimits.restMs)
    }

    private func take(_ outcome: Shipper.Outcome) {
        switch outcome {
        case .none, .nonsense: break
        case .advanced(let token, let position, let isDurable):
            spoolShipping.advanced(token, to: position, isDurable: isDurable)
        case .finished(let token, let isDurable):
            // A deleted file is held open until what was read of it is on a disk again.
            if isDurable { tailer.finished(token) }
            spoolShipping.finished(token, isDurable: isDurable)
        case .failed(_, let message):
            tailer.complain("the daemon refused a source: \(message)")
        }
    }

    /// Nothing more will come into the spool. A segment that stayed would be taken for a new one
    /// where the spool is copied to another disk.
    package func receivingEnded() {
        hasReceivingEnded = true
        spoolShipping.receivingEnded()
    }

    /// Does what is due.
    package func runTimers(nowMs: Int64) {
        if timers.take(.drain, nowMs: nowMs) { tailer.drain(nowMs: nowMs) }
        if timers.take(.spool, nowMs: nowMs) {
            spoolChangeTaken()
            spoolShipping.refresh()
        }
        if nowMs >= tailer.rescanAtMs { tailer.rescan(nowMs: nowMs, everyMs: rescanMs) }
        if tailer.hasLingering {
            timers.setIfUnset(.linger, atMs: nowMs + AgentLimits.lingerCheckMs)
        }
        if timers.take(.linger, nowMs: nowMs) { tailer.checkLingering(nowMs: nowMs) }
        if link.shipper.hasPaused {
            timers.setIfUnset(.resume, atMs: nowMs + AgentLimits.sourceRetryMs)
        }
        if timers.take(.resume, nowMs: nowMs) { link.resumeAll() }
        if timers.take(.settle, nowMs: nowMs) { link.settleAll() }
        if timers.take(.rest, nowMs: nowMs) { link.rest() }
        let connections = link.connectionCount
        link.connectIfDue(nowMs: nowMs)
        if connections != link.connectionCount { spoolShipping.refresh() }
    }

    /// Other globs from now on.
    func reload(_ globs: GlobSet, nowMs: Int64) {
        tailer.reload(globs, nowMs: nowMs, everyMs: rescanMs)
    }

    /// What is there now is still shipped, for a while.
    func stop(nowMs: Int64) {
        tailer.drain(nowMs: nowMs)
        timers.stopAtMs = nowMs + AgentLimits.stopMs
    }
}
