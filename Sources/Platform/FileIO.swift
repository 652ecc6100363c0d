import Glibc

extension OwnedDescriptor {
    /// Opens a file to read. Never waits for the other end of a pipe; does not follow a link in the
    /// last part of the path unless told so.
    public init(readingFile path: String, followingLinks: Bool = false) throws(SystemError) {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let raw = open(path, followingLinks ? flags : flags | O_NOFOLLOW)
        guard raw >= 0 else { throw .current("open", path: path) }
        self.init(owning: raw)
    }

    /// Opens the file that `identity` names, if it is what stands at `path` now.
    ///
    /// - Parameter linkOwner: Who owns the symbolic link at `path`; nil when it is no link. A link
    ///   that is
    ///   not root's must not lead to another user's file, or whoever may write a directory that is
    ///   watched could have any file read.
    public init(
        readingFile path: String, identity: FileIdentity, linkOwner: UInt32?
    ) throws(SystemError) {
        let descriptor = try OwnedDescriptor(readingFile: path, followingLinks: linkOwner != nil)
        let status = try FileStatus(of: descriptor)
        guard status.kind == .regular, status.identity == identity,
            FileStatus.mayFollow(linkOwner: linkOwner, to: status)
        else { throw SystemError(code: ESTALE, operation: "open", path: path) }
        self = descriptor
    }

    /// Fills `buffer` from `offset` on; fewer bytes only where the file ends.
    public func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let place = off_t(clamping: offset + UInt64(filled))
            let count = pread(raw, rest.baseAddress, rest.count, place)
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw .current("pread")
            }
        }
        return filled
    }
}

extension SystemError {
    /// As if the system had said that there is nothing at `path`.
    public static func notFound(_ operation: String, path: String) -> SystemError {
        SystemError(code: ENOENT, operation: operation, path: path)
    }

    /// Nothing is at the path, or a part of it is no directory.
    public var isMissing: Bool { code == ENOENT || code == ENOTDIR }
}

/// Looking for a byte in memory.
public enum ByteSearch {
    public static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = memchr(base, Int32(byte), bytes.count)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    public static func last(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = bytes.count
        while index > 0 {
            index -= 1
            if bytes[index] == byte { return index }
        }
        return nil
    }
}

/// The names in a directory.
public enum DirectoryListing {
    /// Calls `body` with each name but `.` and `..`, in no order, and whether it may be a directory
    /// (or a link to one). Names that are not UTF-8 are left out and come back, with `\u{FFFD}` for
    /// what is none: no `String` leads to such a file.
    @discardableResult
    public static func read(
        _ path: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) -> [(name: String, mayBeDirectory: Bool)] {
        var leftOut: [(name: String, mayBeDirectory: Bool)] = []
        guard let directory = opendir(path) else { throw .current("opendir", path: path) }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let bytes = (UnsafeRawPointer(entry) + directoryNameOffset)
                .assumingMemoryBound(to: CChar.self)
            let type = Int(entry.pointee.d_type)
            let mayBeDirectory = type == DT_DIR || type == DT_LNK || type == DT_UNKNOWN
            guard let name = String(validatingCString: bytes) else {
                leftOut.append((String(cString: bytes), mayBeDirectory))
                continue
            }
            if name != ".", name != ".." { body(name, mayBeDirectory) }
        }
        return leftOut
    }

    private static let directoryNameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
}
