import Foundation
import TestSupport
import Testing

@testable import AgentCore

/// Goal: renames, rewrites and deletions lose nothing that could be read, repeat nothing, and tell
/// what was lost.
@Suite struct TailingRotationTests {
    private let rig: TailingHarness

    init() throws { rig = try TailingHarness() }

    @Test(arguments: ["a-%.jsonl", "a.jsonl.%", "old/a.%"])
    func renameAndCreate(_ pattern: String) throws {
        try rig.makeDirectory("old")
        var count = 0
        for generation in 0..<30 {
            for _ in 0..<50 {
                try rig.append("\(count)\n", to: "a.jsonl")
                count += 1
            }
            if generation % 3 == 0 { try rig.run(ms: 50) }
            let name = pattern.replacingOccurrences(of: "%", with: "\(generation)")
            let writer = open(rig.path("a.jsonl"), O_WRONLY | O_APPEND)
            if generation % 3 != 0, pattern.contains("old") { try rig.run(ms: 50) }
            try rig.move("a.jsonl", to: name)
            if generation % 2 == 0 { try rig.run(ms: 50) }
            // The writer goes on in the renamed file for a while.
            let line = Array("\(count)\n".utf8)
            #expect(write(writer, line, line.count) == line.count)
            close(writer)
            count += 1
        }
        try rig.run(ms: 2_000)
        #expect(rig.daemon.lines.count == count)
        #expect(Set(rig.daemon.lines).count == count)
        #expect(rig.daemon.violations.isEmpty)
        #expect(rig.daemon.accounts.allSatisfy { $0.restarts.isEmpty && $0.lostBytes == 0 })
    }

    @Test func rotationsBetweenTwoLooks() throws {
        try rig.run()
        for i in 0..<5 {
            for generation in (1...6).reversed() {
                let from = generation == 1 ? "a.jsonl" : "a.\(generation - 1)"
                if rig.inode(from) != 0 { try rig.move(from, to: "a.\(generation)") }
            }
            try rig.append("\(i)\n", to: "a.jsonl")
        }
        try rig.run()
        #expect(rig.daemon.lines.sorted() == ["0", "1", "2", "3", "4"])
    }

    @Test func rotatedWhileTheAgentWasAway() throws {
        try rig.append("one\ntwo\n", to: "a.jsonl")
        try rig.run()
        try rig.append("three\n", to: "a.jsonl")
        try rig.move("a.jsonl", to: "a-1.jsonl")
        try rig.append("four\n", to: "a.jsonl")
        try rig.restartAgent()
        try rig.run()
        #expect(rig.daemon.lines.sorted() == ["four", "one", "three", "two"])
        #expect(rig.daemon.accounts.count == 2)
    }

    /// Sizes against the 8 bytes that were there.
    @Test(arguments: ["1\n", "new one\n", "much more\nthan before\n"], [false, true])
    func rewrittenInPlace(_ text: String, agentIsAway: Bool) throws {
        try rig.append("old one\n", to: "a.jsonl")
        try rig.run()
        try rig.rewrite(text, in: "a.jsonl")
        if agentIsAway { try rig.restartAgent() }
        try rig.run(ms: 1_000)
        #expect(rig.text("a.jsonl") == "old one\n" + text)
        let account = rig.daemon.account("/a.jsonl")
        #expect(account?.incarnation == 2)
        #expect(account?.lostBytes == 0)
        #expect(account?.restarts == [text.utf8.count < 8 ? "truncated" : "rewritten"])
    }

    @Test func copyAndTruncateAgainAndAgain() throws {
        for round in 0..<20 {
            for i in 0..<10 { try rig.append("\(round) \(i)\n", to: "a.jsonl") }
            try rig.run(ms: 50)
            try rig.rewrite("", in: "a.jsonl")
            if round % 2 == 0 { try rig.run(ms: 50) }
        }
        try rig.run()
        #expect(rig.daemon.lines.count == 200)
        #expect(Set(rig.daemon.lines).count == 200)
    }

    @Test func whatIsTruncatedUnreadIsTold() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.run()
        rig.daemon.isSilent = true
        try rig.append("two\n", to: "a.jsonl")
        try rig.run()
        try rig.append("three\n", to: "a.jsonl")
        try rig.run()
        rig.daemon.disconnect()
        rig.daemon.stop()
        try rig.append("never read\n", to: "a.jsonl")
        try rig.run()
        try rig.rewrite("", in: "a.jsonl")
        try rig.run()
        try rig.append("new\n", to: "a.jsonl")
        rig.daemon.isSilent = false
        try rig.daemon.listen()
        try rig.run(ms: 10_000)
        // "two" and "three" were committed although their answers were lost.
        #expect(rig.text("a.jsonl") == "one\ntwo\nthree\nnew\n")
        #expect(rig.daemon.account("/a.jsonl")?.lostBytes == 11)
    }

    /// Nothing is written to the file afterwards that would make the agent speak of it.
    @Test func whatIsTruncatedBeforeTheDaemonKnowsTheFileIsTold() throws {
        rig.daemon.stop()
        try rig.append("never read\n", to: "a.jsonl")
        try rig.run()
        try rig.rewrite("", in: "a.jsonl")
        try rig.run()
        try rig.daemon.listen()
        try rig.run(ms: 10_000)
        #expect(rig.daemon.account("/a.jsonl")?.lostBytes == 11)
        try rig.append("new\n", to: "a.jsonl")
        try rig.run()
        #expect(rig.text("a.jsonl") == "new\n")
    }

    @Test func deletedFilesAreNotHeldForEver() throws {
        rig.daemon.stop()
        for name in ["a.jsonl", "b.jsonl", "c.jsonl"] {
            try rig.append("\n", to: name)
            #expect(truncate(rig.path(name), 400 << 20) == 0)
            try rig.run()
            try rig.delete(name)
        }
        try rig.run(ms: 3_000)
        try rig.daemon.listen()
        try rig.run(ms: 30_000)
        #expect(rig.daemon.account("/a.jsonl")?.lostBytes == 400 << 20)
        #expect(rig.daemon.account("/b.jsonl")?.lostBytes == 0)
        #expect(rig.daemon.account("/c.jsonl")?.lostBytes == 0)
    }

    @Test func anUnfinishedLineThatIsTakenBack() throws {
        try rig.append("one\nhal", to: "a.jsonl")
        try rig.run()
        #expect(truncate(rig.path("a.jsonl"), 4) == 0)
        try rig.run()
        try rig.append("two\n", to: "a.jsonl")
        try rig.run()
        #expect(rig.text("a.jsonl") == "one\ntwo\n")
        #expect(rig.daemon.account("/a.jsonl")?.incarnation == 1)
    }

    @Test func aReusedInodeIsAnotherFile() throws {
        try rig.append("first\n", to: "a.jsonl")
        try rig.run()
        let inode = rig.inode("a.jsonl")
        try rig.delete("a.jsonl")
        try rig.run(ms: 12_000)
        for i in 0..<50 {
            try rig.append("other\n", to: "b.jsonl")
            if rig.inode("b.jsonl") == inode { break }
            if i < 49 { try rig.delete("b.jsonl") }
        }
        try rig.append("again\n", to: "b.jsonl")
        try rig.run(ms: 12_000)
        #expect(rig.text("b.jsonl") == "other\nagain\n")
        #expect(rig.text("a.jsonl") == "first\n")
        #expect(rig.daemon.account("/b.jsonl")?.restarts == [])
    }

    @Test func aDeletedFileIsReadToItsEndAndFinished() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.run()
        let writer = open(rig.path("a.jsonl"), O_WRONLY | O_APPEND)
        rig.daemon.stop()
        try rig.append("two\n", to: "a.jsonl")
        try rig.run()
        try rig.delete("a.jsonl")
        try rig.run()
        let rest = Array("three\nunfinished".utf8)
        #expect(write(writer, rest, rest.count) == rest.count)
        close(writer)
        try rig.daemon.listen()
        try rig.run(ms: 30_000)
        #expect(rig.text("a.jsonl") == "one\ntwo\nthree\nunfinished")
        #expect(rig.daemon.account("/a.jsonl")?.finished == true)
        #expect(rig.tailer.fileCount == 0)
        #expect(rig.tailer.openFiles.count == 0)
    }

    @Test func aFileDeletedUnreadIsTold() throws {
        let rig = try TailingHarness(openFilesMax: 1)
        rig.daemon.stop()
        try rig.append("one\n", to: "a.jsonl")
        try rig.append("two\n", to: "b.jsonl")
        try rig.run()
        // Only one of them is open.
        try rig.delete("a.jsonl")
        try rig.delete("b.jsonl")
        try rig.run()
        try rig.daemon.listen()
        try rig.run(ms: 30_000)
        #expect(rig.daemon.lines.count == 1)
        #expect(rig.daemon.accounts.map(\.lostBytes).sorted() == [0, 4])
        #expect(rig.daemon.accounts.allSatisfy { $0.finished })
        #expect(rig.tailer.fileCount == 0)
    }

    @Test func replacedByRename() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.run()
        try rig.append("two\n", to: "a.tmp")
        try rig.move("a.tmp", to: "a.jsonl")
        try rig.run(ms: 20_000)
        #expect(rig.daemon.lines == ["one", "two"])
        #expect(rig.daemon.accounts.map(\.finished) == [true, false])
    }
}
