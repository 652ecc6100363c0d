internal import Platform
internal import QuipuModel
internal import QuipuStore

/// The machine that the daemon runs on.
struct Machine: Sendable {
    /// As it is called now.
    var hostName: String
    /// What stays when it is renamed; nil: nothing. Only a hash of it is kept: the machine's own is
    /// a secret.
    var id: String?

    init(hostName: String, machineID: [UInt8]?) {
        self.hostName = hostName
        guard let machineID else { return }
        var hash = FNV1a()
        for byte in Array("quipu ".utf8) + machineID { hash.combine(byte) }
        id = "id:" + String(hash.value, radix: 16)
    }

    static let own = Machine(
        hostName: ProcessFacts.hostName, machineID: ProcessFacts.machineID())

    /// A store of its sources; `path` nil: in memory.
    func store(
        path: String?, logBytes: Int = Limits.logBytes, progress: WorkProgress
    ) async throws(StoreError) -> SQLiteStore {
        try await SQLiteStore(
            path: path, hostName: hostName, machineID: id, logBytes: logBytes, progress: progress)
    }
}
