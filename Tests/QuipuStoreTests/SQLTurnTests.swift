import Foundation
import QuipuModel
import Synchronization
import TestSupport
import Testing

@testable import QuipuStore

/// Questions of `sql` wait for each other and keep nobody else waiting.
@Suite struct SQLTurnTests {
    private static let endless = SQLQuery(
        text: """
            WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
            SELECT count(x) FROM c
            """, rowsMax: 1)
    /// Reached only where a question keeps the rest of the test from running.
    private static let endlessMs = Int(300_000 * Patience.factor)
    private static let questions = 2 * ProcessInfo.processInfo.activeProcessorCount

    // Only asked whether what it refers to is still there.
    private final class Watched: @unchecked Sendable {
        private weak let sandbox: SQLSandbox?
        init(_ sandbox: SQLSandbox) { self.sandbox = sandbox }
        var isOpen: Bool { sandbox != nil }
    }

    /// What happened, in order.
    private final class Record: Sendable {
        private let events = Mutex<[String]>([])
        private let connections = Mutex<[Watched]>([])
        private let opened = AsyncStream<Void>.makeStream()

        var all: [String] { events.withLock { $0 } }
        func add(_ event: String) { events.withLock { $0.append(event) } }

        func open(_ path: String) throws -> SQLSandbox {
            let sandbox = try SQLSandbox(path: path)
            let watched = Watched(sandbox)
            connections.withLock {
                if $0.contains(where: \.isOpen) { add("opened beside another") }
                $0.append(watched)
            }
            opened.continuation.yield()
            return sandbox
        }

        func untilOneIsOpen() async {
            for await _ in opened.stream { return }
        }
    }

    @Test func othersAreAnsweredBeforeTheEndless() async throws {
        try await withStore { store in
            let path = try #require(store.path)
            let record = Record()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.questions {
                    group.addTask {
                        _ = try? await store.sqlRunner.run(
                            Self.endless, milliseconds: Self.endlessMs
                        ) { try record.open(path) }
                        record.add("ended")
                    }
                }
                await record.untilOneIsOpen()
                try await store.commit([EventLine(time: 1)])
                #expect(try await store.status().eventCount == 1)
                record.add("answered")
                group.cancelAll()
            }
            #expect(record.all == ["answered"] + Array(repeating: "ended", count: Self.questions))
        }
    }

    @Test func noTwoRunAtOnce() async throws {
        try await withStore { store in
            let path = try #require(store.path)
            let record = Record()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.questions {
                    group.addTask {
                        await #expect(throws: StoreError.timeout) {
                            try await store.sqlRunner.run(Self.endless, milliseconds: 50) {
                                try record.open(path)
                            }
                        }
                    }
                }
            }
            #expect(record.all == [])
        }
    }

    /// In memory there is one connection for all.
    @Test func inMemoryTheEndlessRunOnACopy() async throws {
        let store = try await SQLiteStore(
            path: nil, hostName: "here", seriesMax: 10, queryMsMax: Self.endlessMs)
        let record = Record()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await store.sql(Self.endless)
                record.add("ended")
            }
            // Each waits for its turn at the connection: the endless one gets its own between them.
            for time in 1...20 {
                try await store.commit([EventLine(time: Double(time))], from: "\(time)")
            }
            record.add("answered")
            group.cancelAll()
        }
        #expect(record.all == ["answered", "ended"])
        await store.close()
    }
}
