internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// The database as files: where they are, what is set aside, and the room that they have.
struct DatabaseFiles: Sendable {
    /// The database, its log, and the log's index.
    private static let endings = ["", "-wal", "-shm"]
    /// A small part of the disk: a file that is kept so that it can be given up.
    private static let ballastShare: Int64 = 32
    /// Of the disk: a smaller database is not what fills it, and its rows are not given up.
    private static let largeShare: Int64 = 8

    let path: String

    private var directory: String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
    private var name: String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
    private var ballast: String { directory + "/quipu.ballast" }
    private var space: DiskSpace? { try? DiskSpace(of: directory) }

    var sizeBytes: Int64 {
        (try? FileStatus(path: path, followingLinks: true)).map { Int64(clamping: $0.sizeBytes) }
            ?? 0
    }

    // MARK: Room

    private var ballastBytes: Int64 {
        let part = (space?.totalBytes ?? 0) / Self.ballastShare
        return min(Limits.ballastBytesMax, max(Limits.ballastBytesMin, part))
    }

    /// The log never holds more than the ballast, so that giving that up makes room for moving it
    /// into the database.
    var logBytes: Int { Int(min(Int64(Limits.logBytes), ballastBytes)) }

    /// Enough to go on for a while.
    var hasRoom: Bool { (space?.freeBytes ?? .max) >= 3 * ballastBytes }

    /// The database itself takes so much of the disk that taking rows away helps.
    var isLarge: Bool { sizeBytes >= (space?.totalBytes ?? 0) / Self.largeShare }

    /// What taking rows away should bring.
    var bytesToFree: Int64 { min(sizeBytes / 2, max(sizeBytes / 10, 3 * ballastBytes)) }

    /// Keeps some room aside while there is enough.
    func keepBallast() {
        guard !Files.exists(ballast), hasRoom else { return }
        try? PlainFiles.reserve(ballast, byteCount: ballastBytes)
    }

    func giveUpBallast() { try? PlainFiles.remove(ballast) }

    // MARK: Damage

    /// Sets the database aside under a name that tells when; gives that name.
    func setAside(at now: Timestamp, logOnly: Bool = false) throws(SystemError) -> String {
        let moment = now.rfc3339.filter { $0 != ":" && $0 != "-" }
        let aside = "\(path).damaged-\(moment)"
        // The database last: while its name is there, so is what belongs to it.
        for ending in (logOnly ? ["-wal"] : ["-wal", "-shm", ""])
        where Files.exists(path + ending) {
            try PlainFiles.rename(path + ending, to: aside + ending)
        }
        // SQLite makes the index again; that of another log would be wrong.
        if logOnly { try PlainFiles.remove(path + "-shm") }
        return logOnly ? aside + "-wal" : aside
    }

    /// What was set aside at some time and is still there.
    var damaged: [String] {
        let names = (try? PlainFiles.names(in: directory)) ?? []
        return names.filter { $0.hasPrefix(name + ".damaged-") && !$0.hasSuffix("-shm") }
            .sorted().map { directory + "/" + $0 }
    }

    /// What SQLite would take for an empty database, and write over.
    enum Emptied {
        case database
        case log
    }

    var emptied: Emptied? {
        guard let status = try? FileStatus(path: path, followingLinks: true) else { return nil }
        if status.sizeBytes == 0 { return .database }
        var header = [UInt8](repeating: 0, count: LogHeader.byteCount)
        let count = header.withUnsafeMutableBytes {
            try? PlainFiles.read(path + "-wal", at: 0, into: $0)
        }
        guard let count, count == LogHeader.byteCount else { return nil }
        return LogHeader.isIntact(header) ? nil : .log
    }

    // MARK: Identity

    var identity: FileIdentity? {
        guard Files.exists(path + "-wal") else { return nil }
        return (try? FileStatus(path: path, followingLinks: true))?.identity
    }
}
