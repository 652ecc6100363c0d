internal import Logging
internal import Platform
internal import QuipuModel
internal import QuipuStore

/// Changes from the file to memory and back, while everything runs: because somebody wants it, or
/// because the disk fails.
///
/// Memory begins with the recent hours of the file and with all positions, so that agents go on
/// where they are. What memory acknowledges is not durable: agents keep it, and with the file back
/// in use they are asked for everything since the file's positions. Nothing has to be merged.
actor PersistenceSwitch {
    /// How long the disk is left alone between two attempts; doubles while it fails again at once.
    private static let retrySeconds: ClosedRange<Int64> = 1...4
    private static let steadySeconds: Int64 = 10
    private static let roomFactorMax: Int64 = 8
    private static let damageSearchMs = 60_000
    /// So often damage may be told of that a search does not find.
    private static let damageReportsMax = 3

    private let stores: Stores
    private let committer: Committer
    private let agents: AgentRegister
    private let statistics: Statistics
    private let condition: DiskCondition
    private let machine: Machine
    private let log: Logger
    private let limits: LimitBook
    private let progress: WorkProgress
    private var turns = Turns<Result<Void, StoreError>>()

    /// Whether the file is to be used once it can be.
    private var isWanted: Bool
    private var fault: DiskFault?
    /// How many times as much room the disk must have as usual.
    private var roomFactor: Int64 = 1
    private var damageReports = 0
    private var hasComplained = false
    private var retrySeconds = PersistenceSwitch.retrySeconds.lowerBound
    private var returnedAt: Int64 = 0

    private var files: DatabaseFiles { condition.files }

    init(
        stores: Stores, committer: Committer, agents: AgentRegister, statistics: Statistics,
        condition: DiskCondition, isWanted: Bool, machine: Machine, log: Logger,
        limits: LimitBook, progress: WorkProgress
    ) {
        self.stores = stores
        self.committer = committer
        self.agents = agents
        self.statistics = statistics
        self.condition = condition
        self.isWanted = isWanted
        self.machine = machine
        self.log = log
        self.limits = limits
        self.progress = progress
    }

    /// After all changes that were asked for before.
    func set(_ isOn: Bool) async -> Result<Void, StoreError> {
        await turns.take { await self.change(isOn) }.value
    }

    private func change(_ isOn: Bool) async -> Result<Void, StoreError> {
        isWanted = isOn
        if !isOn { condition.problem = nil }
        guard stores.current.isDurable != isOn else { return .success(()) }
        let result = isOn ? await useFile() : await useMemory()
        switch result {
        case .success: log.notice("persistence is \(isOn ? "on" : "off")")
        case .failure(let error):
            if condition.problem == nil { isWanted = !isOn }
            log.error("persistence stays \(isOn ? "off" : "on"): \(error)")
        }
        return result
    }

    // MARK: Care

    func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { [condition] in
                for await failure in condition.failures {
                    _ = await self.takeTurn { await self.react(to: failure) }
                }
            }
            tasks.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(await self.retrySeconds))
                    guard !Task.isCancelled else { return }
                    _ = await self.takeTurn { await self.look() }
                }
            }
        }
    }

    private func takeTurn(
        _ body: @escaping @Sendable () async -> Result<Void, StoreError>
    ) async -> Result<Void, StoreError> {
        await turns.take(body).value
    }

    /// Now and then: whether the file is still there, or can be used again.
    private func look() async -> Result<Void, StoreError> {
        if stores.current.isDurable {
            guard condition.isInPlace else { return await replaceFile(.fileIsGone) }
            files.keepBallast()
            return .success(())
        }
        guard isWanted, condition.problem != nil else { return .success(()) }
        let result = await useFile()
        switch result {
        case .success: log.notice("the database is in use again")
        case .failure(let error):
            if !hasComplained { log.error("the database cannot be used yet: \(error)") }
            hasComplained = true
        }
        return result
    }

    private func react(to failure: DiskCondition.Failure) async -> Result<Void, StoreError> {
        guard stores.current === failure.store, let fault = failure.error.diskFault else {
            return .success(())
        }
        if !condition.isInPlace { return await replaceFile(.fileIsGone) }
        switch fault {
        // Whoever holds it lets go, or agents wait; health says so.
        case .locked: return .success(())
        case .damaged: return await replaceFile(failure.error)
        case .full, .failing, .held, .denied:
            self.fault = fault == .failing && !files.hasRoom ? .full : fault
            condition.problem = Self.problem(self.fault, failure.error)
            log.error("memory stands in for the database: \(failure.error)")
            return await useMemory()
        }
    }

    static func problem(_ fault: DiskFault?, _ error: StoreError) -> String {
        let word =
            switch fault {
            case .full: "disk_full"
            case .held: "log_held"
            case .locked: "locked"
            case .damaged: "damaged"
            case .denied: "not_writable"
            case .failing, nil: "disk_failed"
            }
        return
            "\(word): the recent hours are kept in memory until the database can be used: \(error)"
    }

    // MARK: To memory

    private func useMemory() async -> Result<Void, StoreError> {
        do throws(StoreError) {
            let next = try await machine.store(path: nil, progress: progress)
            // Where the disk cannot even be read, memory begins empty and logs are read again.
            let mustBeFilled = condition.problem == nil
            let old = try await swap { [path = files.path] () async throws(StoreError) in
                do throws(StoreError) {
                    try await next.copyRecent(from: path, since: Self.recent)
                } catch {
                    if mustBeFilled { throw error }
                }
                return next
            }
            condition.took(false)
            if fault == .full { files.giveUpBallast() }
            await old.close()
            let now = MonotonicClock.microseconds()
            let wasSteady = now - returnedAt > Self.steadySeconds * 1_000_000
            retrySeconds =
                wasSteady
                ? Self.retrySeconds.lowerBound
                : min(Self.retrySeconds.upperBound, 2 * retrySeconds)
            roomFactor = wasSteady ? 1 : min(Self.roomFactorMax, 2 * roomFactor)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    static var recent: Timestamp {
        Timestamp(
            microseconds: WallClock.microseconds() - RetentionPolicy.memorySeconds * 1_000_000)
    }

    /// Puts another store in the place of the one in use, between two commits: what one of them
    /// had acknowledged, the other knows. Gives the former.
    private func swap(
        _ make: @escaping @Sendable () async throws(StoreError) -> SQLiteStore
    ) async throws(StoreError) -> any Store {
        let replaced = await committer.exclusively {
            [stores, limits] () async -> Result<any Store, StoreError> in
            do throws(StoreError) {
                let next = try await make()
                let now = Timestamp(microseconds: WallClock.microseconds())
                try await limits.load(from: next, now: now)
                return .success(stores.replace(with: next))
            } catch {
                return .failure(error)
            }
        }
        let old = try replaced.get()
        statistics.forgetFailure()
        // Agents ask again where to go on, this time of the other one.
        agents.closeAll()
        return old
    }

    // MARK: To the file

    private func useFile() async -> Result<Void, StoreError> {
        do throws(StoreError) {
            let next = try await openFile()
            let old: any Store
            do throws(StoreError) {
                try await prepare(next)
                old = try await swap { next }
            } catch {
                await next.close()
                throw error
            }
            condition.took(true)
            condition.problem = nil
            fault = nil
            hasComplained = false
            returnedAt = MonotonicClock.microseconds()
            files.keepBallast()
            await old.close()
            return .success(())
        } catch {
            if let fault = error.diskFault, condition.problem != nil {
                self.fault = self.fault == .full ? .full : fault
                condition.problem = Self.problem(fault, error)
            }
            return .failure(error)
        }
    }

    private func openFile() async throws(StoreError) -> SQLiteStore {
        let opening = DatabaseOpening(
            condition: condition, machine: machine, log: log, progress: progress)
        return try await opening.openFile()
    }

    /// Sees that the disk takes what comes, or makes it so.
    private func prepare(_ store: SQLiteStore) async throws(StoreError) {
        guard fault == .full else { return try await store.settle() }
        files.giveUpBallast()
        if !files.hasRoom(times: roomFactor), files.isLarge {
            let now = Timestamp(microseconds: WallClock.microseconds())
            log.notice("the disk is full: the oldest rows of the database make room")
            try await store.makeRoom(bytes: files.bytesToFree(times: roomFactor), at: now)
        }
        try await store.settle()
        guard files.hasRoom(times: roomFactor) else { throw .diskIsFull }
    }

    /// The file is damaged, or no longer where it was: another takes its place, and logs that still
    /// exist are read again.
    private func replaceFile(_ error: StoreError) async -> Result<Void, StoreError> {
        log.error("the database cannot be used as it is: \(error)")
        if error.diskFault == .damaged {
            // One page may have been misread; the whole file tells.
            guard let store = stores.current as? SQLiteStore else { return .failure(error) }
            damageReports += 1
            if damageReports < Self.damageReportsMax, await Self.looksWhole(store) {
                log.warning("no damage is found in it: it stays for now")
                return .success(())
            }
            damageReports = 0
        }
        condition.problem = Self.problem(error.diskFault, error)
        let result = await memoryInstead(settingAside: error.diskFault == .damaged)
        guard case .success = result else { return result }
        return await look()
    }

    private static func looksWhole(_ store: SQLiteStore) async -> Bool {
        do throws(StoreError) {
            return try await store.findDamage(milliseconds: damageSearchMs) == nil
        } catch {
            return false
        }
    }

    /// The old file is closed before anything else is at its place: SQLite removes logs by name.
    private func memoryInstead(settingAside: Bool) async -> Result<Void, StoreError> {
        do throws(StoreError) {
            let next = try await machine.store(path: nil, progress: progress)
            let old = try await swap { next }
            condition.took(false)
            await old.close()
            if settingAside { try setAside() }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func setAside() throws(StoreError) {
        let now = Timestamp(microseconds: WallClock.microseconds())
        do throws(SystemError) {
            let name = try files.setAside(at: now)
            log.error("what was damaged is \(name) now")
        } catch {
            throw .failed(code: error.code, message: "\(error)")
        }
        condition.lookForDamaged()
    }
}
