import GRDBSQLite
public import QuipuModel

/// What is wrong with the disk, or with the file on it, as far as an error tells.
public enum DiskFault: Sendable, Equatable {
    case full
    /// Reading or writing failed.
    case failing
    /// The file is no database, or no longer a whole one.
    case damaged
    /// Another program has locked it.
    case locked
    /// Somebody reads an old state of it for so long that the write-ahead log may not grow on.
    case held
    /// It may not be opened, or not written.
    case denied
}

/// SQLITE_BUSY_SNAPSHOT, which is a macro: a reader is in the way.
private let logHeldCode = SQLITE_BUSY | 2 << 8

extension StoreError {
    /// Nil where the error says nothing of the disk.
    public var diskFault: DiskFault? {
        guard case .failed(let code, _) = self else { return nil }
        if code == logHeldCode { return .held }
        switch code & 0xff {
        case SQLITE_FULL: return .full
        case SQLITE_IOERR, SQLITE_PROTOCOL: return .failing
        case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged
        case SQLITE_BUSY, SQLITE_LOCKED: return .locked
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY: return .denied
        default: return nil
        }
    }

    static func logIsHeld(_ pages: Int32) -> StoreError {
        .failed(
            code: logHeldCode,
            message: "a program that reads the file holds \(pages / 256) MiB of its log")
    }

    /// What nobody could tell again is not taken while memory stands in for the file.
    public static let notKept = StoreError.failed(
        code: SQLITE_READONLY, message: "the disk fails, and this would not be kept; see health")

    public static let diskIsFull = StoreError.failed(
        code: SQLITE_FULL, message: "the disk is full")

    /// The file is no longer where it was opened.
    public static let fileIsGone = StoreError.failed(
        code: SQLITE_IOERR, message: "the file was deleted or replaced while it was in use")
}

extension SQLiteStore {
    /// Whether the disk takes what is written: all of the log goes into the file first.
    public func settle() async throws(StoreError) { try await writer.settle() }

    /// Looks through the file as long as it may.
    ///
    /// - Returns: What is damaged, in SQLite's words; nil where nothing was found.
    public func findDamage(milliseconds: Int) async throws(StoreError) -> String? {
        guard let path else { return nil }
        do {
            return try await BackupRunner().findDamage(path, Deadline(milliseconds: milliseconds))
        } catch {
            throw StoreError(error)
        }
    }

    /// Takes the oldest payloads and events away until `bytes` are free again, on a disk that has
    /// next to no room: in small chunks, each moved into the file before the next.
    public func makeRoom(bytes: Int64, at now: Timestamp) async throws(StoreError) {
        let used = try await read { context in
            try RetentionWriter(
                connection: context.connection, policy: .init(), time: RetentionTime(now)
            )
            .usedBytes()
        }
        var policy = RetentionPolicy()
        policy.databaseBytesMax = Int64(
            Double(max(0, used - bytes)) / RetentionWriter.sizeTarget)
        for (step, rowsMax) in [(RetentionStep.size, 2_000), (.vacuum, 256)] {
            var rows = 4
            var chunk = RetentionChunk()
            while !chunk.isDone, !Task.isCancelled {
                do throws(StoreError) {
                    chunk = try await writer.retain(
                        step, rows: rows, after: chunk, policy: policy, at: RetentionTime(now))
                    rows = min(rowsMax, rows * 2)
                } catch {
                    guard error.diskFault == .full, rows > 1 else { throw error }
                    rows /= 2
                }
                await writer.emptyLog()
            }
        }
    }
}

extension BackupRunner {
    func findDamage(_ path: String, _ deadline: Deadline) throws -> String? {
        let connection = try Self.open(path)
        defer { sqlite3_close_v2(connection) }
        deadline.watch(connection)
        defer { deadline.unwatch(connection) }
        do {
            let check = try RawStatement(connection, "PRAGMA quick_check(1)")
            let verdict = try check.step() ? check.string(0) ?? "" : ""
            return verdict == "ok" ? nil : verdict
        } catch let failure as SQLiteFailure where failure.isInterrupt {
            return nil
        }
    }
}

/// The beginning of a write-ahead log.
public enum LogHeader {
    public static let byteCount = 32

    /// False where SQLite would take the log for empty, whatever it holds.
    public static func isIntact(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= byteCount else { return false }
        func word(_ index: Int, bigEndian: Bool = true) -> UInt32 {
            let part = bytes[(4 * index)..<(4 * index + 4)]
            return (bigEndian ? Array(part) : part.reversed())
                .reduce(0) { $0 << 8 | UInt32($1) }
        }
        let magic = word(0)
        guard magic & ~1 == 0x377f_0682, word(1) == 3_007_000 else { return false }
        var sum: (UInt32, UInt32) = (0, 0)
        for pair in 0..<3 {
            sum.0 &+= word(2 * pair, bigEndian: magic & 1 == 1) &+ sum.1
            sum.1 &+= word(2 * pair + 1, bigEndian: magic & 1 == 1) &+ sum.0
        }
        return sum == (word(6), word(7))
    }
}
