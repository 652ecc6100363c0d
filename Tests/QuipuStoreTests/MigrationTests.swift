import Foundation
import GRDB
import QuipuModel
import Testing

@testable import QuipuStore

/// Files that earlier versions of the daemon made, as dumps: 20 tool calls of two lines each with
/// payloads, one line that was rejected, and 42 samples of each of four metrics, of which those of
/// `hits` and `temp` reach back 200 days.
@Suite struct MigrationTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Store")

    private func load(_ version: Int, into path: String) throws {
        let dump = try String(
            contentsOf: Self.folder.appending(path: "schema-\(version).sql"), encoding: .utf8)
        var configuration = Configuration()
        // A dump's tables are in the order of their names.
        configuration.foreignKeysEnabled = false
        let file = try DatabaseQueue(path: path, configuration: configuration)
        try file.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try db.execute(sql: dump)
        }
        try file.close()
    }

    @Test(arguments: [1, 3]) func everythingIsStillThere(version: Int) async throws {
        try await withStorePath { path in
            try load(version, into: path)
            // Twice: nothing is done again.
            for _ in 0..<2 {
                let store = try await SQLiteStore(path: path, hostName: "vm")
                #expect(try await store.status().schemaVersion == Schema.version)
                try await check(store)
                await store.close()
            }
        }
    }

    private func check(_ store: SQLiteStore) async throws {
        let events = try await store.allEvents()
        #expect(events.map(\.seq) == Array(1...20))
        #expect(events.allSatisfy { $0.attributesJSON.contains("xxx") })
        #expect(events.allSatisfy { $0.attributesJSON.contains("yyy") })
        let tools = try await store.tools(ToolQuery(range: everything)).rows
        #expect(tools.map(\.counts.ok) == [15])
        #expect(tools.map(\.counts.errors) == [5])
        #expect(tools.first?.duration?.max == 24)
        #expect(tools.first?.errorsByCategory.values.reduce(0, +) == 5)
        // Rows of before are found by their session, too.
        for session in Set(events.compactMap(\.session)) {
            let filter = Filter(path: "session", test: .oneOf([.string(session)]))
            let own = events.filter { $0.session == session }
            #expect(try await store.allEvents([filter]) == own)
            #expect(try await store.session(session)?.summary.eventCount == own.count)
        }
        #expect(try await store.ledger(PageRequest()).balanced)
        for (metric, sum) in [("hits", 147.0), ("temp", 735), ("req.ms", 787.5)] {
            let series = try await store.metric(
                MetricQuery(
                    metric: metric,
                    range: TimeRange(since: at(1_700_000_000), until: at(1_800_000_000)),
                    stepSeconds: 864_000,
                    aggregates: [
                        .init(word: "count", aggregate: .count),
                        .init(word: "sum", aggregate: .sum),
                    ])
            ).series.first
            let totals = series?.points.map { $0.values.reduce(0) { $0 + $1.value } }
            #expect(totals == [42, sum], "\(metric)")
        }
    }

    /// The log and the segment of the dumps, on a disk that has another number since.
    @Test(arguments: [1, 3]) func sourcesAreFoundAgain(version: Int) async throws {
        try await withStorePath { path in
            try load(version, into: path)
            let keys = try await keys(path)
            #expect(keys.count == 2)
            let store = try await SQLiteStore(path: path, hostName: "vm")
            for (kind, key) in keys {
                let source = SourceIdentity(
                    host: "vm", kind: kind, key: SourceKey.lasting(key), path: "/")
                #expect(source.key != key)
                let state = try await store.open(source, size: 99_999, restart: nil, at: at(0))
                #expect(state.position == (kind == .file ? 52_999 : 5_376))
            }
            #expect(try await store.ledger(PageRequest()).sources.rows.count == 2)
            await store.close()
        }
    }

    private func keys(_ path: String) async throws -> [(SourceKind, String)] {
        let file = try DatabaseQueue(path: path)
        return try await file.read { db in
            try Row.fetchAll(db, sql: "SELECT kind, key FROM sources").map {
                (SourceKind(rawValue: $0["kind"]) ?? .file, $0["key"])
            }
        }
    }

    /// A log that starts of the machine with other numbers stored once more each.
    @Test func oneLogUnderSeveralKeys() async throws {
        try await withStorePath { path in
            try load(3, into: path)
            let file = try DatabaseQueue(path: path)
            try await file.write { db in
                // Of the newest content 900 bytes are stored; one read it to 400 since.
                for (id, key, incarnation, position, head) in [
                    (11, "file:1-a-b-c", 1, 5_000, 1), (12, "file:1-a-b-c", 2, 900, 2),
                    (13, "file:2-a-b-c", 1, 400, 2), (14, "file:3-a-b-c", 1, 7_000, 3),
                    (15, "file:9-a-b-0", 1, 70, 3),
                ] {
                    let host = id == 14 ? "other" : "vm"
                    try db.execute(
                        sql: """
                            INSERT INTO sources VALUES (?, ?, 'file', ?, '/a', ?, 0, ?, 9000, 1024,
                                ?, 0, 0, 0, 0, 0, 0, ?)
                            """,
                        arguments: [id, host, key, incarnation, position, head, id])
                }
            }
            try file.close()
            let store = try await SQLiteStore(path: path, hostName: "vm")
            for (host, key, id) in [
                ("vm", "file:a-b-c", 12), ("other", "file:a-b-c", 14), ("vm", "file:9-a-b-0", 15),
                ("vm", "file:2-a-b-c", 13),
            ] {
                let source = SourceIdentity(host: host, kind: .file, key: key, path: "/a")
                let state = try await store.open(source, size: 9_000, restart: nil, at: at(0))
                #expect(state.id == Int64(id), "\(host) \(key)")
            }
            #expect(try await store.ledger(PageRequest()).balanced)
            await store.close()
        }
    }

    @Test func theFurthestOfTheNewestContent() {
        func account(_ id: Int64, _ position: UInt64, _ touched: Int64, _ head: UInt64?)
            -> SourceKeyMigration.Account
        {
            SourceKeyMigration.Account(
                id: id, key: "\(id)", position: position, touched: touched,
                head: head.map { SourceHead(bytes: 9, hash: $0) })
        }
        for (accounts, id) in [
            ([account(1, 10, 1, 7), account(2, 20, 2, 7)], 2),
            ([account(1, 20, 1, 7), account(2, 10, 2, 7)], 1),
            ([account(1, 20, 1, 8), account(2, 10, 2, 7)], 2),
            ([account(1, 10, 1, nil), account(2, 10, 1, nil)], 2),
        ] {
            #expect(SourceKeyMigration.furthest(accounts)?.id == Int64(id))
            #expect(SourceKeyMigration.furthest(accounts.reversed())?.id == Int64(id))
        }
        #expect(SourceKeyMigration.furthest([]) == nil)
    }

    /// What retention has removed leaves no id behind that is given again.
    @Test func idsAreGivenOnce() async throws {
        try await withStorePath { path in
            let day = 86_400.0
            var store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit([
                EventLine(time: 0, name: "old", payload: #"{"output":"first"}"#)
            ])
            // Payloads go before events.
            let first = try await store.retain(RetentionPolicy(), at: at(31 * day))
            #expect(first.payloadBlocks == 1)
            await store.close()
            store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit(
                [EventLine(time: 31 * day, name: "new", payload: #"{"output":"second"}"#)],
                from: "b")
            let events = try await store.allEvents()
            #expect(events.map { $0.attributesJSON.contains("second") } == [false, true])
            let second = try await store.retain(RetentionPolicy(), at: at(365 * day))
            #expect(second.events == 2)
            await store.close()
            store = try await SQLiteStore(path: path, hostName: "here")
            let receipt = try await store.commit([EventLine(time: 365 * day)], from: "c")
            #expect(receipt.created == 3...3)
            await store.close()
        }
    }
}
