import Foundation
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

/// Bad input costs itself alone and is counted by reason; its neighbours are unharmed.
@Suite(.serialized) struct BadInputTests {
    /// A bad line, and what the ledger must say of it.
    private struct Case: Sendable {
        let name: String
        let bytes: [UInt8]
        let reason: String?
        /// Records that come out of it all the same.
        var records = 0

        init(_ name: String, _ bytes: [UInt8], _ reason: String?, records: Int = 0) {
            self.name = name
            self.bytes = bytes
            self.reason = reason
            self.records = records
        }

        init(_ name: String, _ text: String, _ reason: String?, records: Int = 0) {
            self.init(name, Array(text.utf8), reason, records: records)
        }
    }

    private static let cases: [Case] = [
        Case("torn", "{\"a\":1,\"b\":\"tru", "invalid_json"),
        Case("not JSON", "hello world", "invalid_json"),
        Case("a scalar", "42", "not_an_object"),
        Case("an array", "[1,2,3]", "not_an_object"),
        Case("NULs only", [UInt8](repeating: 0, count: 4_096), "nul_bytes"),
        Case("invalid UTF-8", [0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d], "invalid_utf8"),
        Case(
            "nesting",
            String(repeating: "{\"a\":", count: 100_000) + "1"
                + String(repeating: "}", count: 100_000), "too_deep"),
        Case("CRLF", "{\"kind_of\":\"crlf\"}\r", nil, records: 1),
        Case("welded", "{\"w\":1}{\"w\":2}", nil, records: 2),
        Case("duplicate keys", "{\"a\":1,\"a\":2}", nil, records: 1),
        Case("2 MB", "{\"long\":\"\(String(repeating: "y", count: 2_000_000))\"}", nil, records: 1),
    ]

    @Test func neighboursOfBadLinesAreUnharmed() throws {
        let rig = try Rig()
        try rig.startDaemon()
        var bytes: [UInt8] = [0xef, 0xbb, 0xbf]
        bytes += Array("{\"good\":0}\n".utf8)
        for (i, bad) in Self.cases.enumerated() {
            bytes += bad.bytes + [0x0a]
            bytes += Array("{\"good\":\(i + 1)}\n".utf8)
        }
        try FileManager.default.createDirectory(
            atPath: rig.logs, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: rig.logs + "/bad.jsonl"))
        try rig.startAgent()

        let good = Self.cases.count + 1
        let recovered = Self.cases.reduce(0) { $0 + $1.records }
        let rejected = Self.cases.filter { $0.reason != nil }.count
        try rig.waitForLines(Int64(good + recovered + rejected))
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"] == .int(Int64(good + recovered)))
        var expected: [String: Int64] = [:]
        for reason in Self.cases.compactMap(\.reason) { expected[reason, default: 0] += 1 }
        for (reason, count) in expected {
            #expect(ledger["total"]?["rejected"]?[reason] == .int(count), "\(reason)")
        }
        let events = try rig.allEvents()
        let numbers = events.compactMap { $0["attributes"]?["good"]?.int }
        #expect(numbers == Array(0..<Int64(good)))
        rig.stop()
    }

    @Test func aLineBeyondTheBoundIsSkippedAndCounted() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let path = rig.logs + "/long.jsonl"
        try rig.append("{\"before\":1}\n{\"huge\":\"", to: "long.jsonl")
        let piece = String(repeating: "z", count: 1 << 20)
        for _ in 0..<20 { try rig.append(piece, to: "long.jsonl") }
        try rig.append("\"}\n{\"after\":1}\n", to: "long.jsonl")
        try rig.startAgent()
        try rig.waitForLines(3)
        let ledger = try rig.ask("ledger")
        #expect(ledger["total"]?["rejected"]?["line_too_long"] == 1)
        #expect(ledger["balanced"] == true)
        let reject = ledger["rejects"]?.array?.first
        #expect(reject?["offset"] == 13)
        #expect(reject?["path"]?.string == path)
        #expect(try rig.allEvents().count == 2)
        rig.stop()
    }

    @Test func malformedDatagramsAreCountedAndTheirNeighboursStored() throws {
        let rig = try Rig()
        try rig.start()
        let bad = [
            "nocolon|c", ":1|c", "x:|c", "x:1", "x:1|q", "x:abc|c", "x:1|c|@x", "x:1:2:y|c",
            "x:nan|g", "x:1|c|T0", "_e{5,2}:ab|cd", "_sc|db|7", "{\"metric\":\"m\"}",
            "{\"metric\":",
        ]
        for line in bad { try rig.send("ok.before:1|c\n\(line)\nok.after:1|c") }
        try rig.waitForLines(Int64(bad.count * 3))
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        let rejected = ledger["total"]?["rejected"]?.members?.compactMap(\.value.int)
        #expect(rejected?.reduce(0, +) == Int64(bad.count))
        for metric in ["ok.before", "ok.after"] {
            let reply = try rig.ask(
                "metrics.query", ["metric": .string(metric), "aggregate": ["sum"], "step": "1d"])
            let points = reply["series"]?.array?.first?["points"]?["sum"]?.array ?? []
            let sum = points.compactMap { $0.array?.last?.int }.reduce(0, +)
            #expect(sum == Int64(bad.count), "\(metric)")
        }
        rig.stop()
    }
}
