import Glibc

/// How much room the file system of a directory has.
public struct DiskSpace: Sendable, Equatable {
    public var totalBytes: Int64
    /// What this process may still take.
    public var freeBytes: Int64

    public init(of path: String) throws(SystemError) {
        var figures = statvfs()
        guard statvfs(path, &figures) == 0 else { throw .current("statvfs", path: path) }
        let block = Int64(clamping: figures.f_frsize)
        totalBytes = block.multipliedReportingOverflow(by: Int64(clamping: figures.f_blocks)).0
        freeBytes = block.multipliedReportingOverflow(by: Int64(clamping: figures.f_bavail)).0
    }
}
