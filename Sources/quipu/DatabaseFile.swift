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
    func replace(with backup: String, directory: String) throws {
        let held = try Self.claim(directory)
        try Self.check(backup, as: backup)
        let fresh = path + ".restoring"
        try PlainFiles.remove(fresh)
        try PlainFiles.copy(backup, to: fresh)
        // What was copied is what counts.
        try Self.check(fresh, as: backup)
        let kept = placeToKeep()
        // The database last: while its name is there, so is the log that belongs to it, also where
        // the machine stops between two of these.
        for companion in Self.companions.reversed() where Files.exists(path + companion) {
            try PlainFiles.rename(path + companion, to: kept + companion)
        }
        try PlainFiles.rename(fresh, to: path)
        withExtendedLifetime(held) {}
    }

    /// Where nothing is yet: what an earlier restore kept may be all that is left of something.
    private func placeToKeep() -> String {
        let first = path + ".before-restore"
        let places = [first] + (2...).prefix(1_000).map { "\(first)-\($0)" }
        return places.first { place in
            Self.companions.allSatisfy { !Files.exists(place + $0) }
        } ?? first
    }

    private static func claim(_ directory: String) throws -> LockFile {
        do throws(LockFile.Failure) {
            return try LockFile(path: directory + "/quipud.lock", directory: directory)
        } catch {
            switch error {
            case .held(let pid):
                let who = pid.map { "quipud with pid \($0)" } ?? "quipud"
                throw Failure(description: "\(who) has the database; stop it first")
            case .system(let error): throw error
            }
        }
    }

    /// Refuses what is no database of ours, or not all of it: a header says how many pages follow.
    private static func check(_ file: String, as name: String) throws {
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = try bytes.withUnsafeMutableBytes {
            try PlainFiles.read(file, at: 0, into: $0)
        }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        let start = applicationID.offset
        let owner = bytes[start..<start + applicationID.bytes.count]
        guard count == bytes.count, bytes.starts(with: header),
            owner.elementsEqual(applicationID.bytes)
        else { throw Failure(description: "\(name) is no backup of a database of ours") }
        // 1 stands for 65,536.
        let pageBytes = number(16, 2) == 1 ? 65_536 : number(16, 2)
        let wanted = pageBytes * number(28, 4)
        let size = try FileStatus(path: file, followingLinks: true).sizeBytes
        guard wanted > 0, size == wanted else {
            throw Failure(
                description: "\(name) is not whole: it has \(size) bytes of \(wanted)")
        }
    }
}
