import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// The examples of `protocol/`, asked of the real daemon. What it answers goes into the traffic
/// log, whose check fails when a method or an error is never seen.
@Suite(.serialized) struct ContractTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("protocol/examples").path

    private static func files(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: examples + "/" + folder)
            .filter { $0.hasSuffix(".json") }.sorted().map { examples + "/" + folder + "/" + $0 }
    }

    private static func json(_ path: String) throws -> JSON {
        try JSON.parse(FileManager.default.contents(atPath: path) ?? Data(), nestingMax: 200)
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
        for file in try Self.files("valid") where !file.contains("/ingest.") {
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

    @Test func invalidRequestsGiveExactlyTheirError() throws {
        let rig = try Rig()
        try rig.startDaemon()
        for file in try Self.files("invalid") {
            let example = try Self.json(file)
            guard let line = example["line"]?.string, example["socket"] == nil,
                !file.contains("/ingest_")
            else { continue }
            let connection = try Connection(rig.querySocket)
            try connection.send(line + "\n")
            let error = try connection.line()?["error"]
            #expect(error?["code"] == example["error"]?["code"], "\(file)")
            #expect(error?["data"]?["reason"] == example["error"]?["reason"], "\(file)")
        }
    }

    @Test func batchesMayBeTypedByHand() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let connection = try Connection(rig.ingestSocket)
        try connection.send(
            "{\"method\":\"ingest.open\",\"params\":{\"source\":{\"key\":\"hand:1\","
                + "\"path\":\"x.jsonl\"},\"size\":8}}\n")
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
        try connection.send(
            "{\"method\":\"ingest.skip\",\"params\":{\"source_id\":\(source),\"from\":8,"
                + "\"to\":20,\"lines\":1,\"reason\":\"line_too_long\"}}\n")
        #expect(try connection.line()?["result"]?["position"] == 20)
        // Half a line moves no position: its other half would be lost.
        try connection.send(batch(20, "{\"b\":"))
        #expect(try connection.line()?["error"]?["code"] == -32602)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }
}
