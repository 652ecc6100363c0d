import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// The examples of `protocol/`, asked of the real daemon. What it answers goes into the traffic
/// log, whose check fails when a method or an error is never seen.
@Suite(.serialized) struct ContractTests {
    private static let protocolFolder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("protocol").path
    private static var examples: String { protocolFolder + "/examples" }

    private static func files(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: examples + "/" + folder)
            .filter { $0.hasSuffix(".json") }.sorted().map { examples + "/" + folder + "/" + $0 }
    }

    private static func json(_ path: String) throws -> JSON {
        try JSON.parse(FileManager.default.contents(atPath: path) ?? Data(), nestingMax: 200)
    }

    /// The line itself, or a text and how often it stands there.
    private static func line(of example: JSON) -> String? {
        guard let text = example["line"]?["repeat"]?.string,
            let times = example["line"]?["times"]?.int
        else { return example["line"]?.string }
        return String(repeating: text, count: Int(times))
    }

    @Test func validRequestsAreAnswered() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(
            "{\"session_id\":\"u-17\",\"tool_name\":\"Bash\","
                + "\"hook_event_name\":\"PostToolUse\"}\n",
            to: "a.jsonl")
        try rig.send("page.views:3|c|#site:a")
        try rig.waitForLines(2)
        let connection = try Connection(rig.querySocket)
        // Where the example's backup goes to is another machine's directory.
        for file in try Self.files("valid")
        where !file.contains("/ingest.") && !file.contains("/admin.backup/") {
            let request = try #require(try Self.json(file)["request"])
            try connection.send(request.text + "\n")
            let reply = try connection.reply()
            // Sessions, subscriptions and cursors of the examples are not those of this daemon.
            let error = reply?["error"]
            #expect(
                reply?["result"] != nil || error?["code"] == -32001
                    || error?["data"]?["path"] == "cursor", "\(file): \(reply?.text ?? "")")
        }
        try connection.send("{\"method\":\"sessions.get\",\"params\":{\"session\":\"u-17\"}}\n")
        #expect(try connection.reply()?["result"]?["timeline"]?.array?.count == 1)
    }

    /// The figures of `stats` have a history too, ten seconds apart.
    @Test func theDaemonKeepsItsOwnFigures() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append("{\"hook_event_name\":\"Stop\"}\n", to: "a.jsonl")
        try rig.waitForLines(1)
        func values(_ metric: String, _ aggregate: String) throws -> [Double] {
            let reply = try rig.ask(
                "metrics.query",
                ["metric": .string(metric), "since": "1h", "aggregate": .string(aggregate)])
            let points = reply["series"]?.array?.first?["points"]?[aggregate]?.array ?? []
            return points.compactMap { $0.array?.last?.double }
        }
        try rig.waitUntil("the daemon has taken its figures") {
            (try? values("quipu.stored.events", "last").last) == 1
        }
        #expect(try values("quipu.ingest.lines", "sum").reduce(0, +) == 1)
        #expect(try values("quipu.rss_bytes", "last").allSatisfy { $0 > 1_000_000 })
        #expect(try values("quipu.commits.latency_ms", "p50").allSatisfy { $0 > 0 })
        // They came from no source.
        #expect(try rig.ask("ledger")["total"]?["received"] == 1)
    }

    @Test func invalidRequestsGiveExactlyTheirError() throws {
        let rig = try Rig()
        try rig.startDaemon()
        for file in try Self.files("invalid") {
            let example = try Self.json(file)
            let line = try #require(Self.line(of: example))
            let isIngest = example["socket"] == "ingest.sock"
            let connection = try Connection(isIngest ? rig.ingestSocket : rig.querySocket)
            try connection.send(line + "\n")
            let error = try connection.line()?["error"]
            #expect(error?["code"] == example["error"]?["code"], "\(file)")
            #expect(error?["data"]?["reason"] == example["error"]?["reason"], "\(file)")
        }
    }

    /// `> request`, `< reply`, in which `…` stands for anything.
    @Test func scriptsGoAsTheyAreWritten() throws {
        let folder = Self.protocolFolder + "/sessions"
        let scripts = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(scripts.count >= 5)
        for script in scripts {
            let rig = try Rig()
            try rig.startDaemon()
            let connection = try Connection(rig.querySocket)
            let text = try String(contentsOfFile: folder + "/" + script, encoding: .utf8)
            for (number, line) in text.split(separator: "\n").enumerated() {
                if line.hasPrefix(">") {
                    try connection.send(line.dropFirst(2) + "\n")
                } else if line.hasPrefix("< ") {
                    let pattern = line.dropFirst(2).split(
                        separator: "…", omittingEmptySubsequences: false
                    ).map { NSRegularExpression.escapedPattern(for: String($0)) }
                    let reply = try #require(try connection.text())
                    #expect(
                        reply.range(
                            of: "^" + pattern.joined(separator: ".*") + "$",
                            options: .regularExpression) != nil,
                        "\(script):\(number + 1): \(reply)")
                }
            }
            // Nothing more was said than the script tells.
            try connection.send("{\"id\":\"last\",\"method\":\"health\"}\n")
            #expect(try connection.line()?["id"] == "last", "\(script)")
        }
    }

    @Test func batchesMayBeTypedByHand() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let connection = try Connection(rig.ingestSocket)
        let open =
            "{\"method\":\"ingest.open\",\"params\":{\"source\":{\"key\":\"hand:1\","
            + "\"path\":\"x.jsonl\"},\"size\":8}}\n"
        try connection.send(open)
        let source = try #require(try connection.line()?["result"]?["source_id"]?.int)
        func batch(_ from: Int, _ text: String) -> String {
            "{\"method\":\"ingest.batch\",\"params\":{\"source_id\":\(source),\"from\":\(from),"
                + "\"to\":\(from + text.utf8.count),\"bytes\":\(text.utf8.count)}}\n\(text)"
        }
        try connection.send(batch(0, "{\"a\":1}\n"))
        #expect(try connection.line()?["result"]?["position"] == 8)
        try connection.send(batch(0, "{\"a\":1}\n"))
        let refused = try connection.line()?["error"]?["data"]
        #expect(refused?["reason"] == "wrong_position")
        #expect(refused?["position"] == 8)
        let skip =
            "{\"method\":\"ingest.skip\",\"params\":{\"source_id\":\(source),\"from\":8,"
            + "\"to\":20,\"lines\":1,\"reason\":\"line_too_long\"}}\n"
        // What follows was read of the same content: it may begin there by chance.
        try connection.send(skip)
        #expect(try connection.line()?["error"]?["data"]?["reason"] == "wrong_position")
        try connection.send(open + skip)
        #expect(try connection.line()?["result"]?["position"] == 8)
        #expect(try connection.line()?["result"]?["position"] == 20)
        // Half a line moves no position: its other half would be lost.
        try connection.send(batch(20, "{\"b\":"))
        #expect(try connection.line()?["error"]?["code"] == -32602)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }

    /// What one agent can read no more another one may have open.
    @Test func whatAnotherAgentReadsIsNotLost() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let open =
            "{\"method\":\"ingest.open\",\"params\":{\"source\":{\"key\":\"two:1\","
            + "\"path\":\"x.jsonl\"},\"size\":8}}\n"
        let (reader, other) = (try Connection(rig.ingestSocket), try Connection(rig.ingestSocket))
        try reader.send(open)
        let source = try #require(try reader.line()?["result"]?["source_id"]?.int)
        try other.send(open)
        #expect(try other.line()?["result"]?["source_id"]?.int == source)
        let lost =
            "{\"method\":\"ingest.skip\",\"params\":{\"source_id\":\(source),\"from\":0,"
            + "\"to\":8,\"lines\":1,\"lost\":\"deleted\"}}\n"
        try other.send(lost)
        #expect(try other.line()?["error"]?["data"]?["reason"] == "still_read")
        try reader.send(
            "{\"method\":\"ingest.batch\",\"params\":{\"source_id\":\(source),\"from\":0,"
                + "\"to\":8,\"bytes\":8,\"finished\":true}}\n{\"a\":1}\n")
        #expect(try reader.line()?["result"]?["position"] == 8)
        try other.send(lost)
        #expect(try other.line()?["error"]?["data"]?["reason"] == "wrong_position")
        let total = try rig.ask("ledger")["total"]
        #expect(total?["stored"] == 1)
        #expect(total?["lost_bytes"] == 0)
    }
}
