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
        self.init(
            processID: pid, userID: uid, groupID: gid,
            groups: Self.groups(descriptor, capacity: 64)
                ?? Self.groups(descriptor, capacity: Self.groupsMax) ?? [])
    }

    /// The kernel's NGROUPS_MAX.
    private static let groupsMax = 65_536

    /// Nil when there are more than `capacity`.
    private static func groups(_ descriptor: Int32, capacity: Int) -> [UInt32]? {
        var groups = [UInt32](repeating: 0, count: capacity)
        let count = quipu_peer_groups(descriptor, &groups, Int32(capacity))
        return count < 0 ? nil : Array(groups.prefix(Int(count)))
    }
}
