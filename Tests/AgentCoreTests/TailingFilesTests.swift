import Foundation
import TestSupport
import Testing

@testable import AgentCore

/// Goal: every line of every watched file arrives once. Method: real files and inotify, a fake
/// daemon behind a real socket; time is the test's.
@Suite struct TailingFilesTests {
    private let rig: TailingHarness

    init() throws { rig = try TailingHarness() }

    @Test func linesArriveAsTheyAreWritten() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.run()
        try rig.append("two\nthree\n", to: "a.jsonl")
        try rig.run()
        #expect(rig.text("a.jsonl") == "one\ntwo\nthree\n")
        #expect(rig.daemon.violations.isEmpty)
    }

    @Test func oneByteEmptyAndUnfinishedFiles() throws {
        try rig.append("", to: "empty.jsonl")
        try rig.append("\n", to: "one.jsonl")
        try rig.append("whole\nhalf", to: "half.jsonl")
        try rig.run()
        #expect(rig.daemon.account("/empty.jsonl") == nil)
        #expect(rig.text("one.jsonl") == "\n")
        #expect(rig.text("half.jsonl") == "whole\n")
        try rig.restartAgent()
        try rig.append(" and more\n", to: "half.jsonl")
        try rig.run()
        #expect(rig.text("half.jsonl") == "whole\nhalf and more\n")
    }

    @Test func aLineInPiecesArrivesOnce() throws {
        for byte in "{\"text\":\"größer\"}\n".utf8 {
            let descriptor = open(rig.path("a.jsonl"), O_WRONLY | O_CREAT | O_APPEND, 0o644)
            var byte = byte
            #expect(write(descriptor, &byte, 1) == 1)
            close(descriptor)
            try rig.run(ms: 50)
        }
        try rig.run()
        #expect(rig.text("a.jsonl") == "{\"text\":\"größer\"}\n")
        #expect(rig.daemon.methods.filter { $0 == "ingest.batch" }.count == 1)
    }

    @Test func twoFilesWithTheSameHeadAreTwoSources() throws {
        let head = String(repeating: "h", count: 4_096) + "\n"
        try rig.append(head + "a\n", to: "a.jsonl")
        try rig.append(head + "b\n", to: "b.jsonl")
        try rig.run()
        #expect(rig.text("a.jsonl") == head + "a\n")
        #expect(rig.text("b.jsonl") == head + "b\n")
    }

    @Test func directoriesThatAppearLater() throws {
        try rig.run()
        try rig.makeDirectory("x/y/z")
        try rig.append("deep\n", to: "x/y/z/a.jsonl")
        try rig.run()
        #expect(rig.text("z/a.jsonl") == "deep\n")
        try rig.append("deeper\n", to: "x/y/z/a.jsonl")
        try rig.run()
        #expect(rig.text("z/a.jsonl") == "deep\ndeeper\n")
    }

    @Test func aRenamedDirectoryKeepsItsFiles() throws {
        try rig.makeDirectory("x")
        try rig.append("one\n", to: "x/a.jsonl")
        try rig.run()
        try rig.move("x", to: "y")
        try rig.append("two\n", to: "y/a.jsonl")
        try rig.run(ms: 1_000)
        #expect(rig.daemon.lines == ["one", "two"])
        try rig.append("three\n", to: "y/a.jsonl")
        try rig.run()
        #expect(rig.daemon.lines == ["one", "two", "three"])
        #expect(rig.daemon.accounts.count == 1)
    }

    @Test func pipesLinksAndOtherThings() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.append("hidden\n", to: ".secret.jsonl")
        #expect(mkfifo(rig.path("pipe.jsonl"), 0o644) == 0)
        try rig.makeDirectory("directory.jsonl")
        #expect(symlink("a.jsonl", rig.path("link.jsonl")) == 0)
        #expect(symlink("nowhere", rig.path("dangling.jsonl")) == 0)
        #expect(symlink("loop.jsonl", rig.path("loop.jsonl")) == 0)
        #expect(symlink("..", rig.path("up")) == 0)
        #expect(link(rig.path("a.jsonl"), rig.path("hard.jsonl")) == 0)
        try rig.run(ms: 11_000)
        #expect(rig.daemon.lines == ["one"])
        #expect(rig.tailer.fileCount == 1)
        // Deleting one name of several ends nothing.
        try rig.delete("a.jsonl")
        try rig.append("two\n", to: "hard.jsonl")
        try rig.run(ms: 20_000)
        #expect(rig.daemon.lines == ["one", "two"])
        #expect(rig.daemon.account("jsonl")?.finished == false)
    }

    /// What cannot be read is told, once for each directory.
    @Test func namesThatAreNotUTF8AreTold() throws {
        for name in ["caf\u{e9}.jsonl", "caf\u{e8}.jsonl", "caf\u{e9}.txt"] {
            let latin1 = name.unicodeScalars.map { CChar(truncatingIfNeeded: $0.value) }
            let path = rig.path("").utf8CString.dropLast() + latin1 + [0]
            let descriptor = open(Array(path), O_CREAT | O_WRONLY, 0o600)
            #expect(descriptor >= 0)
            close(descriptor)
        }
        try rig.append("one\n", to: "a.jsonl")
        try rig.run(ms: 30_000)
        #expect(rig.text("a.jsonl") == "one\n")
        let told = rig.texts.filter { $0.contains("UTF-8") }
        #expect(told.count == 1)
        #expect(told.first?.contains("/logs: 2 names") == true)
    }

    @Test func directoriesThatAreTooDeepAreTold() throws {
        let deep = Array(repeating: "d", count: 70).joined(separator: "/")
        try rig.makeDirectory(deep)
        try rig.append("one\n", to: "\(deep)/a.jsonl")
        try rig.run(ms: 30_000)
        #expect(rig.daemon.lines == [])
        let told = rig.texts.filter { $0.contains("directories deep") }
        #expect(told.count == 1)
        #expect(told.first?.contains("\(rig.path("d/d/d"))") == true)
    }

    @Test func aLinkToAFileElsewhere() throws {
        let other = rig.directory("elsewhere.txt")
        try "one\n".write(toFile: other, atomically: false, encoding: .utf8)
        #expect(symlink(other, rig.path("link.jsonl")) == 0)
        try rig.run()
        #expect(rig.text("link.jsonl") == "one\n")
    }

    @Test(.enabled(if: getuid() == 0, "needs root to own files as someone else"))
    func aForeignLinkIsNotFollowed() throws {
        let other = rig.directory("secret.txt")
        try "secret\n".write(toFile: other, atomically: false, encoding: .utf8)
        #expect(symlink(other, rig.path("link.jsonl")) == 0)
        #expect(lchown(rig.path("link.jsonl"), 12_345, 12_345) == 0)
        try rig.run(ms: 11_000)
        #expect(rig.daemon.lines.isEmpty)
    }

    @Test(.enabled(if: getuid() != 0, "root reads everything"))
    func anUnreadableFileIsReadOnceItCanBe() throws {
        try rig.append("one\n", to: "a.jsonl")
        #expect(chmod(rig.path("a.jsonl"), 0) == 0)
        try rig.run(ms: 11_000)
        #expect(rig.daemon.lines.isEmpty)
        #expect(rig.texts.filter { $0.contains("a.jsonl") }.count == 1)
        #expect(chmod(rig.path("a.jsonl"), 0o600) == 0)
        try rig.run()
        #expect(rig.daemon.lines == ["one"])
    }

    @Test func twoThousandFiles() throws {
        try rig.run()
        var expected: Set<String> = []
        for i in 0..<2_000 {
            if i % 100 == 0 { try rig.makeDirectory("d\(i / 100)") }
            try rig.append("line \(i)\n", to: "d\(i / 100)/\(i).jsonl")
            expected.insert("line \(i)")
        }
        try rig.run(ms: 1_000)
        #expect(rig.daemon.lines.count == 2_000)
        #expect(Set(rig.daemon.lines) == expected)
        #expect(rig.tailer.openFiles.count <= 64)
        for i in 0..<2_000 { try rig.append("more \(i)\n", to: "d\(i / 100)/\(i).jsonl") }
        try rig.run(ms: 1_000)
        #expect(Set(rig.daemon.lines).count == 4_000)
        #expect(rig.daemon.lines.count == 4_000)
    }

    @Test func whatInotifyMissedTheScanFinds() throws {
        try rig.run()
        // More events than the kernel keeps.
        let perFile = 40
        for i in 0..<1_000 {
            for _ in 0..<perFile / 2 {
                try rig.append("x\n", to: "a\(i).jsonl")
                try rig.append("x\n", to: "b\(i).jsonl")
            }
        }
        try rig.run(ms: 2_000)
        #expect(rig.texts.contains { $0.contains("dropped events") })
        #expect(rig.daemon.lines.count == 1_000 * perFile)
    }

    /// Memory's file system takes files of any size; disks bound them.
    @Test(.enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm")))
    func sparseFilesOfTheLargestSizeAreTold() throws {
        let names = ["a.jsonl", "b.jsonl", "c.jsonl"]
        rig.daemon.stop()
        let elsewhere = "/dev/shm/quipu-test-\(getpid())-"
        defer { for name in names { unlink(elsewhere + name) } }
        for name in names {
            let descriptor = open(elsewhere + name, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            #expect(ftruncate(descriptor, .max) == 0)
            close(descriptor)
            #expect(symlink(elsewhere + name, rig.path(name)) == 0)
        }
        try rig.run()
        #expect(rig.link.shipper.backlogBytes == .max)
        // Deleted before anybody could read them, they take no space until somebody does.
        for name in names {
            unlink(elsewhere + name)
            try rig.delete(name)
        }
        try rig.run(ms: 5_000)
        try rig.daemon.listen()
        try rig.run(ms: 10_000)
        #expect(rig.daemon.accounts.map(\.lostBytes) == [.max, .max, .max])
    }

    @Test func otherGlobsAfterAReload() throws {
        try rig.append("one\n", to: "a.jsonl")
        try rig.append("log\n", to: "a.log")
        try rig.run()
        let globs = try GlobSet(
            ["*.log"], environment: [:], workingDirectory: rig.directory.path + "/logs")
        try rig.append("two\n", to: "a.jsonl")
        rig.tailer.reload(globs, nowMs: rig.nowMs, everyMs: 10_000)
        try rig.run()
        #expect(Set(rig.daemon.lines) == ["one", "two", "log"])
        try rig.run(ms: 2_000)
        #expect(rig.tailer.fileCount == 1)
        try rig.append("three\n", to: "a.jsonl")
        try rig.run(ms: 12_000)
        #expect(Set(rig.daemon.lines) == ["one", "two", "log"])
    }
}
