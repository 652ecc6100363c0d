import Foundation
import TestSupport
import Testing

@testable import AgentCore

/// Goal: of a document that its writer writes anew with every change, each element is shipped when
/// it is new, whatever moment the agent looks.
@Suite struct TailingDocumentTests {
    private let rig: TailingHarness

    init() throws { rig = try TailingHarness(["**/*.json", "**/*.jsonl"]) }

    enum Writing: CaseIterable {
        case truncate, renameOver
    }

    private func write(_ text: String, _ name: String, _ writing: Writing) throws {
        switch writing {
        case .truncate: try rig.rewrite(text, in: name)
        case .renameOver:
            try rig.rewrite(text, in: ".new")
            try rig.move(".new", to: name)
        }
    }

    private func array(_ elements: some Sequence<Int>) -> String {
        "[" + elements.map { "{\"n\":\($0)}" }.joined(separator: ", ") + "]"
    }

    @Test(arguments: Writing.allCases, ["a.json", "a.jsonl"])
    func onlyWhatIsNewIsShipped(_ writing: Writing, _ name: String) throws {
        for count in 1...60 {
            try write(array(0..<count), name, writing)
            try rig.run(ms: count % 3 == 0 ? 50 : 300)
        }
        try rig.run(ms: 1_000)
        let account = try #require(rig.daemon.account(name))
        #expect(
            String(decoding: account.content, as: UTF8.self) == String(array(0..<60).dropLast()))
        #expect(account.identity.kind == .document)
        #expect(account.restarts.isEmpty && account.lostBytes == 0)
        #expect(rig.daemon.accounts.count == 1)
        #expect(rig.daemon.violations.isEmpty)
    }

    /// The agent looks while the file is empty, and while half of it is written.
    @Test func aWriterIsWaitedFor() throws {
        try rig.rewrite(array(0..<5), in: "a.json")
        try rig.run()
        let text = array(0..<8)
        for cut in [0, 1, 9, 25, text.utf8.count - 1] {
            try rig.rewrite("", in: "a.json")
            try rig.run(ms: 50)
            try rig.append(String(text.prefix(cut)), to: "a.json")
            try rig.run(ms: 50)
            try rig.append(String(text.dropFirst(cut)), to: "a.json")
            try rig.run(ms: 1_000)
        }
        let account = try #require(rig.daemon.account("a.json"))
        #expect(String(decoding: account.content, as: UTF8.self) == String(text.dropLast()))
        #expect(account.restarts.isEmpty && account.lostBytes == 0)
    }

    /// Slower than anyone waits for: what is there is a new content, and nothing counts as lost.
    @Test func aVerySlowWriterCostsAnIncarnation() throws {
        try rig.rewrite(array(0..<5), in: "a.json")
        try rig.run()
        try rig.rewrite("[{", in: "a.json")
        try rig.run(ms: 2_000)
        try rig.append(String(array(0..<6).dropFirst(2)), to: "a.json")
        try rig.run(ms: 1_000)
        let account = try #require(rig.daemon.account("a.json"))
        let wanted = String(array(0..<5).dropLast() + array(0..<6).dropLast())
        #expect(String(decoding: account.content, as: UTF8.self) == wanted)
        #expect(account.restarts == ["rewritten"] && account.lostBytes == 0)
    }

    @Test(arguments: Writing.allCases)
    func whatIsTrimmedAtTheFrontIsReadAnew(_ writing: Writing) throws {
        var wanted = ""
        for start in 0..<10 {
            try write(array(start..<(start + 4)), "a.json", writing)
            try rig.run(ms: 1_000)
            wanted += array(start..<(start + 4)).dropLast()
        }
        let account = try #require(rig.daemon.account("a.json"))
        #expect(String(decoding: account.content, as: UTF8.self) == wanted)
        #expect(account.restarts == Array(repeating: "rewritten", count: 9))
        #expect(account.lostBytes == 0)
        #expect(rig.daemon.accounts.count == 1)
    }

    /// The agent that comes after knows by the daemon's word alone where to go on, or that it
    /// cannot.
    @Test(arguments: Writing.allCases, [0, 700])
    func anotherAgentGoesOn(_ writing: Writing, _ changed: Int) throws {
        try write(array(0..<1_000), "a.json", writing)
        try rig.run()
        try rig.restartAgent()
        try rig.run()
        #expect(rig.text("a.json") == String(array(0..<1_000).dropLast()))
        let other = Array(0..<changed) + Array((changed == 0 ? 0 : changed + 1)..<1_001)
        try write(array(other), "a.json", writing)
        try rig.restartAgent()
        try rig.run(ms: 1_000)
        let account = try #require(rig.daemon.account("a.json"))
        #expect(account.restarts == (changed == 0 ? [] : ["rewritten"]))
        let text = String(decoding: account.content, as: UTF8.self)
        #expect(text.hasSuffix(changed == 0 ? ", {\"n\":1000}" : String(array(other).dropLast())))
        #expect(rig.daemon.violations.isEmpty)
    }

    @Test func aLostConnectionRepeatsNothing() throws {
        for count in 1...20 {
            try rig.rewrite(array(0..<count), in: "a.json")
            rig.daemon.faults = [[.dropAfterCommit, .dropBeforeCommit, .refuse][count % 3]]
            try rig.run(ms: 6_000)
        }
        #expect(rig.text("a.json") == String(array(0..<20).dropLast()))
        #expect(rig.daemon.account("a.json")?.restarts == [])
    }

    @Test func aDeletedDocumentIsFinished() throws {
        try rig.rewrite(array(0..<3), in: "a.json")
        try rig.run()
        try rig.delete("a.json")
        try rig.run(ms: 20_000)
        let account = try #require(rig.daemon.account("a.json"))
        #expect(account.finished && account.lostBytes == 0)
        #expect(rig.tailer.fileCount == 0)
    }

    @Test func aRenamedDocumentKeepsItsAccount() throws {
        try rig.rewrite(array(0..<3), in: "a.json")
        try rig.run()
        try rig.move("a.json", to: "a-1.json")
        try rig.rewrite(array(10..<12), in: "a.json")
        try rig.run(ms: 1_000)
        #expect(rig.text("a-1.json") == String(array(0..<3).dropLast()))
        #expect(rig.text("a.json") == String(array(10..<12).dropLast()))
        #expect(rig.daemon.accounts.count == 2)
        #expect(rig.daemon.accounts.allSatisfy { $0.restarts.isEmpty && !$0.finished })
    }

    /// Longer than what is read at once, and growing slowly.
    @Test(arguments: ["a.json", "a.jsonl"], [80_000, 1_500_000, 3_000_000])
    func longRecordsAreShippedWhole(_ name: String, _ bytes: Int) throws {
        let text = String(repeating: "x\\\"}{ ", count: bytes / 7)
        let first = "{\n  \"a\": \"\(text)\",\n  \"b\": [\n    1\n  ]\n}"
        let whole = (name == "a.json" ? "[" : "") + first + (name == "a.json" ? ",{}" : "\n{}\n")
        var rest = Substring(whole)
        while !rest.isEmpty {
            try rig.append(String(rest.prefix(bytes / 3)), to: name)
            rest = rest.dropFirst(bytes / 3)
            try rig.run()
        }
        try rig.run(ms: 1_000)
        #expect(rig.text(name) == whole)
        #expect(rig.daemon.violations.isEmpty)
        #expect(rig.daemon.account(name)?.restarts == [])
    }

    /// A batch never ends inside of an object that goes on over lines.
    @Test func prettyObjectsAreShippedWhole() throws {
        let record = "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"
        for _ in 0..<5 {
            for byte in record {
                try rig.append(String(byte), to: "a.jsonl")
                try rig.run(ms: 50)
                let shipped = rig.text("a.jsonl") ?? ""
                #expect(shipped.utf8.count.isMultiple(of: record.utf8.count))
            }
        }
        #expect(rig.text("a.jsonl") == String(repeating: record, count: 5))
    }
}
