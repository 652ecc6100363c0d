import FoundationEssentials
import QuipuModel

extension SQLiteStore {
    public func status() async throws(StoreError) -> StoreStatus {
        let path = path
        return try await read { context in
            var counters: [String: Int64] = [:]
            let row = try context.prepare("SELECT name, value FROM counters")
            while try row.step() { counters[row.string(0) ?? ""] = row.int(1) }
            let lastCommit = counters["last_commit"] ?? 0
            return StoreStatus(
                path: path,
                sizeBytes: try path.map(Self.fileBytes) ?? Self.memoryBytes(context),
                walBytes: path.map { Self.fileBytes($0 + "-wal") } ?? 0,
                schemaVersion: Schema.version,
                lastCommit: lastCommit == 0 ? nil : Timestamp(microseconds: lastCommit),
                retentionTime: Timestamp(microseconds: counters["retention_time"] ?? lastCommit),
                eventCount: counters["events"] ?? 0, seriesCount: counters["series"] ?? 0,
                seriesOverflow: counters["series_overflow"] ?? 0)
        }
    }

    /// 0 for a file that is not there.
    private static func fileBytes(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? UInt64).map { Int64(clamping: $0) }
            ?? (attributes?[.size] as? Int64) ?? (attributes?[.size] as? Int).map(Int64.init) ?? 0
    }

    private static func memoryBytes(_ context: ReadContext) throws -> Int64 {
        let pages = try context.prepare("PRAGMA page_count")
        let size = try context.prepare("PRAGMA page_size")
        guard try pages.step(), try size.step() else { return 0 }
        return pages.int(0) * size.int(0)
    }
}
