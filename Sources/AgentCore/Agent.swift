public import Platform
import QuipuModel
import Synchronization

/// The sidecar: receives datagrams into the spool on one thread, tails files and ships both on
/// another.
public final class Agent {
    public struct Options: Sendable {
        /// As the user wrote them.
        public var globs: [String]
        /// For `~` and `$NAME` in globs.
        public var environment: [String: String]
        public var workingDirectory: String
        public var ingestSocket: String
        public var spoolDirectory: String
        public var rescanSeconds: Int

        public init(
            globs: [String], environment: [String: String], workingDirectory: String,
            ingestSocket: String, spoolDirectory: String, rescanSeconds: Int
        ) {
            self.globs = globs
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.ingestSocket = ingestSocket
            self.spoolDirectory = spoolDirectory
            self.rescanSeconds = rescanSeconds
        }
    }

    private enum Token {
        static let signals: UInt64 = 1
        static let inotify: UInt64 = 2
        static let spool: UInt64 = 3
        static let link: UInt64 = 4
        static let receiver: UInt64 = 5
    }

    /// How the receiver's thread ended.
    private final class ReceiverEnd: Sendable {
        let wakeUp: WakeUp
        private let result = Mutex<Result<Void, SystemError>?>(nil)

        init() throws(SystemError) { wakeUp = try WakeUp() }

        var value: Result<Void, SystemError>? { result.withLock { $0 } }
        func set(_ value: Result<Void, SystemError>) {
            result.withLock { $0 = value }
            wakeUp.signal()
        }
    }

    private var options: Options
    private let manager: ServiceManager
    private let signals: SignalDescriptor
    private let receiver: Receiver
    private let receiverEnd: ReceiverEnd
    private let spool: Spool
    private let spoolChange: WakeUp
    private let notices: InotifyNotices
    private let loop: AgentLoop
    private let report: Report
    /// Reads the globs again; a failure is a sentence.
    private let reloadGlobs: () -> Result<[String], ReloadFailure>
    private var polledLink: (raw: Int32, isBlocked: Bool, connection: Int)?
    private var isInotifyPolled = true
    private var isSpoolPolled = true
    private var status = AgentStatus()
    private var spoolWatch: SpoolWatch

    /// Why a reload changed nothing.
    public struct ReloadFailure: Error, Sendable {
        public var description: String
        public init(_ description: String) { self.description = description }
    }

    /// - Parameters:
    ///   - signals: For SIGTERM, SIGINT and SIGHUP, made before any thread.
    ///   - reloadGlobs: Called on SIGHUP.
    ///   - report: Where messages for a person go; called on the thread of `run`.
    public init(
        options: Options, listeners: [Listener], manager: ServiceManager,
        signals: SignalDescriptor,
        reloadGlobs: @escaping () -> Result<[String], ReloadFailure>, report: @escaping Report
    ) throws {
        let globs = try GlobSet(
            options.globs, environment: options.environment,
            workingDirectory: options.workingDirectory)
        let spoolChange = try WakeUp()
        let spool = try Spool(directory: options.spoolDirectory) { spoolChange.signal() }
        receiver = try Receiver(spool: spool, listeners: listeners)
        receiverEnd = try ReceiverEnd()
        notices = try InotifyNotices()
        let system = OperatingSystem()
        let link = try ShippingLink(
            socketPath: options.ingestSocket, random: SystemRandomNumberGenerator(),
            system: system, report: report)
        let timers = AgentTimers(
            nowMs: Self.nowMs, watchdogMs: manager.watchdogMicroseconds.map { $0 / 1_000 })
        loop = AgentLoop(
            link: link,
            tailer: Tailer(
                globs: globs, host: SourceIdentity.ownHost, link: link, system: system,
                notices: notices, report: report),
            spoolShipping: SpoolShipping(
                spool: spool, host: SourceIdentity.ownHost, link: link, system: system,
                report: report),
            timers: timers, rescanSeconds: options.rescanSeconds,
            spoolChangeTaken: { spoolChange.clear() })
        self.options = options
        self.manager = manager
        self.signals = signals
        self.spool = spool
        spoolWatch = SpoolWatch(directory: options.spoolDirectory)
        self.spoolChange = spoolChange
        self.reloadGlobs = reloadGlobs
        self.report = report
    }

    private static var nowMs: Int64 { MonotonicClock.microseconds() / 1_000 }
    private var link: ShippingLink { loop.link }
    private var tailer: Tailer { loop.tailer }
}

// MARK: - Running

extension Agent {
    /// Runs until SIGTERM or SIGINT, on the calling thread. Throws what makes going on pointless.
    public func run() throws {
        var poller = try Poller()
        try poller.add(signals.raw, .read, token: Token.signals)
        try poller.add(notices.raw, .read, token: Token.inotify)
        try poller.add(spoolChange.raw, .read, token: Token.spool)
        try poller.add(receiverEnd.wakeUp.raw, .read, token: Token.receiver)
        try startReceiver()
        if receiver.figures.kernelQueueIsShort {
            report(
                .warning,
                "net.unix.max_dgram_qlen is \(receiver.figures.kernelQueueLength ?? 0): "
                    + "short bursts of datagrams will be refused; "
                    + "\(ReceiverFigures.kernelQueueLengthWanted) or more is better")
        }
        loop.start(nowMs: Self.nowMs)
        manager.ready(status: statusText())
        report(.info, "ready: \(tailer.fileCount) files, daemon at \(options.ingestSocket)")
        ProcessMemory.dropStartupCode()
        while !isDone { try turn(&poller) }
        lookAtSpool()
        if case .failure(let error)? = receiverEnd.value { throw error }
    }

    private func startReceiver() throws(SystemError) {
        try Threads.start(name: "receiver") { [receiver, receiverEnd] in
            do throws(SystemError) {
                try receiver.run()
                receiverEnd.set(.success(()))
            } catch {
                receiverEnd.set(.failure(error))
            }
        }
    }

    private var isDone: Bool {
        if case .failure? = receiverEnd.value { return true }
        guard let stopAtMs = loop.timers.stopAtMs else { return false }
        if Self.nowMs >= stopAtMs { return true }
        guard loop.hasReceivingEnded, loop.wantsSpoolChanges else { return false }
        return !link.isConnected || loop.isCaughtUp
    }

    /// Waits for the next thing to do and does it.
    private func turn(_ poller: inout Poller) throws {
        let hasMore = loop.pump(nowMs: Self.nowMs)
        try pollLink(&poller)
        var ready: [Poller.Event] = []
        let waitMs = hasMore ? 0 : loop.waitMs(nowMs: Self.nowMs)
        try poller.wait(milliseconds: waitMs) { ready.append($0) }
        let nowMs = Self.nowMs
        for event in ready { handle(event, nowMs: nowMs) }
        loop.runTimers(nowMs: nowMs)
        tellManager(nowMs: nowMs)
        try pollChanges(&poller)
    }

    private func handle(_ event: Poller.Event, nowMs: Int64) {
        switch event.token {
        case Token.signals: while let signal = signals.next() { take(signal, nowMs: nowMs) }
        case Token.inotify: loop.filesChanged(nowMs: nowMs)
        case Token.spool: loop.spoolChanged(nowMs: nowMs)
        case Token.receiver:
            receiverEnd.wakeUp.clear()
            if case .success? = receiverEnd.value { loop.receivingEnded() }
        case Token.link: loop.answersCame(nowMs: nowMs)
        default: break
        }
    }

    private func tellManager(nowMs: Int64) {
        if loop.timers.take(.watchdog, nowMs: nowMs) {
            manager.watchdog()
            loop.timers.set(.watchdog, atMs: nowMs + loop.timers.watchdogEveryMs)
        }
        if loop.timers.take(.status, nowMs: nowMs) {
            lookAtSpool()
            manager.status(statusText())
            loop.timers.set(.status, atMs: nowMs + AgentLimits.statusMs)
        }
    }

    private func take(_ signal: SignalDescriptor.Signal, nowMs: Int64) {
        switch signal {
        case .hangup: reload(nowMs: nowMs)
        case .terminate, .interrupt:
            guard loop.timers.stopAtMs == nil else { return }
            report(.info, "stopping")
            manager.stopping()
            receiver.stop()
            loop.stop(nowMs: nowMs)
        case .user1, .resume, .resize: break
        }
    }

    private func reload(nowMs: Int64) {
        manager.reloading()
        switch reloadGlobs() {
        case .success(let globs):
            do throws(GlobError) {
                let set = try GlobSet(
                    globs, environment: options.environment,
                    workingDirectory: options.workingDirectory)
                loop.reload(set, nowMs: nowMs)
                report(.info, "configuration read again: \(tailer.fileCount) files")
            } catch {
                report(.warning, "configuration kept as it was: \(error)")
            }
        case .failure(let failure):
            report(.warning, "configuration kept as it was: \(failure.description)")
        }
        manager.ready(status: statusText())
    }

    private func lookAtSpool() {
        spool.lookAtDirectory()
        for (level, text) in spoolWatch.look(spool.figures) { report(level, text) }
    }

    private func statusText() -> String {
        let text = status.text(
            files: tailer.fileCount, shipper: link.shipper, spool: spool.figures,
            receiver: receiver.figures, nowMs: Self.nowMs)
        return text
    }
}

// MARK: - What is polled

extension Agent {
    private func pollLink(_ poller: inout Poller) throws(SystemError) {
        guard let raw = link.descriptor else {
            // A closed descriptor left the poller by itself.
            polledLink = nil
            return
        }
        let isBlocked = link.isBlocked
        let interest: Poller.Interest = isBlocked ? [.read, .write] : .read
        if polledLink?.connection != link.connectionCount {
            try poller.add(raw, interest, token: Token.link)
        } else if polledLink?.isBlocked != isBlocked {
            try poller.change(raw, interest, token: Token.link)
        }
        polledLink = (raw, isBlocked, link.connectionCount)
    }

    /// Changes that wait for their timer are not polled: they would wake the loop over and over.
    private func pollChanges(_ poller: inout Poller) throws(SystemError) {
        let wantsInotify = loop.wantsChanges
        if wantsInotify != isInotifyPolled {
            try poller.change(
                notices.raw, wantsInotify ? .read : [], token: Token.inotify)
            isInotifyPolled = wantsInotify
        }
        let wantsSpool = loop.wantsSpoolChanges
        if wantsSpool != isSpoolPolled {
            try poller.change(spoolChange.raw, wantsSpool ? .read : [], token: Token.spool)
            isSpoolPolled = wantsSpool
        }
    }
}
