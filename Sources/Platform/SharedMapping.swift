import CPlatform
import Glibc

/// A file as memory. What is written there survives this process, however it ends; not a power
/// loss.
///
/// Sendable without a lock, as a file is: those who share one agree on who writes when.
public final class SharedMapping: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    public let byteCount: Int
    /// False when it is ordinary memory, which dies with the process.
    public let isFile: Bool
    /// Keeps the file's lock.
    private let descriptor: OwnedDescriptor?

    /// Maps the file at `path`, made and enlarged with zeros where need be, and locks it: no other
    /// process may have it mapped this way (`EWOULDBLOCK`). Its blocks are allocated now, because a
    /// page that the disk has no room for would end the process when it is touched.
    public init(path: String, byteCount: Int) throws(SystemError) {
        let raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        let descriptor = OwnedDescriptor(owning: raw)
        guard LockFile.lock(raw) else { throw .current("flock", path: path) }
        let code = posix_fallocate(raw, 0, byteCount)
        guard code == 0 else {
            throw SystemError(code: code, operation: "posix_fallocate", path: path)
        }
        base = try Self.map(byteCount, flags: MAP_SHARED, descriptor: raw, path: path)
        self.byteCount = byteCount
        isFile = true
        self.descriptor = consume descriptor
    }

    /// Zeroed memory that no file stands behind.
    public init(anonymousByteCount byteCount: Int) throws(SystemError) {
        base = try Self.map(
            byteCount, flags: MAP_PRIVATE | MAP_ANONYMOUS, descriptor: -1, path: nil)
        self.byteCount = byteCount
        isFile = false
        descriptor = nil
    }

    private static func map(
        _ byteCount: Int, flags: Int32, descriptor: Int32, path: String?
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard let base, base != MAP_FAILED else { throw .current("mmap", path: path) }
        return base
    }

    deinit { munmap(base, byteCount) }

    public func pointer(at offset: Int) -> UnsafeMutableRawPointer { base + offset }

    public func load(at offset: Int) -> UInt64 {
        base.load(fromByteOffset: offset, as: UInt64.self)
    }

    /// Stores a word that a process killed at any instruction leaves either old or new, with
    /// everything stored before it and nothing stored after it.
    public func storeInOrder(_ value: UInt64, at offset: Int) {
        quipu_store_in_order((base + offset).assumingMemoryBound(to: UInt64.self), value)
    }

    /// Gives the pages' memory back; the file keeps what is in them.
    public func releaseResidentPages() {
        if isFile { madvise(base, byteCount, MADV_DONTNEED) }
    }
}
