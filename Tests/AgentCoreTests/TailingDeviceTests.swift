import Foundation
import Platform
import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

/// Goal: the number of a disk says nothing of which file it is, where the file system gives times
/// of birth.
@Suite struct TailingDeviceTests {
    private let rig: TailingHarness

    init() throws { rig = try TailingHarness() }

    /// False where the file system cannot tell.
    private func hasBirth(_ name: String) throws -> Bool {
        try FileStatus(path: rig.path(name), followingLinks: false).identity.birthNanoseconds != 0
    }

    @Test(arguments: [false, true]) func anotherNumberIsTheSameFile(agentIsAway: Bool) throws {
        for name in ["a.jsonl", "b.jsonl"] { try rig.append("\(name) 1\n", to: name) }
        guard try hasBirth("a.jsonl") else { return }
        try rig.run()
        rig.mountAnew()
        if agentIsAway { try rig.restartAgent() }
        try rig.append("a.jsonl 2\n", to: "a.jsonl")
        try rig.run(ms: 15_000)
        try rig.append("b.jsonl 2\n", to: "b.jsonl")
        try rig.run(ms: 15_000)
        #expect(rig.text("a.jsonl") == "a.jsonl 1\na.jsonl 2\n")
        #expect(rig.text("b.jsonl") == "b.jsonl 1\nb.jsonl 2\n")
        #expect(rig.daemon.accounts.count == 2)
        #expect(rig.daemon.accounts.allSatisfy { $0.restarts.isEmpty && $0.lostBytes == 0 })
        #expect(rig.daemon.violations.isEmpty)
    }

    /// A clone of a disk beside it: what is there twice is two files.
    @Test func twinsAreTwoFiles() throws {
        try rig.makeDirectory("clone")
        try rig.append("one\n", to: "a.jsonl")
        guard try hasBirth("a.jsonl") else { return }
        try rig.clone("a.jsonl", to: "clone/a.jsonl")
        rig.mountAnew("/clone/")
        try rig.run(ms: 1_000)
        try rig.append("two\n", to: "a.jsonl")
        try rig.run(ms: 15_000)
        #expect(rig.daemon.accounts.count == 2)
        #expect(
            rig.daemon.accounts.allSatisfy {
                $0.content == Array("one\ntwo\n".utf8) && $0.restarts.isEmpty
            })
        // The plain key and, with the device, the twin's.
        let parts = rig.daemon.accounts.map { $0.identity.key.split(separator: "-").count }
        #expect(parts.sorted() == [3, 4])
        try rig.restartAgent()
        try rig.run(ms: 1_000)
        #expect(rig.daemon.accounts.count == 2)
        #expect(rig.daemon.lines.count == 4)
    }

    @Test func identitiesWithoutTheDevice() {
        var file = FileIdentity(device: 7, inode: 8, generation: 9, birthNanoseconds: 10)
        var moved = file
        moved.device = 70
        #expect(file.lasting == moved.lasting)
        file.birthNanoseconds = 0
        moved.birthNanoseconds = 0
        #expect(file.lasting == file)
        #expect(file.lasting != moved.lasting)
    }
}
