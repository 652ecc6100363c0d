import Foundation
import Platform
import QuipuProtocol
import TestSupport
import Testing

@Suite struct TailAndSendTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func quipu(
        _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        try Program.run(
            "quipu", ["--runtime-dir", directory.path] + arguments,
            environment: ["COLUMNS": "100"], input: input)
    }

    private func notification(_ seq: Int, _ event: String, missed: Int64 = 0) throws -> String {
        Notification(
            subscription: 1, seq: Int64(seq), topic: .events, data: try JSON.parse(event.utf8),
            missed: missed
        ).json.text
    }

    /// A daemon that tells two events and goes.
    private func telling() throws -> FakeDaemon {
        let running = #"{"seq":4712,"kind":"tool_use","name":"Edit","status":"running"}"#
        let failed =
            #"{"seq":4713,"kind":"tool_use","name":"B\u001b[2Jash","status":"error","#
            + #""duration_ms":5120,"error":"no\nway","attributes":{}}"#
        return try FakeDaemon(
            at: directory("query.sock"),
            answers: [
                "subscribe": [Canned.reply("subscribe/events")],
                "events.query": [
                    Canned.reply("events.query/page"), notification(1, running),
                    notification(4, failed, missed: 2), "close",
                ],
            ])
    }

    @Test func tailShowsWhatWasAndWhatComes() throws {
        let daemon = try telling()
        defer { daemon.stop() }
        let result = try quipu(["tail", "--kind", "tool_use", "--lines", "3"])
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].contains("Bash"))
        #expect(lines[2].contains(#"B\x1b[2Jash  error  5.12 s  no\nway"#))
        #expect(result.errors.contains("missed 2"))
        #expect(result.errors.contains("quipud closed the connection"))
        #expect(result.status == 69)
        #expect(daemon.requests.first?["params"] == ["topics": ["events"], "kind": "tool_use"])
        #expect(daemon.requests.last?["params"] == ["kind": "tool_use", "limit": 3])
    }

    /// Nothing comes any more, so that no write tells that the reader is gone.
    @Test(arguments: ["head -n 1", "true"], ["", "--json"])
    func tailEndsWhenNobodyReads(_ reader: String, _ option: String) throws {
        let daemon = try FakeDaemon(
            at: directory("query.sock"),
            answers: [
                "subscribe": [Canned.reply("subscribe/events")],
                "events.query": [Canned.reply("events.query/page")],
            ])
        defer { daemon.stop() }
        // Status 124 is that of `timeout`: it waited for the next event.
        let result = try Program.run(
            "/bin/sh",
            [
                "-c", "(timeout 60 \"$0\" --runtime-dir \"$1\" tail -n 2 $2; echo $? >&2) | $3",
                Program.directory + "/quipu", directory.path, option, reader,
            ])
        #expect(result.errors == "0\n")
    }

    @Test func tailInJSONIsOneEventALine() throws {
        let daemon = try telling()
        defer { daemon.stop() }
        let lines = try quipu(["tail", "--json"]).output.split(separator: "\n")
        #expect(lines.count == 3)
        let events = try lines.map { try JSON.parse($0.utf8) }
        #expect(events.map { $0["seq"] } == [4711, 4712, 4713])
    }

    @Test func sendsOneDatagramALine() throws {
        let socket = try UnixSocket.listen(
            at: directory("metrics.sock"), kind: .datagram, mode: 0o600)
        let arguments = ["send", "deploys:1|c", #"{"metric":"a","type":"gauge","value":3}"#, "-"]
        let result = try quipu(arguments, input: "x:1|ms\n\nnot one\ny:2|ms")
        #expect(result.status == 1)
        #expect(result.errors.contains("line 3"))
        #expect(
            received(on: socket) == [
                "deploys:1|c", #"{"metric":"a","type":"gauge","value":3}"#, "x:1|ms", "y:2|ms",
            ])
    }

    /// All that the agent reads: what it would refuse is told, and nothing else is.
    @Test func sendsWhateverTheAgentReads() throws {
        let socket = try UnixSocket.listen(
            at: directory("metrics.sock"), kind: .datagram, mode: 0o600)
        let deep = #"{"event":"a","attributes":"#
        let lines = [
            "deploys:1|c", "_e{2,4}:up|text|#env:a", "_sc|db.up|0", "_sc|db.up|2|m:it is gone",
            #"{"metric":"a","type":"gauge","value":3}"#, "a:1|c\nb:2|g\n",
            "_sc|a|0\n{\"event\":\"b\"}",
            deep + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
        ]
        let together = try quipu(["send"] + lines)
        #expect(together.status == 0, "\(together.errors)")
        #expect(received(on: socket) == lines)
        let single = lines.filter { !$0.contains("\n") }
        let piped = try quipu(["send", "-"], input: single.joined(separator: "\n"))
        #expect(piped.status == 0, "\(piped.errors)")
        #expect(received(on: socket) == single)
        for wrong in ["db.up", "_scheduler", "sc|db.up|0", "{", "a:1|c\nwrong", "{}\n{"] {
            #expect(try quipu(["send", wrong]).status == 64, "\(wrong)")
        }
        #expect(received(on: socket).isEmpty)
    }

    @Test func sendsAnEventFromOptions() throws {
        let socket = try UnixSocket.listen(
            at: directory("metrics.sock"), kind: .datagram, mode: 0o600)
        let result = try quipu([
            "send", "--event", "deploy", "--name", "api", "--status", "ok", "--duration-ms", "5120",
            "--attribute", "host=web1", "--attribute", "tries=2",
        ])
        #expect(result.status == 0)
        #expect(
            received(on: socket) == [
                #"{"event":"deploy","name":"api","status":"ok","duration_ms":5120,"#
                    + #""attributes":{"host":"web1","tries":2}}"#
            ])
    }

    @Test func withoutAnAgentItSaysWhatToDo() throws {
        let result = try quipu(["send", "a:1|c"])
        #expect(result.status == 69)
        #expect(result.errors.contains("quipu-agent is not running at"))
    }

    /// An agent that is stopped: nobody takes anything out of the queue.
    @Test func aFullQueueIsNotWaitedForForEver() throws {
        let socket = try UnixSocket.listen(
            at: directory("metrics.sock"), kind: .datagram, mode: 0o600)
        let other = try UnixSocket.connect(
            to: directory("metrics.sock"), kind: .datagram, nonBlocking: true)
        var isFull = false
        while !isFull {
            do throws(SystemError) {
                _ = try withUnsafeBytes(of: UInt64(0)) { bytes throws(SystemError) in
                    try other.send(bytes)
                }
            } catch {
                try #require(error.isWouldBlock)
                isFull = true
            }
        }
        let result = try quipu(["send", "a:1|c"])
        #expect(result.status == 69)
        #expect(result.errors.contains("queue is full"))
        _ = received(on: socket)
    }

    /// What waits in the socket's queue.
    private func received(on socket: borrowing OwnedDescriptor) -> [String] {
        var datagrams: [String] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { (try? socket.read(into: $0)) ?? 0 }
            if count == 0 { return datagrams }
            datagrams.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}
