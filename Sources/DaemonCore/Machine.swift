internal import Platform
internal import QuipuModel

/// The machine that the daemon runs on.
struct Machine: Sendable {
    /// As it is called now.
    var hostName: String
    /// What stays when it is renamed. Only a hash of it is kept: the machine's own is a secret.
    var id: String

    init(hostName: String, machineID: [UInt8]?) {
        self.hostName = hostName
        guard let machineID else {
            id = "name:" + hostName
            return
        }
        var hash = FNV1a()
        for byte in Array("quipu ".utf8) + machineID { hash.combine(byte) }
        id = "id:" + String(hash.value, radix: 16)
    }

    static let own = Machine(
        hostName: ProcessFacts.hostName, machineID: ProcessFacts.machineID())
}
