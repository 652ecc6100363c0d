import Foundation
import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

/// Goal: whatever happens between agent and daemon, every line is committed once. Method: a fake
/// daemon that checks every `from` and can refuse, drop and keep silent.
@Suite struct ShippingLinkTests {
    private let rig: TailingHarness

    init() throws { rig = try TailingHarness() }

    @Test(arguments: [
        FakeDaemon.Fault.dropBeforeCommit, .dropAfterCommit, .refuse, .failure, .forgetSource,
    ])
    func faultsCostNothing(_ fault: FakeDaemon.Fault) throws {
        let line = String(repeating: "x", count: 999) + "\n"
        try rig.append(String(repeating: line, count: 3_000), to: "a.jsonl")
        rig.daemon.faults = [fault]
        try rig.run(ms: 500)
        try rig.append("last\n", to: "a.jsonl")
        rig.daemon.faults = [fault, fault]
        try rig.run(ms: 20_000)
        // A batch that was committed before the connection broke is not sent again, and so cannot
        // meet the second fault.
        #expect(rig.daemon.faults.count <= (fault == .dropAfterCommit ? 1 : 0))
        #expect(rig.text("a.jsonl") == String(repeating: line, count: 3_000) + "last\n")
        #expect(rig.daemon.violations.isEmpty)
    }

    @Test func theDaemonComesAndGoes() throws {
        rig.daemon.stop()
        try rig.append("one\n", to: "a.jsonl")
        try rig.run(ms: 60_000)
        #expect(rig.texts.filter { $0.contains("daemon") }.count == 1)
        try rig.daemon.listen()
        try rig.run(ms: 6_000)
        #expect(rig.daemon.lines == ["one"])
        rig.daemon.stop()
        try rig.append("two\n", to: "a.jsonl")
        try rig.run(ms: 1_000)
        try rig.daemon.listen()
        try rig.run(ms: 6_000)
        #expect(rig.daemon.lines == ["one", "two"])
        #expect(rig.daemon.accounts.count == 1)
    }

    @Test func unansweredRequestsAreBounded() throws {
        rig.daemon.isSilent = false
        try rig.run()
        let line = String(repeating: "x", count: 9_999) + "\n"
        for i in 0..<3 { try rig.append(String(repeating: line, count: 1_000), to: "\(i).jsonl") }
        try rig.run(ms: 100)
        let shipped = rig.daemon.lines.count
        #expect(shipped == 3_000)
        rig.daemon.isSilent = true
        for i in 0..<3 { try rig.append(String(repeating: line, count: 1_000), to: "\(i).jsonl") }
        try rig.run(ms: 100)
        let unanswered = (rig.daemon.lines.count - shipped) * line.utf8.count
        #expect(unanswered <= Limits.inFlightBytesMax)
        #expect(unanswered >= Limits.inFlightBytesMax / 4)
        try rig.daemon.speak()
        try rig.run()
        #expect(rig.daemon.lines.count == 6_000)
    }

    @Test func longLines() throws {
        let long = String(repeating: "l", count: 3 << 20) + "\n"
        let tooLong = String(repeating: "t", count: 20 << 20) + "\n"
        let largest = String(repeating: "m", count: Limits.lineBytesMax) + "\n"
        try rig.append("first\n" + long + "second\n", to: "a.jsonl")
        try rig.append(tooLong + "third\n", to: "a.jsonl")
        try rig.append(largest + "last\n", to: "a.jsonl")
        try rig.run(ms: 1_000)
        let expected = "first\n" + long + "second\n" + "third\n" + largest + "last\n"
        #expect(rig.text("a.jsonl") == expected)
        let start = Int64("first\nsecond\n".utf8.count + long.utf8.count)
        #expect(
            rig.daemon.account("/a.jsonl")?.skipped
                == [start..<(start + Int64(tooLong.utf8.count))])
        #expect(rig.texts.contains { $0.contains("offset \(start)") })
    }

    @Test func aLongLineThatGrows() throws {
        let piece = String(repeating: "p", count: 700_000)
        for _ in 0..<5 {
            try rig.append(piece, to: "a.jsonl")
            try rig.run(ms: 50)
        }
        #expect(rig.text("a.jsonl") == "")
        try rig.append("\nnext\n", to: "a.jsonl")
        try rig.run()
        #expect(rig.text("a.jsonl") == String(repeating: piece, count: 5) + "\nnext\n")
    }

    @Test func aDeletedFileThatEndsInATooLongLine() throws {
        try rig.append("one\n" + String(repeating: "x", count: 17 << 20), to: "a.jsonl")
        try rig.run()
        try rig.delete("a.jsonl")
        try rig.run(ms: 20_000)
        let account = rig.daemon.account("/a.jsonl")
        #expect(account?.content == Array("one\n".utf8))
        #expect(account?.skipped.map(\.lowerBound) == [4])
        #expect(account?.skipped.map(\.upperBound) == [4 + (17 << 20)])
        #expect(account?.finished == true)
    }
}
