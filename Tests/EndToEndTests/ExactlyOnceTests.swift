import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Goal: nothing is lost and nothing is counted twice, whoever is killed when. Method: a log grows
/// and rotates, datagrams arrive at a socket that outlives the agent (as with systemd), and daemon
/// and agent are killed at random moments; afterwards the database is compared with what was
/// written, by content.
@Suite(.serialized) struct ExactlyOnceTests {
    private static let kills = 100
    private static let linesPerKill = 2_000
    private static let datagramsPerKill = 40

    @Test(.timeLimit(.minutes(15))) func killsLoseNothingAndRepeatNothing() throws {
        var random = SeededGenerator()
        print("seed \(random.seed)")
        let rig = try Rig()
        try rig.startDaemon()
        let agent = try SupervisedAgent(rig)
        var writer = Writer(rig: rig)

        for kill in 0..<Self.kills {
            var lines = Self.linesPerKill
            var datagrams = Self.datagramsPerKill
            while lines > 0 || datagrams > 0 {
                let some = min(lines, Int.random(in: 1...200, using: &random))
                try writer.writeLines(some)
                lines -= some
                if datagrams > 0 {
                    try writer.sendDatagram()
                    datagrams -= 1
                }
            }
            if kill % 9 == 8 { try writer.rotate() }
            rig.pass(microseconds: .random(in: 0...60_000, using: &random))
            if Bool.random(using: &random) {
                agent.kill9()
            } else {
                rig.daemon?.kill9()
                try rig.startDaemon()
            }
        }
        try rig.waitForLines(Int64(writer.lineCount + writer.datagramCount))
        try check(writer, rig, seed: random.seed)
        agent.stop()
        rig.stop()
    }

    /// Persistence goes off and on while lines and datagrams come, and sometimes somebody dies.
    /// While it is off everything is answered from memory; in the end all of it is in the file.
    @Test(.timeLimit(.minutes(15))) func switchesOfPersistenceLoseNothing() throws {
        var random = SeededGenerator()
        print("seed \(random.seed)")
        let rig = try Rig()
        try rig.startDaemon()
        let agent = try SupervisedAgent(rig)
        var writer = Writer(rig: rig)
        func write() throws {
            for _ in 0..<10 {
                try writer.writeLines(Int.random(in: 1...200, using: &random))
                try writer.sendDatagram()
            }
        }
        for round in 0..<8 {
            try write()
            #expect(try rig.ask("admin.persistence", ["enabled": false])["mode"] == "memory")
            try write()
            if round == 2 { try writer.rotate() }
            if round.isMultiple(of: 2) {
                // Also what was there before, and what is in no file yet.
                try rig.waitForLines(Int64(writer.lineCount + writer.datagramCount))
                try check(writer, rig, seed: random.seed)
                #expect(try rig.ask("health")["mode"] == "memory")
            }
            if round == 3 { agent.kill9() }
            if round == 5 {
                rig.daemon?.kill9()
                try rig.startDaemon()
            }
            if Bool.random(using: &random) { try write() }
            #expect(try rig.ask("admin.persistence", ["enabled": true])["mode"] == "persistent")
        }
        try rig.waitForLines(Int64(writer.lineCount + writer.datagramCount))
        try check(writer, rig, seed: random.seed)
        // Nobody holds anything back any more.
        try rig.waitUntil("the spool is empty") {
            let names = try? FileManager.default.contentsOfDirectory(atPath: rig.state + "/agent")
            return (names ?? []).filter { $0.hasSuffix(".spool") }.count <= 1
        }
        rig.daemon?.stop()
        try rig.startDaemon()
        try check(writer, rig, seed: random.seed)
        agent.stop()
        rig.stop()
    }

    private func check(_ writer: Writer, _ rig: Rig, seed: UInt64) throws {
        let events = try rig.allEvents()
        let lines = events.filter { $0["kind"] == "log" }.compactMap { $0["attributes"]?["n"]?.int }
        #expect(lines.count == writer.lineCount, "seed \(seed)")
        #expect(Set(lines).count == writer.lineCount, "seed \(seed)")
        let datagrams = events.filter { $0["kind"] == "ping" }.compactMap { $0["name"]?.string }
        #expect(datagrams.count == writer.eventDatagramCount, "seed \(seed)")
        #expect(Set(datagrams).count == writer.eventDatagramCount, "seed \(seed)")

        let reply = try rig.ask(
            "metrics.query", ["metric": "kill.test", "aggregate": ["sum"], "step": "1d"])
        let points = reply["series"]?.array?.first?["points"]?["sum"]?.array ?? []
        let sum = points.compactMap { $0.array?.last?.int }.reduce(0, +)
        #expect(sum == Int64(writer.datagramCount - writer.eventDatagramCount), "seed \(seed)")

        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true, "seed \(seed)")
        #expect(
            ledger["total"]?["received"] == .int(Int64(writer.lineCount + writer.datagramCount)),
            "seed \(seed)")
    }
}

/// Writes numbered lines and datagrams, and remembers how many.
private struct Writer {
    let rig: Rig
    var lineCount = 0
    var datagramCount = 0
    var eventDatagramCount = 0
    private var rotations = 0

    init(rig: Rig) { self.rig = rig }

    mutating func writeLines(_ count: Int) throws {
        var text = ""
        for _ in 0..<count {
            text += "{\"n\":\(lineCount),\"filler\":\"\(String(repeating: "x", count: 60))\"}\n"
            lineCount += 1
        }
        try rig.append(text, to: "app.jsonl")
    }

    mutating func sendDatagram() throws {
        if datagramCount % 2 == 0 {
            try rig.send("{\"event\":\"ping\",\"name\":\"p\(datagramCount)\"}")
            eventDatagramCount += 1
        } else {
            try rig.send("kill.test:1|c")
        }
        datagramCount += 1
    }

    mutating func rotate() throws {
        rotations += 1
        try FileManager.default.moveItem(
            atPath: rig.logs + "/app.jsonl", toPath: rig.logs + "/app-\(rotations).jsonl")
    }
}

/// An agent whose datagram socket outlives it, and that is started again when it dies.
private final class SupervisedAgent {
    private let supervisor = Process()
    private let pidFile: String

    init(_ rig: Rig) throws {
        pidFile = rig.directory("agent.pid")
        let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Tools/supervise").path
        supervisor.executableURL = URL(fileURLWithPath: tool)
        supervisor.arguments = [
            pidFile, "metrics=datagram:\(rig.metricsSocket)", "--",
            Program.directory + "/quipu-agent", "--runtime-dir", rig.runtime, "--state-dir",
            rig.state, "--watch", rig.logs + "/**/*.jsonl",
        ]
        _ = FileManager.default.createFile(atPath: rig.directory("agent.log"), contents: nil)
        let log = FileHandle(forWritingAtPath: rig.directory("agent.log"))
        supervisor.standardOutput = log
        supervisor.standardError = log
        try supervisor.run()
        try rig.waitUntil("the agent's socket is there") {
            FileManager.default.fileExists(atPath: rig.metricsSocket)
        }
    }

    func kill9() {
        guard let text = try? String(contentsOfFile: pidFile, encoding: .utf8),
            let pid = Int32(text)
        else { return }
        kill(pid, SIGKILL)
    }

    func stop() {
        supervisor.terminate()
        supervisor.waitUntilExit()
    }

    deinit { if supervisor.isRunning { stop() } }
}
