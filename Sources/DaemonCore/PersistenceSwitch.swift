internal import Logging
internal import Platform
internal import QuipuModel
internal import QuipuStore

/// Changes from the file to memory and back, while everything runs.
///
/// Memory begins with the recent hours of the file and with all positions, so that agents go on
/// where they are. What memory acknowledges is not durable: agents keep it, and with the file back
/// in use they are asked for everything since the file's positions. Nothing has to be merged.
actor PersistenceSwitch {
    private let stores: Stores
    private let committer: Committer
    private let agents: AgentRegister
    private let path: String
    private let hostName: String
    private let log: Logger
    private let limits: LimitBook
    private let progress: WorkProgress
    private var turns = Turns<Result<Void, StoreError>>()

    init(
        stores: Stores, committer: Committer, agents: AgentRegister, path: String,
        hostName: String, log: Logger, limits: LimitBook, progress: WorkProgress
    ) {
        self.stores = stores
        self.committer = committer
        self.agents = agents
        self.path = path
        self.hostName = hostName
        self.log = log
        self.limits = limits
        self.progress = progress
    }

    /// After all changes that were asked for before.
    func set(_ isOn: Bool) async -> Result<Void, StoreError> {
        await turns.take { await self.change(isOn) }.value
    }

    private func change(_ isOn: Bool) async -> Result<Void, StoreError> {
        guard stores.current.isDurable != isOn else { return .success(()) }
        do throws(StoreError) {
            let next = try await SQLiteStore(
                path: isOn ? path : nil, hostName: hostName, progress: progress)
            let since = Timestamp(
                microseconds: WallClock.microseconds()
                    - RetentionPolicy.memorySeconds * 1_000_000)
            // Between two commits: what one of them had acknowledged, the other knows.
            let replaced = await committer.exclusively {
                [stores, path, limits] () async -> Result<any Store, StoreError> in
                do throws(StoreError) {
                    if !isOn { try await next.copyRecent(from: path, since: since) }
                    let now = Timestamp(microseconds: WallClock.microseconds())
                    try await limits.load(from: next, now: now)
                    return .success(stores.replace(with: next))
                } catch {
                    return .failure(error)
                }
            }
            let old = try replaced.get()
            // Agents ask again where to go on, this time of the other one.
            agents.closeAll()
            await old.close()
            log.notice("persistence is \(isOn ? "on" : "off")")
            return .success(())
        } catch {
            log.error("persistence stays \(isOn ? "off" : "on"): \(error)")
            return .failure(error)
        }
    }
}
