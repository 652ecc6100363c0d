import AgentCore

/// The order of events.
extension World {
    /// Everything that was chosen, then the end of all faults, then the check.
    func run() {
        for slot in agents { start(slot) }
        for _ in 0..<profile.steps where violations.isEmpty && !choices.isExhausted { step() }
        finish()
        // What agents hold open tells its world when it is closed.
        for slot in agents { slot.end() }
    }

    private func step() {
        if choices.chance(profile.faults) { return fault() }
        switch choices.below(10) {
        case 0...2: write()
        case 3: send(choices.pick(agents))
        case 4: pass(ms: Int64(choices.pick([1, 20, 100, 300, 1_000, 6_000])))
        case 5...7: turns()
        case 8: _ = turn(choices.pick(agents))
        default: _ = daemon.turn()
        }
    }

    private func turns() {
        for _ in 0..<choices.within(1...6) {
            for slot in agents { _ = turn(slot) }
            _ = daemon.turn()
            pass(ms: 5)
        }
    }

    private func fault() {
        let slot = choices.pick(agents)
        if profile.memory, choices.chance(20) {
            return daemon.switchPersistence(daemon.isInMemory)
        }
        guard profile.crashes else { return harmless(slot) }
        switch choices.below(12) {
        case 0: kill(slot)
        case 1...3:
            // At one of its next calls.
            slot.machine?.actionsLeft = choices.below(choices.pick([4, 30, 150]))
        case 4: daemon.crash()
        case 5...6:
            daemon.breakConnection(afterBytes: choices.below(choices.pick([2, 300, 5_000])))
        case 7, 8: start(slot)
        case 9, 10: daemon.start()
        default: harmless(slot)
        }
    }

    private func harmless(_ slot: AgentSlot) {
        switch choices.below(4) {
        case 0: stepWallClock(days: choices.pick([-3_650, -1, 1, 3_650]))
        case 1: slot.spool?.sealIfIdle(microseconds: 0)
        case 2 where profile.memory: daemon.switchPersistence(choices.chance(50))
        default: slot.spool?.tellLosses()
        }
        if slot.machine?.isDead == true { kill(slot) }
    }

    /// Everyone lives, and everything is done that is due.
    func settle() {
        guard !isSettling, !isInterleaving else { return }
        isSettling = true
        defer { isSettling = false }
        trace("settling")
        daemon.start()
        for slot in agents {
            slot.machine?.actionsLeft = nil
            start(slot)
        }
        // Until the next scan has found nothing new.
        let quietMs = Int64(profile.rescanSeconds) * 1_000 + 1_000
        var idleMs: Int64 = 0
        for _ in 0..<3_000 {
            var isBusy = daemon.turn()
            for slot in agents where turn(slot) { isBusy = true }
            if isBusy {
                idleMs = 0
            } else {
                if idleMs >= quietMs, areCaughtUp {
                    for index in eras.indices where eras[index].writtenBytes > 0 {
                        eras[index].isUnnoticed = false
                    }
                    for slot in agents { slot.hasReadAll = slot.isUp }
                    return
                }
                let wait = nextEventMs
                idleMs += wait
                pass(ms: wait)
            }
        }
        for slot in agents {
            if let link = slot.loop?.link {
                trace("agent \(slot.number): connected \(link.isConnected), \(link.shipper)")
            }
        }
        violated("it does not come to rest; \(daemon)")
    }

    private var areCaughtUp: Bool {
        agents.allSatisfy { slot in
            guard let loop = slot.loop else { return false }
            return loop.isCaughtUp && !loop.link.shipper.hasPaused
        }
    }

    private var nextEventMs: Int64 {
        var next: Int64 = 5_000
        for slot in agents {
            if let waitMs = slot.loop?.waitMs(nowMs: nowMs) { next = min(next, Int64(waitMs)) }
        }
        if let timer = daemon.nextTimerMs { next = min(next, timer - nowMs) }
        return max(1, next)
    }

    private func finish() {
        guard violations.isEmpty else { return }
        trace("the end begins")
        isSettling = true
        for path in paths {
            guard let file = disk.file(path) else { continue }
            put(file.unfinished, into: file, path)
            file.unfinished = []
        }
        isSettling = false
        settle()
        if daemon.isInMemory {
            daemon.switchPersistence(true)
            settle()
        }
        for slot in agents { slot.spool?.tellLosses() }
        settle()
        check()
    }

}
