import Glibc

extension OwnedDescriptor {
    /// Opens a file to read. Never waits for the other end of a pipe; does not follow a link in the last
    /// part of the path unless told so.
    public init(readingFile path: String, followingLinks: Bool = false) throws(SystemError) {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let raw = open(path, followingLinks ? flags : flags | O_NOFOLLOW)
        guard raw >= 0 else { throw .current("open", path: path) }
        self.init(owning: raw)
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
    /// Calls `body` with each name but `.` and `..`, in no order. Names that are not UTF-8 are left out.
    public static func read(_ path: String, _ body: (String) -> Void) throws(SystemError) {
        guard let directory = opendir(path) else { throw .current("opendir", path: path) }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let bytes = UnsafeRawPointer(entry) + directoryNameOffset
            let name = String(validatingCString: bytes.assumingMemoryBound(to: CChar.self))
            if let name, name != ".", name != ".." { body(name) }
        }
    }

    private static let directoryNameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
}
