import CPlatform

/// Who is at the other end of a Unix socket, by the kernel's word at the time it connected.
public struct PeerCredentials: Sendable, Equatable {
    public var processID: Int32
    public var userID: UInt32
    public var groupID: UInt32
    /// Supplementary groups.
    public var groups: [UInt32]

    public init(processID: Int32, userID: UInt32, groupID: UInt32, groups: [UInt32]) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
        self.groups = groups
    }

    public init(of descriptor: Int32) throws(SystemError) {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard quipu_peer_credentials(descriptor, &pid, &uid, &gid) == 0 else {
            throw .current("getsockopt SO_PEERCRED")
        }
        var groups = [UInt32](repeating: 0, count: 64)
        let count = quipu_peer_groups(descriptor, &groups, Int32(groups.count))
        self.init(
            processID: pid, userID: uid, groupID: gid,
            groups: Array(groups.prefix(Int(max(count, 0)))))
    }
}
