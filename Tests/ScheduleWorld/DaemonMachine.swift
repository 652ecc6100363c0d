import IngestCore
internal import QuipuModel
internal import QuipuProtocol

/// The daemon: the product's framing, sessions and commit queue over simulated connections and a
/// store. What a NIO channel and an actor do to them in the daemon is done here one action at a
/// time, in any order.
final class DaemonMachine: CustomStringConvertible {
    private struct Entry {
        var batch: Pending
        var generation: Int
        var answer: Answer
    }

    private enum Question {
        case open(Served, IngestOpen, Answer)
        case persistence(Bool)
    }

    /// An answer in the order of its request; it may have to wait for a commit.
    private final class Answer {
        let id: JSON?
        var outcome: Result<JSON, RPCError>?

        init(_ id: JSON?) { self.id = id }
    }

    private final class Served {
        let connection: Connection
        let number: Int
        var framer = IngestFramer()
        var session = IngestSession(hostNames: ["daemon"])
        var line: [UInt8] = []
        var body: [UInt8] = []
        var request: Request?
        var answers: [Answer] = []
        /// A source is being opened: nothing more is read before it is.
        var isOpening = false

        init(_ connection: Connection, number: Int) {
            self.connection = connection
            self.number = number
        }
    }

    private unowned let world: World
    /// On the disk.
    var store: any ScheduleStore
    /// In use while persistence is off.
    private(set) var memory: (any ScheduleStore)?
    /// How often one of them took the place of the other.
    private var generation = 0
    private(set) var isUp = true
    private var connections: [Served] = []
    /// Closed, and not yet read to the end.
    private var ending: [Served] = []
    private var connectionCount = 0
    private var readers = SourceReaders()
    private var queue = CommitQueue<Entry, Question>()
    private var mustRun = false
    private var timerAtMs: Int64?

    init(_ world: World, store: any ScheduleStore) {
        self.world = world
        self.store = store
    }

    var isInMemory: Bool { memory != nil }
    var nextTimerMs: Int64? { isUp ? timerAtMs : nil }

    /// Where it stands, for the trace.
    var description: String {
        let places = connections.map { served in
            "\(served.framer.expected) answers \(served.answers.count) "
                + "unread \(served.connection.toDaemon.count) opening \(served.isOpening)"
        }
        return "daemon up \(isUp), runs \(mustRun), timer \(timerAtMs ?? 0): \(places)"
    }

    // MARK: Life

    func accept(_ agent: AgentMachine) -> Connection? {
        guard isUp, connections.count < 8 else { return nil }
        let connection = Connection(agent, capacity: world.profile.socketBytes)
        connectionCount += 1
        connections.append(Served(connection, number: connectionCount))
        return connection
    }

    func crash() {
        guard isUp else { return }
        world.trace("the daemon dies")
        isUp = false
        closeAll()
        ending = []
        queue = CommitQueue()
        mustRun = false
        timerAtMs = nil
        memory = nil
    }

    func start() {
        guard !isUp else { return }
        world.trace("the daemon starts")
        isUp = true
    }

    func switchPersistence(_ isOn: Bool) {
        guard isUp else { return }
        follow(queue.ask(.persistence(isOn)))
    }

    private func closeAll() {
        for served in connections {
            served.connection.daemonIsGone = true
            // What was on its way may still arrive, or not.
            if world.choices.chance(50) { served.connection.toAgent = [] }
        }
        connections = []
        readers = SourceReaders()
    }

    func breakConnection(afterBytes count: Int) {
        guard !connections.isEmpty else { return }
        world.choices.pick(connections).connection.breaksAfter = count
    }

    // MARK: Turns

    /// Does one thing; false when there was nothing to do.
    func turn() -> Bool {
        guard isUp else { return false }
        if let timerAtMs, timerAtMs <= world.nowMs {
            self.timerAtMs = nil
            follow(queue.timerFired())
        }
        var isBusy = false
        if mustRun {
            mustRun = false
            runRound()
            isBusy = true
        }
        for served in connections {
            if read(served) { isBusy = true }
            if write(served) { isBusy = true }
        }
        for served in ending where world.choices.chance(15) { _ = read(served) }
        ending.removeAll { $0.connection.toDaemon.isEmpty || world.choices.chance(2) }
        connections.removeAll { served in
            let connection = served.connection
            guard connection.agentIsGone || connection.isBroken,
                connection.toDaemon.isEmpty || served.framer.expected == .nothing
            else { return false }
            readers.disconnected(served.number)
            return true
        }
        return isBusy
    }

    private func follow(_ signal: CommitQueue<Entry, Question>.Signal) {
        switch signal {
        case .none: break
        case .run:
            timerAtMs = nil
            mustRun = true
        case .startTimer: timerAtMs = world.nowMs + Int64(Limits.commitDelayMs)
        }
    }

    private func runRound() {
        guard let round = queue.next() else { return follow(queue.ended()) }
        mustRun = true
        if !round.entries.isEmpty {
            let crash = world.daemonCrashInCommit()
            commit(round.entries.filter { isOfStoreInUse($0) }, crash: crash)
            queue.committed(round.bytes)
            if crash != nil { return self.crash() }
        }
        for question in round.questions where isUp { answer(question) }
    }

    private func isOfStoreInUse(_ entry: Entry) -> Bool {
        guard entry.generation != generation else { return true }
        entry.answer.outcome = IngestSession.answer(.unknownSource, to: entry.batch.to)
        return false
    }

    private func commit(_ entries: [Entry], crash: CommitCrash?) {
        let batches = entries.map(\.batch)
        let isDurable = memory == nil
        let outcomes =
            isDurable
            ? store.commit(batches, crash: crash)
            : memory?.commit(batches, crash: crash) ?? []
        for (index, batch) in batches.enumerated() {
            world.trace(
                "commit of source \(batch.sourceID) \(batch.from)..<\(batch.to): "
                    + "\(outcomes.indices.contains(index) ? "\(outcomes[index])" : "lost")")
        }
        guard crash == nil else { return }
        for (entry, outcome) in zip(entries, outcomes) {
            if case .stored = outcome, entry.batch.finished {
                readers.finished(entry.batch.sourceID, by: entry.batch.sender)
            }
            entry.answer.outcome = IngestSession.answer(
                told(outcome, isDurable: isDurable), to: entry.batch.to)
        }
    }

    private func told(_ outcome: StoreOutcome, isDurable: Bool) -> IngestSession.Outcome {
        switch outcome {
        case .stored: .stored(isDurable: isDurable || world.lie == .memoryIsDurable)
        case .refused(let position): .refused(position: position)
        case .unknown: .unknownSource
        }
    }

    private func answer(_ question: Question) {
        switch question {
        case .open(let served, let open, let answer):
            served.isOpening = false
            let source = account(of: open, sender: served.number)
            world.trace(
                "agent \(served.connection.number) opens \(open.source.path) "
                    + "\(open.restart.map { "\($0)" } ?? ""): source \(source.id), "
                    + "incarnation \(source.incarnation), position \(source.position)")
            served.session.opened(open, id: source.id, generation: generation)
            if connections.contains(where: { $0 === served }) {
                readers.opened(source.id, by: served.number)
            }
            answer.outcome = .success(
                IngestSession.answer(
                    id: source.id, incarnation: source.incarnation, position: source.position,
                    head: source.head))
        case .persistence(let isOn):
            guard isOn == isInMemory else { return }
            world.trace("persistence is \(isOn ? "on" : "off")")
            memory = isOn ? nil : store
            generation += 1
            // What they had sent is of the store before, and may be taken after others have come.
            ending += connections.filter { _ in world.choices.chance(80) }
            closeAll()
        }
    }

    private func account(of open: IngestOpen, sender: Int) -> StoreSource {
        guard memory != nil else { return store.open(open, sender: sender) }
        return memory?.open(open, sender: sender) ?? store.open(open, sender: sender)
    }

    // MARK: Reading

    private func read(_ served: Served) -> Bool {
        let connection = served.connection
        guard !served.isOpening, !connection.toDaemon.isEmpty else { return false }
        let count =
            world.choices.chance(75)
            ? connection.toDaemon.count : 1 + world.choices.below(connection.toDaemon.count)
        var used = 0
        while used < count, !served.isOpening {
            switch served.framer.expected {
            case .line:
                let rest = connection.toDaemon[used..<count]
                let end = rest.firstIndex(of: 0x0a)
                served.line += rest[..<(end ?? count)]
                used = end.map { $0 + 1 } ?? count
                if end != nil { takeLine(served) }
            case .body(let missing):
                let part = min(missing, count - used)
                served.body += connection.toDaemon[used..<used + part]
                used += part
                if served.framer.tookBody(part), let request = served.request {
                    take(request, served)
                }
            case .nothing: used = count
            }
        }
        connection.toDaemon.removeFirst(used)
        return true
    }

    private func takeLine(_ served: Served) {
        let line = served.line
        served.line = []
        switch served.framer.take(line) {
        case .blank: break
        case .refused(let refused, _), .broken(let refused):
            world.violated("the daemon does not understand: \(refused.error)")
        case .request(let request, byteCount: 0):
            served.body = []
            take(request, served)
        case .request(let request, _):
            served.body = []
            served.request = request
        }
    }

    private func take(_ request: Request, _ served: Served) {
        let answer = Answer(request.id)
        served.answers.append(answer)
        do throws(RPCError) {
            let now = Timestamp(microseconds: world.wallMicroseconds)
            switch try served.session.take(request, lastByte: served.body.last, now: now) {
            case .open(let open):
                served.isOpening = true
                follow(queue.ask(.open(served, open, answer)))
            case .batch(let batch, let source):
                enqueue(
                    Pending(
                        sourceID: batch.sourceID, kind: source.kind, from: batch.from,
                        to: batch.to, head: batch.head, finished: batch.finished,
                        body: served.body), of: source, served, answer)
            case .skip(let skip, let source):
                var pending = Pending(
                    sourceID: skip.sourceID, kind: source.kind, from: skip.from, to: skip.to,
                    head: skip.head)
                pending.isSkip = true
                if case .lost = skip.why {
                    pending.isLoss = true
                    guard readers.mayLose(skip.sourceID, by: served.number, nowMs: world.nowMs)
                    else { throw IngestSession.stillRead }
                }
                enqueue(pending, of: source, served, answer)
            }
        } catch {
            answer.outcome = .failure(error)
            // A line that is longer than a batch is read while it is sent, and its file may be
            // rewritten then.
            let isTorn = error.path == "bytes" && world.profile.interleaving > 0
            if error.code == .invalidParams, !isTorn {
                world.violated("a wrong request: \(error)")
            }
        }
    }

    private func enqueue(
        _ pending: Pending, of source: IngestSession.Source, _ served: Served, _ answer: Answer
    ) {
        if world.lie == .answersBeforeCommit {
            answer.outcome = IngestSession.answer(.stored(isDurable: true), to: pending.to)
        }
        var pending = pending
        pending.sender = served.number
        let entry = Entry(batch: pending, generation: source.generation, answer: answer)
        follow(queue.add(entry, bytes: pending.body.count))
    }

    // MARK: Answering

    private func write(_ served: Served) -> Bool {
        guard let first = served.answers.first, first.outcome != nil,
            !world.choices.chance(world.profile.lateAnswers)
        else { return false }
        while let answer = served.answers.first, let outcome = answer.outcome {
            served.answers.removeFirst()
            guard let id = answer.id else { continue }
            if served.connection.isBroken { continue }
            served.connection.toAgent += Reply(id: id, outcome: outcome).json.bytes
            served.connection.toAgent.append(0x0a)
        }
        return true
    }

    /// Nothing is left to be done but what waits for its time.
    var isQuiet: Bool {
        !mustRun && timerAtMs == nil
            && connections.allSatisfy { $0.connection.toDaemon.isEmpty && $0.answers.isEmpty }
    }
}
