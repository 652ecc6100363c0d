import Foundation
import Intake
import QuipuModel
import QuipuProtocol
import QuipuStore
import ScheduleWorld
import Synchronization

/// The product's decoder and store, in memory, for schedules. A crash takes the transaction that
/// runs; SQLite's own atomicity is for others to prove.
final class SQLiteScheduleStore: ScheduleStore {
    private let store: SQLiteStore
    private let decoder = Decoder()
    private var paths: [Int64: SourceContext] = [:]
    private let now = Timestamp.seconds(1_800_000_000)

    init() throws {
        store = try Self.wait { () throws(StoreError) in
            try await SQLiteStore(path: nil, hostName: "daemon")
        }
    }

    func close() {
        let store = store
        _ = try? Self.wait { () throws(StoreError) in await store.close() }
    }

    func open(_ open: IngestOpen, sender: Int) -> StoreSource {
        let (store, now) = (store, now)
        let restart = open.restart.map {
            SourceRestart(
                cause: $0.cause.rawValue, lostBytes: $0.lostBytes, incarnation: $0.incarnation,
                position: $0.position)
        }
        var opening = SourceOpening(
            open.source, size: open.sizeBytes, restart: restart, at: now)
        opening.sender = sender
        let state = try? Self.wait { [opening] () throws(StoreError) in
            try await store.open([opening])
        }
        guard let state = state?.first else {
            return StoreSource(id: 0, incarnation: 1, position: 0, head: nil)
        }
        paths[state.id] = SourceContext(kind: open.source.kind, path: open.source.path)
        return StoreSource(
            id: state.id, incarnation: Int64(state.incarnation), position: state.position,
            head: state.head)
    }

    func commit(_ batches: [Pending], crash: CommitCrash?) -> [StoreOutcome] {
        if crash == .before { return [] }
        let (store, now) = (store, now)
        let pending = batches.map(pending)
        let receipt = try? Self.wait { () throws(StoreError) in
            try await store.commit(pending, at: now)
        }
        return (receipt?.outcomes ?? []).map { outcome in
            switch outcome {
            case .stored: .stored
            case .refused(let position): .refused(position: position)
            case .unknownSource: .unknown
            }
        }
    }

    private func pending(_ batch: Pending) -> PendingBatch {
        var decoded = DecodedBatch()
        if batch.isLoss || batch.isSkip {
            decoded.tally.received = 1
            if batch.isLoss {
                decoded.tally.lost["deleted"] = 1
            } else {
                decoded.tally.rejected[.lineTooLong] = 1
            }
        } else {
            let context = paths[batch.sourceID] ?? SourceContext(kind: batch.kind, path: "")
            decoded = batch.body.withUnsafeBytes {
                decoder.decode(
                    $0, at: batch.from, context: context, arrival: now, finished: batch.finished)
            }
        }
        var pending = PendingBatch(
            sourceID: batch.sourceID, from: batch.from, to: batch.to, size: batch.to,
            head: batch.head, finished: batch.finished, decoded: decoded)
        pending.sender = batch.sender
        return pending
    }

    var contents: StoreContents {
        let store = store
        var contents = StoreContents()
        contents.tellsLosses = false
        let query = SQLQuery(
            text: "SELECT attributes ->> '$.n' FROM events", rowsMax: Limits.rowsPerReplyMax)
        let rows = try? Self.wait { () throws(StoreError) in try await store.sql(query) }
        guard let rows else {
            contents.violations.append("the store does not answer")
            return contents
        }
        for row in rows.rows {
            if case .int(let number)? = row.first { contents.rows.append((Int(number), nil)) }
        }
        let ledger = try? Self.wait { () throws(StoreError) in
            try await store.ledger(PageRequest())
        }
        if ledger?.balanced != true { contents.violations.append("the ledger does not balance") }
        return contents
    }

    private static func wait<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let done = DispatchSemaphore(value: 0)
        let box = Box<Value>()
        Task {
            let answer: Result<Value, StoreError>
            do throws(StoreError) { answer = .success(try await body()) } catch {
                answer = .failure(error)
            }
            box.result.withLock { $0 = answer }
            done.signal()
        }
        done.wait()
        guard let answer = box.result.withLock({ $0 }) else { throw .closed }
        return try answer.get()
    }

    private final class Box<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, StoreError>?>(nil)
    }
}
