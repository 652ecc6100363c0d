import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Clients that nobody here wrote send as their documentation says; what each was told is what is
/// stored.
@Suite struct RealClientTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    private static let python = root + "/.build/python/bin/python3"

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: python),
            "needs the Python packages that `make deps` installs"))
    func whatTheyWereToldIsStored() throws {
        let rig = try Rig()
        let port = try FreePort.udp()
        try rig.startDaemon()
        try rig.startAgent(["--udp", "127.0.0.1:\(port)"])
        let sent = try Program.run(
            Self.python, [Self.root + "/Tests/Tools/clients.py", rig.runtime, String(port)])
        #expect(sent.status == 0, "\(sent.errors)")
        let line = try #require(sent.output.split(separator: "\n").last)
        let expected = try #require(try JSON.parse(Array(line.utf8)).members)
        #expect(expected.count > 40)

        var stored: [String: JSON] = [:]
        try rig.waitUntil("all series are there, and still") {
            let before = stored
            stored = (try? Self.stored(rig)) ?? [:]
            return stored.count >= expected.count && stored == before
        }
        #expect(Set(stored.keys) == Set(expected.map(\.name)))
        for series in expected {
            let found = try #require(stored[series.name], "\(series.name)")
            for figure in series.value.members ?? [] {
                let (was, wanted) = (found[figure.name]?.double, figure.value.double)
                // A timing is sent with six decimals, and sums of binary fractions are rounded.
                let error = abs((was ?? .nan) - (wanted ?? 0))
                #expect(
                    error <= 1e-6 + 1e-9 * abs(wanted ?? 0),
                    "\(series.name) \(figure.name): \(found.text)")
            }
        }
        try checkEvents(rig)
        // What clients tell of themselves is apart.
        let senders = try rig.ask("stats")["senders"]
        #expect((senders?["packets_sent"]?.double ?? 0) >= 1)
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["rejected"]?.members?.isEmpty == true, "\(ledger.text)")
    }

    private func checkEvents(_ rig: Rig) throws {
        let events = try rig.allEvents()
        let checks = events.filter { $0["kind"] == "service_check" }
        #expect(checks.count == 5)
        #expect(checks.allSatisfy { $0["status"] == "error" })
        let logs = events.filter { $0["kind"] == "log" }
        #expect(logs.count == 5)
        #expect(logs.allSatisfy { $0["name"] == "Deployed: ünï|code" })
    }

    /// "name|type|tags" to its figures. Gauges are added up too, to see each sample.
    private static func stored(_ rig: Rig) throws -> [String: JSON] {
        let query = """
            SELECT name || '|' || type || '|' || tags, sum(sum), min(min), max(max),
                (SELECT value FROM series WHERE id = m.series), m.type
            FROM metrics_10s AS m GROUP BY m.series
            """
        let rows = try rig.ask("sql", ["query": .string(query)])["rows"]?.array ?? []
        var stored: [String: JSON] = [:]
        for row in rows.compactMap(\.array) {
            guard let key = row[0].string else { continue }
            if row[5] == "set" {
                let name = key.split(separator: "|")[0]
                let answer = try rig.ask(
                    "metrics.query",
                    ["metric": .string(String(name)), "aggregate": "count", "step": "52w"])
                let points = answer["series"]?.array?.first?["points"]?["count"]?.array
                stored[key] = ["distinct": points?.last?.array?.last ?? .null]
            } else {
                stored[key] = ["sum": row[1], "min": row[2], "max": row[3], "last": row[4]]
            }
        }
        return stored
    }
}
