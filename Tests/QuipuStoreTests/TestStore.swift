import Foundation
import QuipuModel
import Sketches
import Testing

@testable import QuipuStore

/// A fresh directory with a database in it, gone afterwards.
func withStorePath<Result>(
    _ body: (String) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("quipu-store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.appendingPathComponent("quipu.db").path)
}

/// A fresh store on disk, closed afterwards.
func withStore<Result>(
    seriesMax: Int = Limits.seriesMax, queryMsMax: Int = 600_000,
    _ body: (SQLiteStore) async throws -> Result
) async throws -> Result {
    try await withStorePath { path in
        let store = try await SQLiteStore(
            path: path, hostName: "here", seriesMax: seriesMax, queryMsMax: queryMsMax)
        do {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }
}

func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: Int64((seconds * 1_000_000).rounded()))
}

let everything = TimeRange(
    since: Timestamp(microseconds: .min), until: Timestamp(microseconds: .max))

/// What a test says about an event.
struct EventLine: Equatable {
    var time: Double
    var timeIsArrival = false
    var kind = "tool_use"
    var name: String?
    var status = EventStatus.ok
    var half = CallHalf.whole
    var durationMs: Double?
    var session: String?
    var task: String?
    var agent: String?
    var error: String?
    var toolUseID: String?
    var identity: String?
    var project: String?
    var model: String?
    var branch: String?
    var agentID: String?
    var parent: String?
    var user: String?
    var path: String?
    var access = FileAccess.none
    var isFurther = false
    var attributes: String?
    var payload: String?
}

/// Builds what a decoder would have made of lines.
struct BatchBuilder {
    private(set) var decoded = DecodedBatch()
    private var lineCount: UInt64 = 0

    mutating func slice(_ text: String?) -> Slice {
        guard let text else { return .none }
        let slice = Slice(offset: decoded.bytes.count, count: text.utf8.count)
        decoded.bytes += text.utf8
        return slice
    }

    mutating func add(_ line: EventLine) {
        var event = EventRecord()
        event.lineOffset = lineCount
        event.time = at(line.time)
        event.timeIsArrival = line.timeIsArrival
        event.status = line.status
        event.half = line.half
        event.durationMicroseconds = line.durationMs.map { Int64(($0 * 1_000).rounded()) } ?? -1
        event.kind = slice(line.kind)
        event.name = slice(line.name)
        event.session = slice(line.session)
        event.task = slice(line.task)
        event.agent = slice(line.agent)
        event.error = slice(line.error)
        event.toolUseID = slice(line.toolUseID)
        event.identity = slice(line.identity)
        event.context.project = slice(line.project)
        event.context.model = slice(line.model)
        event.context.branch = slice(line.branch)
        event.context.agentID = slice(line.agentID)
        event.context.parent = slice(line.parent)
        event.context.user = slice(line.user)
        event.path = slice(line.path)
        event.access = line.access
        event.isFurther = line.isFurther
        event.attributes = slice(line.attributes)
        if let payload = line.payload {
            event.payload = Slice(offset: decoded.payloads.count, count: payload.utf8.count)
            decoded.payloads += payload.utf8
        }
        decoded.events.append(event)
        if !line.isFurther { receive() }
    }

    var decodedLines: UInt64 { lineCount }

    mutating func addChange(_ change: TaskChange) { decoded.taskChanges.append(change) }

    mutating func receive() {
        lineCount += 1
        decoded.tally.received += 1
    }

    /// Of the last event.
    mutating func nameParent(_ parent: String) {
        let slice = slice(parent)
        decoded.events[decoded.events.count - 1].context.parent = slice
    }

    mutating func append(_ usage: UsageRecord) { decoded.usages.append(usage) }

    mutating func addBlank() {
        receive()
        decoded.tally.blank += 1
    }

    mutating func reject(_ reason: RejectReason, _ head: String) {
        decoded.rejects.append(
            RejectedLine(lineOffset: lineCount, reason: reason, head: Array(head.utf8)))
        receive()
        decoded.tally.rejected[reason, default: 0] += 1
    }

    mutating func lose(_ cause: String, lines: UInt64) {
        decoded.tally.received += lines
        decoded.tally.lost[cause, default: 0] += lines
    }

    /// The index of a series, made when new.
    mutating func series(_ name: String, _ type: MetricType, _ tags: String? = nil) -> Int {
        decoded.series.append(SeriesKey(name: slice(name), type: type, tags: slice(tags)))
        return decoded.series.count - 1
    }

    /// A metric line of one sample.
    mutating func add(_ value: Double, at time: Double, of series: Int, sketch: DDSketch? = nil) {
        var rollup = Rollup(sketch: sketch)
        rollup.add(value, weight: 1, atMicroseconds: at(time).microseconds)
        add(
            RollupDelta(
                series: series, bucketStart: at(time).bucket(seconds: 10), rollup: rollup))
    }

    /// A metric line whose samples all lie in one bucket.
    mutating func add(_ delta: RollupDelta) {
        decoded.rollups.append(delta)
        receive()
        decoded.tally.stored += 1
    }
}

/// One source of a store, which remembers where it is.
struct TestSource {
    let id: Int64
    var position: UInt64

    init(_ store: SQLiteStore, key: String = "a", host: String = "here") async throws {
        let state = try await store.open(
            SourceIdentity(host: host, kind: .file, key: key, path: "/logs/\(key).jsonl"),
            size: 0, restart: nil, at: at(0))
        id = state.id
        position = state.position
    }

    /// The next batch of this source, `bytes` long.
    mutating func batch(_ builder: BatchBuilder, bytes: UInt64 = 100) -> PendingBatch {
        defer { position += bytes }
        return PendingBatch(
            sourceID: id, from: position, to: position + bytes, size: position + bytes, head: nil,
            finished: false, decoded: builder.decoded)
    }
}

extension SQLiteStore {
    func answer(_ text: String, limit: Int = 100) async throws -> SQLRows {
        try await sql(SQLQuery(text: text, rowsMax: limit))
    }

    /// What a question is refused for.
    func hint(_ text: String) async throws -> String {
        do {
            let rows = try await answer(text)
            Issue.record("\(text.prefix(200)) gave \(rows.rows.count) rows")
        } catch StoreError.invalid("query", let hint) {
            return hint
        }
        return ""
    }

    /// Commits one batch that must be stored.
    @discardableResult
    func commit(_ batch: PendingBatch) async throws -> CommitReceipt {
        let receipt = try await commit([batch], at: at(1_000))
        #expect(receipt.outcomes == [.stored])
        return receipt
    }

    /// Commits events of a source of their own.
    @discardableResult
    func commit(_ lines: [EventLine], from key: String = "a") async throws -> CommitReceipt {
        var source = try await TestSource(self, key: key)
        var builder = BatchBuilder()
        for line in lines { builder.add(line) }
        return try await commit(source.batch(builder))
    }

    func allEvents(_ filters: [Filter] = [], in range: TimeRange = everything) async throws
        -> [Event]
    {
        try await events(
            EventQuery(
                range: range, filters: filters, newestFirst: false,
                page: PageRequest(limit: Limits.rowsPerReplyMax))
        ).rows
    }
}
