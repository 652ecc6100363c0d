import Glibc

/// Files by path.
public enum Files {
    /// Opens for appending whole lines, and makes the file where there is none.
    public static func openForAppending(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let raw = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw .current("open", path: path) }
        return OwnedDescriptor(owning: raw)
    }

    public static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }
}

extension Files {
    /// Removes a socket, and nothing else that may stand at its path.
    public static func removeSocket(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        unlink(path)
    }
}
