import CPlatform
import Glibc

/// Which file it is, whatever its name: a rename keeps it, and a file that gets a deleted file's
/// inode has another generation or another time of birth.
public struct FileIdentity: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    /// A hash of the file's handle, which holds the inode's generation; 0 where the file system
    /// gives none.
    public var generation: UInt64
    /// Nanoseconds since 1970; 0 where the file system does not tell.
    public var birthNanoseconds: Int64

    public init(device: UInt64, inode: UInt64, generation: UInt64, birthNanoseconds: Int64) {
        self.device = device
        self.inode = inode
        self.generation = generation
        self.birthNanoseconds = birthNanoseconds
    }

    /// The same wherever its disk is: without the device, whose number may be another one after
    /// each mount, where the time of birth tells the file from others with its inode.
    public var lasting: FileIdentity {
        var identity = self
        if birthNanoseconds != 0 { identity.device = 0 }
        return identity
    }

    /// The same for the same file in every process, as long as its disk is mounted.
    public var text: String {
        let parts = [device, inode, generation, UInt64(bitPattern: birthNanoseconds)]
        return parts.map { String($0, radix: 16) }.joined(separator: "-")
    }
}

/// What the file system says about a file, without opening it.
public struct FileStatus: Sendable, Equatable {
    public enum Kind: Sendable {
        case regular
        case directory
        case link
        /// Pipes, sockets, devices.
        case other
    }

    public var identity: FileIdentity
    public var kind: Kind
    public var sizeBytes: UInt64
    /// When content or attributes changed last, nanoseconds since 1970.
    public var changeNanoseconds: Int64
    /// Names that the file has; 0 once it is deleted and only descriptors keep it.
    public var links: UInt32
    public var owner: UInt32

    public init(
        identity: FileIdentity, kind: Kind, sizeBytes: UInt64, changeNanoseconds: Int64,
        links: UInt32, owner: UInt32
    ) {
        self.identity = identity
        self.kind = kind
        self.sizeBytes = sizeBytes
        self.changeNanoseconds = changeNanoseconds
        self.links = links
        self.owner = owner
    }

    /// Of what stands at `path`; of the link itself unless links are followed.
    public init(path: String, followingLinks: Bool) throws(SystemError) {
        var raw = quipu_file_status()
        guard quipu_file_status(-1, path, followingLinks ? 1 : 0, &raw) == 0 else {
            throw .current("statx", path: path)
        }
        self.init(raw)
    }

    public init(of descriptor: borrowing OwnedDescriptor) throws(SystemError) {
        var raw = quipu_file_status()
        guard quipu_file_status(descriptor.raw, nil, 0, &raw) == 0 else { throw .current("statx") }
        self.init(raw)
    }

    /// Whether a link of `linkOwner` (nil: no link at all) may be followed to a file or directory.
    public static func mayFollow(linkOwner: UInt32?, to target: FileStatus) -> Bool {
        guard let linkOwner else { return true }
        return linkOwner == 0 || linkOwner == target.owner
    }

    private init(_ raw: quipu_file_status) {
        identity = FileIdentity(
            device: raw.device, inode: raw.inode, generation: raw.generation,
            birthNanoseconds: raw.birth_ns)
        kind =
            switch raw.mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        sizeBytes = raw.size
        changeNanoseconds = raw.change_ns
        links = raw.links
        owner = raw.owner
    }
}
