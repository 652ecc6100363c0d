import GRDB
import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

/// The store's rules over plain arrays, as simply as they can be said.
struct StoreModel {
    struct Record: Equatable {
        var line: EventLine
        var offset: Int64
        var source: String
        var hasOpening: Bool
        var hasClosing: Bool
        var durationMs: Double?
        var durationIsSpan = false
        var isAlone: Bool
    }

    /// Of the times that lines told, if any did.
    struct Span: Equatable {
        var started: Double
        var lastActivity: Double
        var isTimed: Bool
    }

    var records: [Record] = []
    var tallies: [String: Tally] = [:]
    var positions: [String: UInt64] = [:]
    var spans: [String: Span] = [:]
    /// Sessions of which one is known as a copy of the other; forgotten with the writer.
    var relatives: [String: [String]] = [:]

    mutating func store(_ line: EventLine, offset: Int64, source: String) {
        tallies[source, default: Tally()].received += 1
        if let index = match(line) {
            tallies[source]?.merged += 1
            join(line, into: index)
            return
        }
        tallies[source]?.stored += 1
        touch(line, in: line.session)
        records.append(
            Record(
                line: line, offset: offset, source: source, hasOpening: line.half == .opening,
                hasClosing: line.half == .closing, durationMs: line.durationMs,
                isAlone: line.half != .whole && line.toolUseID == nil
                    && !(line.half == .opening && line.status == .blocked)))
    }

    private mutating func touch(_ line: EventLine, in session: String?) {
        guard let session else { return }
        let own = Span(
            started: line.time, lastActivity: line.time, isTimed: !line.timeIsArrival)
        guard let old = spans[session], old.isTimed || !own.isTimed else {
            spans[session] = own
            return
        }
        guard old.isTimed == own.isTimed else { return }
        spans[session] = Span(
            started: min(old.started, line.time), lastActivity: max(old.lastActivity, line.time),
            isTimed: old.isTimed)
    }

    private func match(_ line: EventLine) -> Int? {
        guard line.half != .whole else {
            return line.identity.flatMap { identity in
                records.firstIndex { $0.line.identity == identity }
            }
        }
        if let id = line.toolUseID {
            let calls = records.indices.filter {
                records[$0].line.half != .whole && records[$0].line.toolUseID == id
            }
            if let own = calls.first(where: { records[$0].line.session == line.session }) {
                return own
            }
            // Else a copy, which only what has an identity may be.
            return line.identity == nil ? nil : copied(line, calls)
        }
        if line.half == .opening, line.status == .blocked { return nil }
        let fitting = records.indices.filter { index in
            let other = records[index]
            guard other.isAlone, other.line.half != line.half,
                other.line.session == line.session, other.line.name == line.name
            else { return false }
            if line.timeIsArrival || other.line.timeIsArrival { return true }
            return line.half == .opening
                ? other.line.time >= line.time : other.line.time <= line.time
        }
        return fitting.min { (records[$0].line.time, $0) < (records[$1].line.time, $1) }
    }

    /// By identity, in a session known as a copy, or around its time.
    private func copied(_ line: EventLine, _ calls: [Int]) -> Int? {
        if let same = calls.first(where: { records[$0].line.identity == line.identity }) {
            return same
        }
        for relative in line.session.flatMap({ relatives[$0] }) ?? [] {
            if let call = calls.first(where: { records[$0].line.session == relative }) {
                return call
            }
        }
        return line.timeIsArrival
            ? nil
            : calls.filter { abs(records[$0].line.time - line.time) <= 2 }
                .min { (records[$0].line.time, $0) < (records[$1].line.time, $1) }
    }

    private mutating func relate(_ session: String?, _ other: String?) {
        guard let session, let other, session != other else { return }
        for (one, two) in [(session, other), (other, session)]
        where relatives[one]?.contains(two) != true {
            relatives[one, default: []].append(two)
        }
    }

    private mutating func join(_ line: EventLine, into index: Int) {
        relate(line.session, records[index].line.session)
        guard line.half != .whole else { return }
        var record = records[index]
        if line.half == .opening ? record.hasOpening : record.hasClosing {
            // A copy in another session knows nothing of its own but that there are copies.
            guard record.line.session == line.session || record.line.identity == nil else {
                return
            }
            fill(&record, from: line)
        } else {
            record = joined(record, line)
        }
        guard record != records[index] else { return }
        records[index] = record
        touch(line, in: record.line.session)
    }

    /// The first line's word stands, but what is told is worth more than what is not.
    private func fill(_ record: inout Record, from line: EventLine) {
        if let told = line.durationMs, record.durationMs == nil || record.durationIsSpan {
            record.durationMs = told
            if !record.hasOpening { record.line.durationMs = told }
            record.durationIsSpan = false
        }
        takeTime(&record.line, of: line)
        record.line.identity = record.line.identity ?? line.identity
        if record.line.status == .error, line.status == .blocked { record.line.status = .blocked }
    }

    private func joined(_ stored: Record, _ line: EventLine) -> Record {
        var record = stored
        let isOpening = line.half == .opening
        let (opening, closing) = isOpening ? (line, stored.line) : (stored.line, line)
        record.line = opening
        record.line.session = stored.line.session
        record.line.identity = opening.identity ?? closing.identity
        record.line.status =
            opening.status == .blocked && closing.status == .error ? .blocked : closing.status
        record.line.error = closing.error
        record.durationMs = closing.durationMs
        if record.durationMs == nil, !opening.timeIsArrival, !closing.timeIsArrival,
            closing.time >= opening.time
        {
            record.durationMs = (closing.time - opening.time) * 1_000
            record.durationIsSpan = true
        }
        takeTime(&record.line, of: closing)
        record.hasOpening = true
        record.hasClosing = true
        record.isAlone = false
        return record
    }

    /// When a line came says less than a time that a line tells.
    private func takeTime(_ record: inout EventLine, of line: EventLine) {
        guard record.timeIsArrival, !line.timeIsArrival else { return }
        record.time = line.time
        record.timeIsArrival = false
    }
}

@Suite struct RandomOperationsTests {
    private static let sources = ["pre", "post", "app"]

    private func randomLine(_ random: inout SeededGenerator) -> EventLine {
        var line = EventLine(time: Double(Int.random(in: 0..<40, using: &random)))
        line.session = random.pick(["s1", "s2", nil])
        line.name = random.pick(["Bash", "Read", "Write"])
        line.half = random.pick([.whole, .opening, .closing])
        line.status =
            line.half == .opening
            ? random.pick([.running, .running, .blocked]) : random.pick([.ok, .ok, .error, .none])
        line.timeIsArrival = random.chance(10)
        if random.chance(50) { line.toolUseID = "t\(Int.random(in: 0..<30, using: &random))" }
        // Of transcripts: a call's is its id.
        if line.half != .whole, random.chance(50) { line.identity = line.toolUseID }
        if line.half == .whole, random.chance(30) {
            line.identity = "u\(Int.random(in: 0..<30, using: &random))"
        }
        if line.status == .error { line.error = "it's \"broken\"; DROP TABLE events" }
        if line.half == .closing, random.chance(30) { line.durationMs = 3 }
        return line
    }

    /// Batches of random lines over three sources; some from the wrong position, some whole commits
    /// failing, some after the store was closed and opened again.
    @Test(arguments: 0..<6) func theStoreFollowsTheModel(round: Int) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        try await withStorePath { path in
            var store = try await SQLiteStore(path: path, hostName: "here")
            var ids: [String: Int64] = [:]
            for name in Self.sources { ids[name] = try await TestSource(store, key: name).id }
            let saboteur = try DatabaseQueue(path: path)
            var model = StoreModel()
            for _ in 0..<40 {
                if random.chance(10) {
                    await store.close()
                    store = try await SQLiteStore(path: path, hostName: "here")
                    model.relatives = [:]
                }
                var next = model
                let (batches, outcomes) = randomCommit(&next, ids, &random)
                if outcomes.contains(.stored), random.chance(15) {
                    try sabotage(saboteur)
                    await #expect(throws: StoreError.self) {
                        try await store.commit(batches, at: at(1_000))
                    }
                    try await saboteur.write { try $0.execute(sql: "DROP TRIGGER sabotage") }
                    model.relatives = [:]
                } else {
                    let receipt = try await store.commit(batches, at: at(1_000))
                    #expect(receipt.outcomes == outcomes)
                    model = next
                }
            }
            try await compare(store, model)
            await store.close()
        }
    }

    /// Fails a commit at its very end.
    private func sabotage(_ database: DatabaseQueue) throws {
        try database.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER sabotage BEFORE UPDATE ON counters WHEN NEW.name = 'last_commit'
                    BEGIN SELECT RAISE(ABORT, 'sabotage'); END
                    """)
        }
    }

    private func randomCommit(
        _ model: inout StoreModel, _ ids: [String: Int64], _ random: inout SeededGenerator
    ) -> ([PendingBatch], [BatchOutcome]) {
        var batches: [PendingBatch] = []
        var outcomes: [BatchOutcome] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let name = random.pick(Self.sources)
            let position = model.positions[name] ?? 0
            let isWrong = random.chance(15)
            let from = isWrong ? position + 1 : position
            var builder = BatchBuilder()
            for index in 0..<Int.random(in: 0...8, using: &random) {
                let line = randomLine(&random)
                builder.add(line)
                if !isWrong { model.store(line, offset: Int64(index), source: name) }
            }
            batches.append(
                PendingBatch(
                    sourceID: ids[name] ?? -1, from: from, to: from + 10, size: from + 10,
                    head: nil, finished: false, decoded: builder.decoded))
            outcomes.append(isWrong ? .refused(position: position) : .stored)
            if !isWrong { model.positions[name] = from + 10 }
        }
        return (batches, outcomes)
    }

    private func compare(_ store: SQLiteStore, _ model: StoreModel) async throws {
        let events = try await store.events(
            seqs: Array(0...Int64(model.records.count + 5)), filters: [])
        try #require(events.count == model.records.count)
        for (event, record) in zip(events, model.records) {
            #expect(event.time == at(record.line.time))
            #expect(event.timeIsArrival == record.line.timeIsArrival)
            #expect(event.name == record.line.name)
            #expect(event.status == record.line.status)
            #expect(event.durationMs == record.durationMs)
            #expect(event.session == record.line.session)
            #expect(event.error == record.line.error)
            #expect(event.sourcePath == "/logs/\(record.source).jsonl")
            #expect(event.sourceOffset == record.offset)
        }
        let ledger = try await store.ledger(PageRequest())
        #expect(ledger.balanced)
        for account in ledger.sources.rows {
            #expect(account.tally == model.tallies[account.identity.key] ?? Tally())
            #expect(account.position == model.positions[account.identity.key] ?? 0)
        }
        try await compareSessions(store, model)
        #expect(try await store.status().eventCount == Int64(model.records.count))
    }

    private func compareSessions(_ store: SQLiteStore, _ model: StoreModel) async throws {
        for (name, span) in model.spans {
            let session = try #require(try await store.session(name)).summary
            let records = model.records.filter { $0.line.session == name }
            #expect(session.started == at(span.started))
            #expect(session.lastActivity == at(span.lastActivity))
            #expect(session.eventCount == records.count)
            #expect(session.toolCount == records.count)
            #expect(session.errors == records.count { $0.line.status == .error })
            #expect(session.blocked == records.count { $0.line.status == .blocked })
            for tool in session.tools {
                #expect(tool.count == records.count { $0.line.name == tool.name })
            }
            #expect(session.tools.map(\.count).reduce(0, +) == records.count)
        }
    }
}
