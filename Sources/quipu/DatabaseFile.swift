import Platform

/// The database while no daemon has it.
struct DatabaseFile {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let path: String

    /// What SQLite keeps beside a database; what is in the log belongs to it.
    private static let companions = ["", "-wal", "-shm"]
    private static let header = Array("SQLite format 3\0".utf8)
    /// Where a database says whose it is: "Quip".
    private static let applicationID = (offset: 68, bytes: Array("Quip".utf8))

    /// Puts a copy of `backup` in its place. What was there is kept beside it.
    func replace(with backup: String, lock: String) throws {
        let held = try Self.claim(lock)
        try Self.check(backup)
        let fresh = path + ".restoring"
        try PlainFiles.remove(fresh)
        try PlainFiles.copy(backup, to: fresh)
        for companion in Self.companions where Files.exists(path + companion) {
            try PlainFiles.rename(path + companion, to: path + ".before-restore" + companion)
        }
        try PlainFiles.rename(fresh, to: path)
        withExtendedLifetime(held) {}
    }

    private static func claim(_ lock: String) throws -> LockFile {
        do throws(LockFile.Failure) {
            return try LockFile(path: lock)
        } catch {
            switch error {
            case .held(let pid):
                let who = pid.map { "quipud with pid \($0)" } ?? "quipud"
                throw Failure(description: "\(who) has the database; stop it first")
            case .system(let error): throw error
            }
        }
    }

    private static func check(_ backup: String) throws {
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = try bytes.withUnsafeMutableBytes {
            try PlainFiles.read(backup, at: 0, into: $0)
        }
        let start = applicationID.offset
        let name = bytes[start..<start + applicationID.bytes.count]
        guard count == bytes.count, bytes.starts(with: header),
            name.elementsEqual(applicationID.bytes)
        else { throw Failure(description: "\(backup) is no backup of a database of ours") }
    }
}
