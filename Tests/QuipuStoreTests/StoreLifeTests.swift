import Dispatch
import Foundation
import GRDB
import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct StoreLifeTests {
    /// Would hang, not fail, if commits waited for readers.
    @Test(.timeLimit(.minutes(15))) func aLongQuestionDelaysNoCommit() async throws {
        try await withStore { store in
            try await store.commit([EventLine(time: 1)])
            let (began, beginning) = AsyncStream.makeStream(of: Void.self)
            let gate = DispatchSemaphore(value: 0)
            async let seen = store.read { context in
                let count = try context.prepare("SELECT count(*) FROM events")
                _ = try count.step()
                beginning.finish()
                gate.wait()
                let after = try context.prepare("SELECT count(*) FROM events")
                _ = try after.step()
                return [count.int(0), after.int(0)]
            }
            for await _ in began {}
            try await store.commit([EventLine(time: 2)], from: "b")
            #expect(try await store.allEvents().count == 2)
            gate.signal()
            #expect(try await seen == [1, 1])
        }
    }

    /// What a commit asked for may run only when the store has closed, and its file is set aside.
    @Test func noCheckpointOpensTheFileAgain() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit([EventLine(time: 1)])
            func open() throws -> [String] {
                let directory = "/proc/self/fd"
                return try FileManager.default.contentsOfDirectory(atPath: directory)
                    .compactMap {
                        try? FileManager.default.destinationOfSymbolicLink(
                            atPath: directory + "/" + $0)
                    }
                    .filter { $0.hasPrefix(path) }
            }
            let checkpointer = Checkpointer(path: path)
            #expect(await checkpointer.run())
            await checkpointer.close()
            await store.close()
            #expect(await !checkpointer.run())
            #expect(try open() == [])
        }
    }

    @Test func aQuestionEndsAtItsDeadline() async throws {
        try await withStore(queryMsMax: 0) { store in
            try await store.commit((0..<5_000).map { EventLine(time: Double($0), name: "x") })
            await #expect(throws: StoreError.timeout) {
                // A filter that only rows can answer.
                let noAgent = Filter(path: "agent", test: .oneOf([.null]))
                return try await store.tools(ToolQuery(range: everything, filters: [noAgent]))
            }
            // The reader is as good as new.
            #expect(try await store.status().eventCount == 5_000)
        }
    }

    /// One that waits for ever otherwise; and ends its reader's transaction, so that the next is
    /// answered.
    @Test(.timeLimit(.minutes(15)), arguments: [true, false])
    func aQuestionEndsWhenItsAskerHasGone(hasBegun: Bool) async throws {
        try await withStore(queryMsMax: 3_600_000) { store in
            try await store.commit([EventLine(time: 1)])
            let (began, beginning) = AsyncStream.makeStream(of: Void.self)
            let question = Task {
                while !hasBegun, !Task.isCancelled { await Task.yield() }
                return try await store.read { context in
                    beginning.finish()
                    let endless = try context.prepare(
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                            + "SELECT sum(i > 0) FROM n")
                    return try endless.step()
                }
            }
            if hasBegun { for await _ in began {} }
            question.cancel()
            await #expect(throws: StoreError.self) { try await question.value }
            #expect(try await store.status().eventCount == 1)
        }
    }

    /// The others wait for their turn, so it would hang them too.
    @Test(.timeLimit(.minutes(15))) func aSelectEndsWhenItsAskerHasGone() async throws {
        try await withStore(queryMsMax: 3_600_000) { store in
            let endless = SQLQuery(
                text: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                    + "SELECT sum(i > 0) FROM n", rowsMax: 1)
            let question = Task { try await store.sql(endless) }
            await Task.yield()
            question.cancel()
            await #expect(throws: StoreError.self) { try await question.value }
            let one = try await store.sql(SQLQuery(text: "SELECT 1", rowsMax: 1))
            #expect(one.rows == [[.int(1)]])
        }
    }

    @Test func refusesAFileOfANewerProgram() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            await store.close()
            let newer = try DatabaseQueue(path: path)
            try await newer.write { try $0.execute(sql: "UPDATE schema_version SET version = 99") }
            try newer.close()
            await #expect(throws: StoreError.newerSchema(found: 99, known: Schema.version)) {
                try await SQLiteStore(path: path, hostName: "here")
            }
        }
    }

    @Test func refusesAFileThatIsNoDatabase() async throws {
        try await withStorePath { path in
            let text = Data("this is not a database, however long it may be".utf8)
            try text.write(to: URL(fileURLWithPath: path))
            await #expect {
                try await SQLiteStore(path: path, hostName: "here")
            } throws: { error in
                if case StoreError.failed(code: 26, _) = error { true } else { false }
            }
        }
    }

    @Test func afterClosingEverythingIsRefused() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            await store.close()
            await store.close()
            await #expect(throws: StoreError.closed) { try await store.probe() }
            await #expect(throws: StoreError.closed) { try await store.status() }
            await #expect(throws: StoreError.closed) { try await store.commit([], at: at(1)) }
        }
    }

    @Test func inMemoryTheSameQuestionsAreAnswered() async throws {
        let store = try await SQLiteStore(path: nil, hostName: "here")
        try await store.commit([EventLine(time: 1, name: "Bash", session: "s")])
        #expect(try await store.allEvents().count == 1)
        #expect(try await store.session("s")?.summary.eventCount == 1)
        let status = try await store.status()
        #expect(status.path == nil)
        #expect(status.walBytes == 0)
        #expect(status.sizeBytes > 0)
        try await store.probe()
        await store.close()
    }

    @Test func tellsItsStatus() async throws {
        try await withStore { store in
            #expect(try await store.status().lastCommit == nil)
            try await store.commit([EventLine(time: 1)])
            try await store.probe()
            let status = try await store.status()
            #expect(status.lastCommit == at(1_000))
            #expect(status.eventCount == 1)
            #expect(status.schemaVersion == Schema.version)
            #expect(status.sizeBytes > 0)
            #expect(status.walBytes > 0)
        }
    }

    @Test func acknowledgesOnlyWhatIsOnTheDisk() async throws {
        try await withStorePath { path in
            let database = try Connections.open(path: path, logBytes: Limits.logBytes)
            let settings = try await database.write { db in
                try ["synchronous", "journal_mode", "auto_vacuum", "wal_autocheckpoint"].map {
                    try String.fetchOne(db, sql: "PRAGMA \($0)")
                }
            }
            #expect(settings == ["2", "wal", "2", "0"])
            try database.close()
        }
    }

    @Test func theLogStaysSmall() async throws {
        try await withStore { store in
            let text = String(repeating: "abcdefgh", count: 50)
            for round in 0..<160 {
                try await store.commit(
                    (0..<500).map {
                        EventLine(time: Double($0), attributes: #"{"n":\#($0),"t":"\#(text)"}"#)
                    }, from: "\(round)")
            }
            // Without checkpoints the log would hold more than 66 MB; it begins anew at 32 MiB,
            // or a few commits later where one is being moved just then.
            #expect(try await store.status().walBytes < 40 << 20)
        }
    }
}
