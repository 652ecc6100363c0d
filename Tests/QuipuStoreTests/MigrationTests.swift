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
            ).first
            let totals = series?.points.map { $0.values.reduce(0) { $0 + $1.value } }
            #expect(totals == [42, sum], "\(metric)")
        }
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
