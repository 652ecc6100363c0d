import Foundation
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol
import Synchronization
import TestSupport
import Testing

/// Starting, stopping, locks, sockets and limits of the real daemon.
@Suite(.serialized) struct DaemonLifeTests {
    @Test func aSecondDaemonIsRefusedNamingTheFirst() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let second = try Program(
            "quipud", ["--runtime-dir", rig.directory("other"), "--state-dir", rig.state],
            log: rig.directory("second.log"))
        #expect(second.wait() == 1)
        let pid = try #require(rig.daemon?.processID)
        #expect(second.log.contains("pid \(pid)"))
        #expect(try rig.ask("health")["status"] == "ok")
    }

    @Test func aStaleSocketIsReplacedAndAnythingElseIsNot() throws {
        let rig = try Rig()
        try rig.startDaemon()
        rig.daemon?.kill9()
        #expect(FileManager.default.fileExists(atPath: rig.querySocket))
        try rig.startDaemon()
        rig.daemon?.stop()

        let precious = rig.directory("precious")
        try "keep".write(toFile: precious, atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(
            atPath: rig.querySocket, withDestinationPath: precious)
        let refused = try Program(
            "quipud", ["--runtime-dir", rig.runtime, "--state-dir", rig.state],
            log: rig.directory("refused.log"))
        #expect(refused.wait() == 1)
        #expect(refused.log.contains("query.sock"))
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "keep")
    }

    @Test func terminationIsCleanAndRemovesTheSockets() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append("{\"a\":1}\n{\"a\":2}\n", to: "x.jsonl")
        try rig.waitForLines(2)
        #expect(rig.agent?.stop() == 0)
        #expect(rig.daemon?.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: rig.querySocket))
        try rig.startDaemon()
        #expect(try rig.ask("ledger")["total"]?["stored"] == 2)
    }

    @Test func hangupReadsTheConfigurationAgain() throws {
        let rig = try Rig()
        try rig.startDaemon()
        rig.daemon?.signal(SIGHUP)
        try rig.waitUntil("it says so") {
            rig.daemon?.log.contains("configuration read again") == true
        }
        #expect(try rig.ask("health")["status"] == "ok")
    }

    @Test func hangupSwitchesPersistence() throws {
        let rig = try Rig()
        let file = rig.directory("quipu.yaml")
        func configure(_ isOn: Bool) throws {
            try "persistence: \(isOn)\n".write(toFile: file, atomically: true, encoding: .utf8)
        }
        try configure(true)
        try rig.startDaemon(["--config", file])
        for isOn in [false, true] {
            try configure(isOn)
            rig.daemon?.signal(SIGHUP)
            let mode: JSON = isOn ? "persistent" : "memory"
            try rig.waitUntil("the mode is \(mode.text)") {
                (try? rig.ask("health")["mode"]) == mode
            }
        }
    }

    @Test func inMemoryNothingIsOnDisk() throws {
        let rig = try Rig()
        try rig.startDaemon(["--memory"])
        let health = try rig.ask("health")
        #expect(health["mode"] == "memory")
        #expect(health["database"]?["path"] == .null)
        #expect(!FileManager.default.fileExists(atPath: rig.state + "/quipu.db"))
    }

    @Test func tooManyConnectionsOfOneUserAreTurnedAway() throws {
        let rig = try Rig()
        try rig.startDaemon()
        var open: [Connection] = []
        for _ in 0..<Limits.connectionsPerUserMax {
            let connection = try Connection(rig.querySocket)
            try connection.send("{\"method\":\"health\"}\n")
            #expect(try connection.line()?["result"] != nil)
            open.append(connection)
        }
        let refused = try Connection(rig.querySocket)
        #expect(try refused.line()?["error"]?["code"] == -32000)
        open.removeLast()
        try rig.waitUntil("there is room again") { (try? rig.ask("health")) != nil }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let connection = try Connection(rig.querySocket)
        let count = 1_000
        let requests = (0..<count).map {
            "{\"method\":\"\($0 % 7 == 0 ? "nope" : "ledger")\",\"id\":\($0)}\n"
        }
        DispatchQueue.global().async { try? connection.send(requests.joined()) }
        for i in 0..<count {
            #expect(try connection.line()?["id"] == .int(Int64(i)))
        }
    }

    @Test func aGiantLineIsRefusedAndTheNextOneAnswered() throws {
        let rig = try Rig()
        try rig.startDaemon()
        let connection = try Connection(rig.querySocket)
        let padding = String(repeating: " ", count: Limits.requestBytesMax + 10)
        try connection.send("{\"method\":\(padding)\"health\"}\n{\"method\":\"health\"}\n")
        #expect(try connection.line()?["error"]?["code"] == -32006)
        #expect(try connection.line()?["result"]?["status"] == "ok")
    }

    /// `echo … | socat` closes its half before it reads, and the kernel takes a part of a reply.
    @Test func whoHasSentAllGetsAllOfALargeReply() throws {
        let rig = try Rig()
        try rig.start()
        let text = String(repeating: "x", count: 900)
        let lines = (0..<2_000).map { "{\"event\":\"large\",\"n\":\($0),\"text\":\"\(text)\"}\n" }
        try rig.append(lines.joined(), to: "a.jsonl")
        try rig.waitForLines(2_000)
        let asked = try rig.ask("stats")["queries"]?["requests"]?.int ?? 0
        let connection = try Connection(rig.querySocket)
        try connection.send(
            "{\"method\":\"events.query\",\"params\":{\"kind\":\"large\",\"limit\":2000}}\n")
        try connection.closeSending()
        // By then it is answered, and most of the answer waits.
        try rig.waitUntil("it is answered") {
            let stats = try? rig.ask("stats")
            return (stats?["queries"]?["requests"]?.int ?? 0) > asked + 1
        }
        let reply = try connection.line()
        #expect(
            reply?["result"]?["events"]?.array?.count == 2_000,
            "\(reply?.text.prefix(300) ?? "nothing")")
        #expect(try connection.line() == nil)
    }

    /// A notification, say: nobody waits for its answer.
    @Test func whatAClientWritesAndLeavesIsWritten() throws {
        let rig = try Rig()
        try rig.startDaemon()
        for number in 0..<30 {
            let params = "{\"id\":\"d\(number)\",\"body\":{}}"
            let connection = try Connection(rig.querySocket)
            try connection.send("{\"method\":\"documents.put\",\"params\":\(params)}\n")
        }
        try rig.waitUntil("all are there") {
            (try? rig.ask("documents.list"))?["documents"]?.array?.count == 30
        }
    }

    @Test func subscribersHearOfACommitWithinHalfASecond() throws {
        let rig = try Rig()
        try rig.start()
        let connection = try Connection(rig.querySocket)
        try connection.send(
            "{\"method\":\"subscribe\",\"params\":{\"topics\":[\"events\",\"metrics\"]}}\n")
        #expect(try connection.line()?["result"]?["subscription"] == 1)
        try rig.send("{\"event\":\"generation\",\"name\":\"diagram\",\"status\":\"ok\"}")
        let event = try connection.line()?["params"]
        #expect(event?["topic"] == "events")
        #expect(event?["seq"] == 1)
        #expect(event?["data"]?["kind"] == "generation")
        try rig.send("m:1|c")
        #expect(try connection.line()?["params"]?["data"]?["metric"] == "m")
    }
}

/// What the daemon says when it cannot do what it is asked.
@Suite struct DaemonRefusalTests {
    @Test(arguments: ["query.sock", "ingest.sock"])
    func halfARequestIsGivenUpAfterItsTime(_ socket: String) throws {
        let rig = try Rig()
        try rig.startDaemon()
        let connection = try Connection(rig.querySocket.replacing("query.sock", with: socket))
        try connection.send("{\"method\":")
        #expect(try connection.line()?["error"]?["code"] == -32004)
        #expect(try connection.line() == nil)
    }

    /// Adds what one daemon's log holds to that of the whole run, where there is one.
    private static func hand(_ path: String) {
        guard let all = ProcessInfo.processInfo.environment["QUIPU_TRAFFIC_LOG"],
            let bytes = FileManager.default.contents(atPath: path)
        else { return }
        let descriptor = open(all, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        #expect(count == bytes.count)
    }

    /// Files that must not grow stand for a full disk: the daemon starts on what it has, nothing is
    /// acknowledged, everything else is answered.
    @Test func aFailingDiskAcknowledgesNothing() throws {
        let rig = try Rig()
        try rig.startDaemon()
        rig.stop()
        let files = FileManager.default
        // Its ballast is longer than all else together.
        let names = try files.contentsOfDirectory(atPath: rig.state)
        let size = try names.filter { $0.hasPrefix("quipu.db") }.compactMap { name in
            try files.attributesOfItem(atPath: rig.state + "/" + name)[.size] as? Int
        }.reduce(0, max)
        // The bound holds for the traffic log too, which is long by now: it gets one of its own.
        let traffic = rig.directory("traffic.jsonl")
        try rig.startDaemon(
            underShell: "trap '' XFSZ; ulimit -f \(size / 1_024); exec",
            environment: ["QUIPU_TRAFFIC_LOG": traffic])
        defer { Self.hand(traffic) }
        let connection = try Connection(rig.ingestSocket)
        // Random, so that it stays large whatever it is packed with.
        var random = SeededGenerator()
        print("seed \(random.seed)")
        var text = ""
        while text.utf8.count < 2 * size {
            let numbers = (0..<40).map { _ in String(random.next(), radix: 36) }
            text += "{\"text\":\"\(numbers.joined())\"}\n"
        }
        try connection.send(
            "{\"method\":\"ingest.open\",\"params\":{\"source\":{\"key\":\"disk:1\","
                + "\"path\":\"x.jsonl\"},\"size\":\(text.utf8.count)}}\n")
        let source = try #require(try connection.line()?["result"]?["source_id"]?.int)
        try connection.send(
            "{\"method\":\"ingest.batch\",\"params\":{\"source_id\":\(source),\"from\":0,"
                + "\"to\":\(text.utf8.count),\"bytes\":\(text.utf8.count)}}\n\(text)")
        let error = try connection.line()?["error"]
        #expect(error?["code"] == -32005, "\(error?.text ?? "")")
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["received"] == 0)
        #expect(rig.daemon?.isRunning == true)
    }
}

/// One connection of `query.sock`, line by line.
final class Connection: Sendable {
    private let descriptor: Int32
    private let lines: Mutex<[UInt8]>

    init(_ path: String) throws {
        descriptor = try UnixSocket.connect(to: path, kind: .stream).release()
        lines = Mutex([])
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw POSIXError(.EPIPE) }
            rest = rest.dropFirst(count)
        }
    }

    /// Nothing more will be sent; answers are still read.
    func closeSending() throws {
        guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { throw POSIXError(.ENOTCONN) }
    }

    /// The next line that is no notification.
    func reply() throws -> JSON? {
        while let line = try line() {
            if line["method"] != "notify" { return line }
        }
        return nil
    }

    /// The next line; nil at the end.
    func line() throws -> JSON? { try text().map { try JSON.parse(Array($0.utf8)) } }

    /// The next line as it came; nil at the end.
    func text() throws -> String? {
        lines.withLock { buffer in
            while true {
                if let newline = buffer.firstIndex(of: 0x0a) {
                    let line = Array(buffer[..<newline])
                    buffer.removeSubrange(...newline)
                    return String(decoding: line, as: UTF8.self)
                }
                var piece = [UInt8](repeating: 0, count: 64 << 10)
                let count = read(descriptor, &piece, piece.count)
                guard count > 0 else { return nil }
                buffer += piece.prefix(count)
            }
        }
    }
}
