internal import NIOPosix
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// What only some may ask for, and who these are.
struct Administration: Sendable {
    let stores: Stores
    let persistence: PersistenceSwitch
    let committer: Committer
    let retention: RetentionJob
    let limits: LimitBook
    /// Members of this group may, besides root and the daemon's own user.
    let groupID: UInt32?

    func allows(_ peer: PeerCredentials) -> Bool {
        if peer.userID == 0 || peer.userID == ProcessFacts.userID { return true }
        guard let groupID else { return false }
        return peer.groupID == groupID || peer.groups.contains(groupID)
    }

    func retention(dryRun: Bool) async throws(RPCError) -> JSON {
        let result = dryRun ? await retention.foretell() : await retention.runNow()
        switch result {
        case .success(let report):
            return ["dry_run": .bool(dryRun), "removed": .object(report.members)]
        case .failure(let error): throw Replies.error(error)
        }
    }

    func backup(to path: String) async throws(RPCError) -> JSON {
        let store = stores.current
        // A copy of memory has the recent hours, and says that all logs were read: who restored it
        // would lose what only the file has.
        guard store.isDurable else {
            throw RPCError(
                .unavailable, reason: "memory_mode", path: "method",
                hint: "the database is in memory and has the recent hours only; "
                    + "the file's copy is to be had when it is in use again")
        }
        do throws(SystemError) {
            try PlainFiles.create(path)
        } catch {
            throw .invalid("path", "\(error)")
        }
        do throws(StoreError) {
            let report = try await store.backup(to: path)
            let size = try await Self.synchronized(path)
            return [
                "path": .string(path), "size_bytes": .int(size), "events": .int(report.events),
                "schema_version": .int(Int64(report.schemaVersion)),
            ]
        } catch {
            // Half a backup must not look like one.
            try? PlainFiles.remove(path)
            throw Replies.error(error)
        }
    }

    /// A copy may be gigabytes that the disk still has to take: meanwhile everybody else's tasks
    /// need their threads.
    private static func synchronized(_ path: String) async throws(StoreError) -> Int64 {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try PlainFiles.synchronize(path)
            }
        } catch {
            throw .failed(code: (error as? SystemError)?.code ?? 0, message: "\(error)")
        }
    }

    func persistence(_ isOn: Bool) async throws(RPCError) -> JSON {
        if case .failure(let error) = await persistence.set(isOn) { throw Replies.error(error) }
        return ["mode": stores.current.isDurable ? "persistent" : "memory"]
    }

    func flush() async -> JSON {
        await committer.flush()
        return ["flushed": true]
    }
}
