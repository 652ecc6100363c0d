import Glibc

/// Directories and lock files.
public enum Directories {
    /// Fails where others may put what they like into `path`: it belongs to somebody who is neither
    /// this user nor root, or anybody may write to it and rename what lies in it.
    public static func requireOwn(_ path: String) throws(SystemError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .current("stat", path: path) }
        let isOpen = status.st_mode & S_IWOTH != 0 && status.st_mode & S_ISVTX == 0
        guard !isOpen, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw SystemError(code: EPERM, operation: "use what others may change:", path: path)
        }
    }

    /// Makes `path` and what is missing above it. Existing directories keep their mode.
    public static func make(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        if mkdir(path, mode) == 0 || errno == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0 else { throw .current("stat", path: path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw SystemError(code: ENOTDIR, operation: "mkdir", path: path)
            }
            return
        }
        guard errno == ENOENT, let slash = path.dropFirst().lastIndex(of: "/") else {
            throw .current("mkdir", path: path)
        }
        try make(String(path[..<slash]), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .current("mkdir", path: path) }
    }
}

/// A file whose exclusive lock says: one process owns this directory. The kernel drops the lock
/// with the process, however it ends, so a lock is never stale.
public final class LockFile: Sendable {
    public enum Failure: Error, Sendable {
        /// Another process holds it; nil when it has not written its pid yet.
        case held(by: Int32?)
        case system(SystemError)
    }

    private let descriptor: OwnedDescriptor
    private let directory: OwnedDescriptor?

    /// Takes the lock, or fails within half a second.
    ///
    /// - Parameter directory: Is locked as well, where given: the file may be deleted, and then
    ///   another process would make and lock a new one.
    public init(path: String, directory: String? = nil) throws(Failure) {
        self.directory = try directory.map { name throws(Failure) in
            try Self.lockedDirectory(name, file: path)
        }
        let raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .system(.current("open", path: path)) }
        let descriptor = OwnedDescriptor(owning: raw)
        guard Self.lock(raw) else {
            guard errno == EWOULDBLOCK else { throw .system(.current("flock", path: path)) }
            throw .held(by: Self.holder(raw))
        }
        let text = Array("\(getpid())\n".utf8)
        // On a full disk there may be no room to say who it is; the lock holds all the same.
        if pwrite(raw, text, text.count, 0) == text.count { ftruncate(raw, off_t(text.count)) }
        self.descriptor = descriptor
    }

    private static func lockedDirectory(
        _ name: String, file: String
    ) throws(Failure) -> OwnedDescriptor {
        let raw = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw .system(.current("open", path: name)) }
        let descriptor = OwnedDescriptor(owning: raw)
        guard !lock(raw) else { return descriptor }
        guard errno == EWOULDBLOCK else { throw .system(.current("flock", path: name)) }
        let holder = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        defer { if holder >= 0 { close(holder) } }
        throw .held(by: holder >= 0 ? Self.holder(holder) : nil)
    }

    /// The pid that whoever has the lock wrote.
    private static func holder(_ descriptor: Int32) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let digits = buffer.prefix(max(count, 0)).prefix { $0 != 0x0a }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    /// Locks a file for this process. A program that is being replaced may take a moment to end,
    /// and a child holds its parent's locks from its fork until it executes.
    static func lock(_ descriptor: Int32) -> Bool {
        for _ in 0..<25 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK else { return false }
            usleep(20_000)
        }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
}
