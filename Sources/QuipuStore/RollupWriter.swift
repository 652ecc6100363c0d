import GRDBSQLite
import QuipuModel
import Sketches

/// Series and their rollups; the writer's side. Collects what a transaction's batches bring and
/// merges it into what is stored once, at its end.
final class RollupWriter {
    private struct Span: Hashable, Comparable {
        var series: Int64
        var bucket: Int64

        static func < (left: Span, right: Span) -> Bool {
            (left.series, left.bucket) < (right.series, right.bucket)
        }
    }

    /// What changes in a series' row, times in microseconds.
    private struct SeriesChange {
        var first = Int64.max
        var last = Int64.min
        var samples: Double = 0
        var value: Double = 0
        var valueTime = Int64.min
    }

    private struct Entry {
        var id: Int64
        var isOverflow: Bool
        /// The series' newest value, and when it was (microseconds).
        var value: Double
        var valueTime: Int64

        var overflowing: Entry {
            var entry = self
            entry.isOverflow = true
            return entry
        }
    }

    /// Beyond, the cache starts anew.
    private static let entriesMax = 4_096
    private static let overflowTags = Array("overflow:true".utf8)
    private static let overflowName = Array("quipu.overflow".utf8)

    /// Samples that went to an overflow series, to be added to the counter.
    private(set) var overflowSamples: Double = 0
    private(set) var seriesCount: Int64
    private let seriesMax: Int
    private var entries: [[UInt8]: Entry] = [:]
    private var additions: [Span: StoredRollup.Pair] = [:]
    private var changes: [Int64: SeriesChange] = [:]
    private let strings: StringTable
    private let connection: OpaquePointer
    private let findSeries: RawStatement
    private let insertSeries: RawStatement
    private let updateSeries: RawStatement
    private let table: OpenRollupTable

    init(
        _ connection: OpaquePointer, strings: StringTable, seriesCount: Int64, seriesMax: Int
    ) throws {
        self.connection = connection
        self.strings = strings
        self.seriesMax = seriesMax
        self.seriesCount = seriesCount
        findSeries = try RawStatement(
            connection,
            """
            SELECT id, value, value_time FROM series
            WHERE name = ?1 AND type = ?2 AND tags = ?3 AND host = ?4
            """)
        insertSeries = try RawStatement(
            connection,
            """
            INSERT INTO series (name, type, tags, host, first, last, samples, value, value_time)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, 0, \(Int64.min))
            """)
        updateSeries = try RawStatement(
            connection,
            """
            UPDATE series SET first = min(first, ?2), last = max(last, ?3), samples = samples + ?4,
                value = ?5, value_time = ?6
            WHERE id = ?1
            """)
        table = try OpenRollupTable(connection)
    }

    /// Takes up a batch's rollups. They are stored by `flush`.
    func store(_ batch: DecodedBatch, host: String) throws {
        guard !batch.rollups.isEmpty else { return }
        let host = try strings.id(of: host)
        try batch.bytes.withUnsafeBytes { bytes in
            // Changes of a gauge start from the value that it had before this batch.
            var bases: [Int: Double] = [:]
            for delta in batch.rollups where batch.series.indices.contains(delta.series) {
                let identity = SeriesIdentity(batch.series[delta.series], bytes, host: host)
                var entry = try entry(identity, at: delta.bucketStart)
                let base = bases[delta.series] ?? entry.value
                bases[delta.series] = base
                try store(delta, base: base, in: &entry)
                remember(entry, as: identity.key)
            }
        }
    }

    private func store(_ delta: RollupDelta, base: Double, in entry: inout Entry) throws {
        var added = Rollup()
        if var relative = delta.relative, !relative.isEmpty {
            relative.shift(by: base)
            added = relative
            added.merge(delta.rollup)
        } else {
            added = delta.rollup
        }
        if entry.isOverflow { overflowSamples += added.count }
        if !added.isEmpty, added.lastMicroseconds >= entry.valueTime {
            entry.value = added.last
            entry.valueTime = added.lastMicroseconds
        }
        let start = Timestamp.seconds(delta.bucketStart).microseconds
        var change = changes[entry.id] ?? SeriesChange()
        change.first = min(change.first, start)
        change.last = max(change.last, start, added.lastMicroseconds)
        change.samples += added.count
        change.value = entry.value
        change.valueTime = entry.valueTime
        changes[entry.id] = change
        let span = Span(series: entry.id, bucket: delta.bucketStart)
        var pair = StoredRollup.Pair()
        pair.rollup = added
        pair.members = delta.members
        additions[span, default: StoredRollup.Pair()].merge(pair)
    }

    /// Writes what has been taken up. Has to be called before the transaction ends.
    func flush() throws {
        for (series, change) in changes {
            updateSeries.bind(1, series)
            updateSeries.bind(2, change.first)
            updateSeries.bind(3, change.last)
            updateSeries.bind(4, change.samples)
            updateSeries.bind(5, change.value)
            updateSeries.bind(6, change.valueTime)
            try updateSeries.run()
        }
        changes.removeAll(keepingCapacity: changes.count <= Self.entriesMax)
        // In the order of the table.
        for (span, addition) in additions.sorted(by: { $0.key < $1.key }) {
            try table.merge(addition, series: span.series, bucket: span.bucket)
        }
        additions.removeAll(keepingCapacity: additions.count <= Self.entriesMax)
    }

    // MARK: Series

    private func entry(_ identity: SeriesIdentity, at bucketStart: Int64) throws -> Entry {
        if let known = entries[identity.key] { return known }
        if let stored = try find(identity) { return stored }
        if seriesCount < seriesMax { return try make(identity, at: bucketStart) }
        // One series for all the rest of this metric; and, so that names cannot grow without bound
        // either, one for all the rest of the metrics.
        var overflow = identity
        overflow.tags = Self.overflowTags
        if let stored = try find(overflow) { return stored.overflowing }
        if seriesCount >= seriesMax + seriesMax / 10 {
            overflow.name = Self.overflowName
            if let stored = try find(overflow) { return stored.overflowing }
        }
        return try make(overflow, at: bucketStart).overflowing
    }

    private func find(_ identity: SeriesIdentity) throws -> Entry? {
        identity.bind(to: findSeries)
        defer { findSeries.reset() }
        guard try findSeries.step() else { return nil }
        let id = findSeries.int(0)
        // What this transaction has changed is not in the row yet.
        if let change = changes[id] {
            return Entry(
                id: id, isOverflow: false, value: change.value, valueTime: change.valueTime)
        }
        return Entry(
            id: id, isOverflow: false, value: findSeries.double(1), valueTime: findSeries.int(2))
    }

    private func make(_ identity: SeriesIdentity, at bucketStart: Int64) throws -> Entry {
        identity.bind(to: insertSeries)
        insertSeries.bind(5, Timestamp.seconds(bucketStart).microseconds)
        try insertSeries.run()
        seriesCount += 1
        return Entry(
            id: sqlite3_last_insert_rowid(connection), isOverflow: false, value: 0,
            valueTime: .min)
    }

    private func remember(_ entry: Entry, as key: [UInt8]) {
        // Several keys share one overflow series: each would remember another last value.
        guard !entry.isOverflow else { return }
        if entries.count >= Self.entriesMax { entries.removeAll(keepingCapacity: true) }
        entries[key] = entry
    }
}
