import Glibc

extension ProcessFacts {
    /// What relative paths are relative to; `/` where the system does not tell.
    public static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
