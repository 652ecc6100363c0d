import Glibc

/// Pieces of memory that go to a file as one run of bytes. The memory must stay until they are
/// written.
public struct GatherList {
    /// One call of the kernel takes this many.
    public static let piecesMax = 1_024

    private var vectors: [iovec] = []
    public private(set) var byteCount = 0

    public init() {}

    /// At most `piecesMax` times.
    public mutating func append(_ piece: UnsafeRawBufferPointer) {
        vectors.append(
            iovec(
                iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress),
                iov_len: piece.count))
        byteCount += piece.count
    }

    /// All of it in one piece.
    public var bytes: [UInt8] {
        vectors.flatMap { Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len)) }
    }

    public mutating func removeAll() {
        vectors.removeAll(keepingCapacity: true)
        byteCount = 0
    }

    /// Takes `written` bytes away from the front.
    fileprivate mutating func drop(_ written: Int) {
        byteCount -= written
        var rest = written
        var whole = 0
        while whole < vectors.count, vectors[whole].iov_len <= rest {
            rest -= vectors[whole].iov_len
            whole += 1
        }
        vectors.removeFirst(whole)
        guard rest > 0, !vectors.isEmpty else { return }
        vectors[0].iov_base = vectors[0].iov_base.map { $0 + rest }
        vectors[0].iov_len -= rest
    }

    fileprivate func write(to raw: Int32, at offset: UInt64) -> Int {
        pwritev(raw, vectors, Int32(vectors.count), off_t(offset))
    }
}

/// A new file that is only written at its end.
public final class AppendFile: Sendable {
    private let descriptor: OwnedDescriptor
    private let path: String

    /// Makes the file; there must be none.
    public init(creating path: String) throws(SystemError) {
        let raw = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        descriptor = OwnedDescriptor(owning: raw)
        self.path = path
    }

    /// Writes the list at `offset` and leaves it empty. How much was written, and why not all.
    public func write(
        _ list: inout GatherList, at offset: UInt64
    ) -> (written: Int, failure: SystemError?) {
        let total = list.byteCount
        while list.byteCount > 0 {
            let count = list.write(to: descriptor.raw, at: offset + UInt64(total - list.byteCount))
            if count > 0 {
                list.drop(count)
            } else if count == 0 || errno != EINTR {
                let failure = SystemError(
                    code: count == 0 ? ENOSPC : errno, operation: "write", path: path)
                let written = total - list.byteCount
                list.removeAll()
                return (written, failure)
            }
        }
        list.removeAll()
        return (total, nil)
    }

    public func truncate(to byteCount: UInt64) throws(SystemError) {
        guard ftruncate(descriptor.raw, off_t(byteCount)) == 0 else {
            throw .current("ftruncate", path: path)
        }
    }
}

/// Small operations on files by path.
public enum PlainFiles {
    /// The names in a directory, without `.` and `..`, in no order.
    public static func names(in directory: String) throws(SystemError) -> [String] {
        guard let stream = opendir(directory) else { throw .current("opendir", path: directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Fills `buffer` from `offset` on; less only at the file's end.
    public static func read(
        _ path: String, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard raw >= 0 else { throw .current("open", path: path) }
        let descriptor = OwnedDescriptor(owning: raw)
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor.raw, buffer.baseAddress.map { $0 + filled }, buffer.count - filled,
                off_t(offset) + off_t(filled))
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw .current("read", path: path)
            }
        }
        return filled
    }

    /// Makes an empty file that only its owner can read, where there is nothing yet.
    public static func create(_ path: String) throws(SystemError) {
        let raw = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        close(raw)
    }

    /// Makes a file that holds `byteCount` bytes of the disk and nothing else; none where there is
    /// no room for it.
    public static func reserve(_ path: String, byteCount: Int64) throws(SystemError) {
        let raw = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        let descriptor = OwnedDescriptor(owning: raw)
        let code = posix_fallocate(descriptor.raw, 0, off_t(byteCount))
        guard code == 0 else {
            unlink(path)
            throw SystemError(code: code, operation: "fallocate", path: path)
        }
    }

    /// Waits until a file is on the disk; its size in bytes.
    public static func synchronize(_ path: String) throws(SystemError) -> Int64 {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard raw >= 0 else { throw .current("open", path: path) }
        let descriptor = OwnedDescriptor(owning: raw)
        guard fsync(descriptor.raw) == 0 else { throw .current("fsync", path: path) }
        return Int64(lseek(descriptor.raw, 0, SEEK_END))
    }

    /// Copies a file to where nothing is yet, readable to its owner alone, and waits until it is on
    /// the disk.
    public static func copy(_ source: String, to path: String) throws(SystemError) {
        try create(path)
        let raw = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard raw >= 0 else { throw .current("open", path: path) }
        let target = OwnedDescriptor(owning: raw)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var offset: UInt64 = 0
        while true {
            let count = try read(source, at: offset, into: buffer)
            if count == 0 { break }
            try target.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += UInt64(count)
        }
        guard fsync(target.raw) == 0 else { throw .current("fsync", path: path) }
    }

    /// Replaces what is at the new name.
    public static func rename(_ path: String, to newPath: String) throws(SystemError) {
        guard Glibc.rename(path, newPath) == 0 else { throw .current("rename", path: path) }
    }

    /// A file that is not there is no error.
    public static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .current("unlink", path: path) }
    }

    public static func truncate(_ path: String, to byteCount: UInt64) throws(SystemError) {
        guard Glibc.truncate(path, off_t(byteCount)) == 0 else {
            throw .current("truncate", path: path)
        }
    }
}

extension SystemError {
    /// The disk, or what the user may have of it, is full.
    public var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    /// The file system can't do this at all.
    public var isUnsupported: Bool { code == EOPNOTSUPP || code == ENODEV }
}
