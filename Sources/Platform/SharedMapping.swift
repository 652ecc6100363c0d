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
    private var descriptor: OwnedDescriptor?
    private var identity: FileIdentity?

    /// Maps the file at `path`, made and enlarged with zeros where need be, and locks it: no other
    /// process may have it mapped this way (`EWOULDBLOCK`). Its blocks are allocated now, because a
    /// page that the disk has no room for would end the process when it is touched.
    public init(path: String, byteCount: Int) throws(SystemError) {
        let descriptor = try Self.file(path, byteCount: byteCount)
        let identity = try FileStatus(of: descriptor).identity
        base = try Self.map(byteCount, flags: MAP_SHARED, descriptor: descriptor.raw, path: path)
        self.byteCount = byteCount
        isFile = true
        self.identity = identity
        self.descriptor = consume descriptor
    }

    private static func file(
        _ path: String, byteCount: Int, isNew: Bool = false
    ) throws(SystemError) -> OwnedDescriptor {
        let raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        let descriptor = OwnedDescriptor(owning: raw)
        guard LockFile.lock(raw) else { throw .current("flock", path: path) }
        guard !isNew || ftruncate(raw, 0) == 0 else { throw .current("ftruncate", path: path) }
        let code = posix_fallocate(raw, 0, byteCount)
        guard code == 0 else {
            throw SystemError(code: code, operation: "posix_fallocate", path: path)
        }
        return descriptor
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
        _ byteCount: Int, flags: Int32, descriptor: Int32, path: String?,
        at place: UnsafeMutableRawPointer? = nil
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let base = mmap(place, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard let base, base != MAP_FAILED else { throw .current("mmap", path: path) }
        return base
    }

    deinit { munmap(base, byteCount) }

    // MARK: Another file

    /// Whether the file that is mapped is what stands at `path`; of ordinary memory always.
    public func stands(at path: String) -> Bool {
        guard let identity else { return true }
        let status = try? FileStatus(path: path, followingLinks: false)
        return status?.identity == identity
    }

    /// Goes on in a file at `path` with all that it holds, at the same addresses. Not while others
    /// store something, or ask for `stands`.
    public func move(to path: String) throws(SystemError) {
        let descriptor = try Self.file(path, byteCount: byteCount, isNew: true)
        let identity = try FileStatus(of: descriptor).identity
        // The first page says whether the others mean anything: it goes last.
        let firstBytes = min(byteCount, 4_096)
        try write(firstBytes..<byteCount, to: descriptor.raw, path)
        try write(0..<firstBytes, to: descriptor.raw, path)
        _ = try Self.map(
            byteCount, flags: MAP_SHARED | MAP_FIXED, descriptor: descriptor.raw, path: path,
            at: base)
        self.identity = identity
        self.descriptor = consume descriptor
    }

    private func write(
        _ range: Range<Int>, to raw: Int32, _ path: String
    ) throws(SystemError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = pwrite(raw, base + offset, range.upperBound - offset, off_t(offset))
            if count > 0 {
                offset += count
            } else if count == 0 || errno != EINTR {
                throw .current("write", path: path)
            }
        }
    }

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
