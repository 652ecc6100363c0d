import AgentCore
import Platform
internal import QuipuModel

/// What a schedule may do, and how small the bounds are.
struct Profile {
    var agents: Int
    var steps: Int
    var bounds = ShippingBounds()
    var eventsMax: Int
    var socketBytes: Int
    var openFilesMax: Int
    var spoolBytes: Int
    var segmentBytes: Int
    var rescanSeconds: Int
    /// In a hundred: an answer that could go now goes later.
    var lateAnswers: Int
    /// In a hundred: before a call of an agent somebody writes.
    var interleaving: Int
    /// In a hundred steps: a crash, a break or the like.
    var faults: Int
    /// Agents, daemon, connections.
    var crashes: Bool
    var memory: Bool
    /// Files are rewritten, replaced and deleted.
    var destroys: Bool
    var longLines: Bool
    /// Every content of every file begins with one line, longer than what the daemon keeps as head.
    var sharesHead: Bool

    init(_ choices: Choices) {
        agents = choices.chance(20) ? 2 : 1
        steps = choices.within(10...50)
        bounds.batchBytes = choices.pick([512, 1_024, 4_096])
        bounds.lineBytesMax = choices.pick([1_500, 3_000])
        // Less than a batch, or a line that fills one would be read over and over.
        bounds.rereadBytesMax = choices.pick([64, 256])
        bounds.inFlightBytesMax = choices.pick([1_024, 4_096, 1 << 20])
        bounds.inFlightBatchesMax = choices.pick([2, 6, 64])
        eventsMax = choices.pick([3, 16, 1_000, 1_000])
        socketBytes = choices.pick([100, 700, 1 << 20, 1 << 20])
        openFilesMax = choices.pick([1, 64, 64])
        let isSpoolSmall = choices.chance(15)
        spoolBytes = isSpoolSmall ? 1_200 : 1 << 20
        segmentBytes = choices.pick([300, 1_000, 1 << 20])
        rescanSeconds = choices.pick([1, 10])
        lateAnswers = choices.pick([0, 0, 30, 80])
        interleaving = choices.pick([0, 0, 0, 5, 20])
        faults = choices.pick([2, 8, 20])
        crashes = choices.chance(80)
        memory = !isSpoolSmall && choices.chance(25)
        destroys = choices.chance(60)
        longLines = choices.chance(30)
        sharesHead = choices.chance(20)
    }
}

/// One content of one file, from its first byte to its destruction.
struct Era {
    var isDestroyed = false
    /// Its file has no name any more; who has it open can read it.
    var isUnlinked = false
    /// Bytes that were in it last.
    var writtenBytes = 0
    /// The largest size that a living agent was told before.
    var seenBytes = 0
    /// It took another's place unseen: an agent may take it for what that one grew to.
    var isUnnoticed = false
    /// The loss of what it held may go untold: nobody was there who knew of it.
    var mayBeLost = false
}

/// What was written once and is to be stored once.
struct Record {
    var hash: UInt64
    var era: Int
    var start = 0
    /// Behind its newline.
    var end: Int
    /// Too long or torn: must not be stored as itself.
    var isSkipped = false
    /// A datagram that was given to the spool.
    var isDatagram = false
}

/// A process slot of the agent: what it leaves behind, and the one that runs now.
final class AgentSlot {
    let spoolDisk: SpoolDisk
    let number: Int
    var machine: AgentMachine?
    var loop: AgentLoop?
    var spool: Spool?
    /// It had time to read what there was, since it started.
    var hasReadAll = false
    /// The spool has told of a change.
    let change = ChangeFlag()

    init(_ number: Int) {
        self.number = number
        spoolDisk = SpoolDisk(firstInode: UInt64(10_000 * number))
    }

    var isUp: Bool { machine.map { !$0.isDead } ?? false }

    func end() {
        loop = nil
        spool = nil
        machine = nil
    }
}

// One schedule runs on one thread.
final class ChangeFlag: @unchecked Sendable {
    var isSet = false
}

/// Everything of one schedule: disk, daemon, agents, clock, and what was written.
final class World {
    let choices: Choices
    let profile: Profile
    let lie: Lie
    let disk = Disk()
    private(set) lazy var daemon = DaemonMachine(self, store: makeStore())
    private let makeStore: () -> any ScheduleStore
    private(set) var agents: [AgentSlot] = []
    private(set) var nowMs: Int64 = 1_000
    private var wallOffset: Int64 = 1_800_000_000_000_000
    var records: [Record] = []
    var eras: [Era] = []
    /// Paths with a file that may still be written.
    var paths: [String] = []
    var rotations = 0
    private(set) var violations: [String] = []
    private(set) var isInterleaving = false
    var isSettling = false
    /// Prints what happens.
    let tracer: ((String) -> Void)?

    init(
        _ choices: Choices, lie: Lie, tracer: ((String) -> Void)?,
        makeStore: @escaping () -> any ScheduleStore
    ) {
        self.choices = choices
        self.lie = lie
        self.tracer = tracer
        self.makeStore = makeStore
        profile = Profile(choices)
        agents = (1...profile.agents).map { AgentSlot($0) }
    }

    func trace(_ text: @autoclosure () -> String) { tracer?("\(nowMs) ms: \(text())") }

    func violated(_ text: String) {
        trace("VIOLATED: \(text)")
        if violations.count < 10 { violations.append(text) }
    }

    // MARK: Time

    var wallMicroseconds: Int64 { wallOffset + nowMs * 1_000 }
    func pass(ms: Int64) { nowMs += ms }
    func stepWallClock(days: Int) { wallOffset += Int64(days) * 86_400_000_000 }

    // MARK: Agents

    func start(_ slot: AgentSlot) {
        guard !slot.isUp else { return }
        let machine = AgentMachine(self, slot.spoolDisk, number: slot.number)
        slot.machine = machine
        slot.loop = nil
        slot.hasReadAll = false
        slot.change.isSet = true
        let change = slot.change
        let trace = tracer
        let number = slot.number
        do {
            let spool = try Spool(
                directory: "/spool", bytesMax: profile.spoolBytes,
                segmentBytes: profile.segmentBytes, system: machine
            ) { change.isSet = true }
            slot.spool = spool
            let loop = try AgentLoop(
                globs: ["/logs/**/*.jsonl"], host: "host", spool: spool,
                heldBytesMax: profile.spoolBytes / 2, openFilesMax: profile.openFilesMax,
                rescanSeconds: profile.rescanSeconds, bounds: profile.bounds, system: machine,
                notices: machine.notices, random: Jitter(state: UInt64(nowMs))
            ) { trace?("agent \(number): \($1)") }
            loop.start(nowMs: nowMs)
            slot.loop = loop
            self.trace("agent \(number) starts")
        } catch {
            // It died while it started.
            kill(slot)
        }
    }

    func kill(_ slot: AgentSlot) {
        guard slot.machine != nil else { return }
        trace("agent \(slot.number) dies")
        slot.machine?.die()
        slot.end()
        forgetWhatAgentsKnew()
    }

    /// Only an agent knows how much of a file it has seen, and follows one that no glob names.
    private func forgetWhatAgentsKnew() {
        for index in eras.indices { eras[index].seenBytes = 0 }
        for path in paths {
            guard let file = disk.file(path) else { continue }
            file.seenBytes = 0
            if file.isOutside { forget(file) }
            if eras[file.era].isUnnoticed { hideBehindSharedHead(file) }
        }
    }

    /// Only one agent that goes on, with one daemon's positions, can tell a content from another
    /// one that begins alike.
    func hideBehindSharedHead(_ file: DiskFile) {
        if profile.sharesHead { eras[file.era].mayBeLost = true }
    }

    /// Who followed it may do so no longer, nor tell again what it told a daemon that had it in
    /// memory only.
    func forget(_ file: DiskFile) {
        for era in file.earlierEras + [file.era] { eras[era].mayBeLost = true }
    }

    /// An agent closed a file.
    func closed(_ file: DiskFile) {
        guard file.links == 0, file.openCount == 0 else { return }
        let isVoluntary = agents.allSatisfy { $0.isUp } && profile.openFilesMax > 1
        if !isVoluntary { forget(file) }
        destroy(file, mayBeLost: false)
        disk.freeIfUnused(file)
    }

    func destroy(_ file: DiskFile, mayBeLost: Bool) {
        guard !eras[file.era].isDestroyed else { return }
        eras[file.era].isDestroyed = true
        eras[file.era].writtenBytes = file.content.count
        eras[file.era].seenBytes = eras[file.era].isUnnoticed ? 0 : file.seenBytes
        if mayBeLost { eras[file.era].mayBeLost = true }
        file.seenBytes = 0
    }

    /// One turn of an agent's loop; false when it had nothing to do.
    func turn(_ slot: AgentSlot) -> Bool {
        guard let loop = slot.loop, let machine = slot.machine else { return false }
        var isBusy = loop.pump(nowMs: nowMs)
        if !machine.notices.isEmpty, loop.wantsChanges { loop.filesChanged(nowMs: nowMs) }
        if slot.change.isSet, loop.wantsSpoolChanges {
            slot.change.isSet = false
            loop.spoolChanged(nowMs: nowMs)
        }
        if let connection = machine.connection, connection.isReadable, loop.link.isConnected {
            loop.answersCame(nowMs: nowMs)
            isBusy = true
        }
        loop.runTimers(nowMs: nowMs)
        if machine.isDead { kill(slot) }
        return isBusy
    }

    /// Somebody else's turn in the middle of an agent's.
    func interleave() {
        guard profile.interleaving > 0, !isInterleaving, !isSettling,
            choices.chance(profile.interleaving)
        else { return }
        isInterleaving = true
        write()
        isInterleaving = false
    }

    func daemonCrashInCommit() -> CommitCrash? {
        guard profile.crashes, !isSettling, choices.below(300) < profile.faults else { return nil }
        return choices.chance(50) ? .before : .after
    }
}
