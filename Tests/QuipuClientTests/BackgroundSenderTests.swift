import Platform
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import QuipuClient

@Suite struct BackgroundSenderTests {
    private let directory: TemporaryDirectory
    private var path: String { directory("metrics.sock") }

    init() throws { directory = try TemporaryDirectory() }

    @Test func everyInstrumentWritesItsLine() throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        sender.counter("hits").increment()
        sender.counter("hits", tags: [("a", "1"), ("bare", "")]).increment(by: 2.5)
        sender.gauge("depth").set(-7)
        sender.gauge("depth", tags: [("q", "x")]).set(0.5)
        sender.timer("took").record(nanoseconds: 1_250_000)
        sender.timer("took").record(.milliseconds(3))
        sender.histogram("size").record(10)
        sender.distribution("size").record(1e-9)
        sender.set("who").insert("a:b")
        #expect(sender.flush(milliseconds: 60_000))
        #expect(
            agent.waiting() == [
                [
                    "hits:1|c", "hits:2.5|c|#a:1,bare", "depth:-7|g|#", "depth:0.5|g|#q:x",
                    "took:1.25|ms", "took:3|ms", "size:10|h", "size:1e-09|d", "who:a:b|s",
                ].joined(separator: "\n")
            ])
        #expect(sender.figures.sent == 9 && sender.figures.dropped == 0)
    }

    @Test func whatWouldBreakALineIsReplaced() throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        let long = String(repeating: "é", count: 150)
        sender.counter("a:b|c\nd").increment()
        sender.counter("").increment()
        sender.counter("_e{1").increment()
        sender.counter("{x").increment()
        sender.counter(long, tags: [("k:1,", "v|2,3:4"), ("t", long)]).increment()
        sender.set("who").insert("a|b\nc")
        sender.histogram("never").record(.infinity)
        sender.set("never").insert("")
        let lines = try agent.receive(lines: 7).flatMap(\.self)
        let hundred = String(repeating: "é", count: 100)
        let shorter = String(repeating: "é", count: 99)
        #expect(
            lines == [
                "a_b_c_d:1|c", "_:1|c", "_e_1:1|c", "_x:1|c",
                "\(hundred):1|c|#k_1_:v_2_3:4,t:\(shorter)", "who:a_b_c|s",
                "quipu.senders.lines_dropped:2|c|#client:swift",
            ])
        #expect(sender.figures.dropped == 2)
    }

    @Test func eventsAreNativeJSON() throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        let time = try #require(Timestamp(rfc3339: "2026-11-20T15:17:28.926Z"))
        sender.event(
            "generation", name: "dia\ngram", status: .ok, durationMs: 5_120, session: "u-17",
            attributes: ["provider": "aws", "tokens": 812], time: time)
        sender.event("big", name: String(repeating: "x", count: Limits.datagramBytesMax))
        #expect(
            try agent.receive(lines: 2).flatMap(\.self) == [
                #"{"event":"generation","time":"2026-11-20T15:17:28.926Z","name":"dia\ngram","#
                    + #""status":"ok","duration_ms":5120,"session":"u-17","#
                    + #""attributes":{"provider":"aws","tokens":812}}"#,
                "quipu.senders.lines_dropped:1|c|#client:swift",
            ])
        #expect(sender.figures.dropped == 1)
    }

    @Test func linesArePackedAndNoneIsLost() throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        let counter = sender.counter("packed.counter", tags: [("n", "1")])
        let count = 20_000
        for value in 0..<count { counter.increment(by: value) }
        let datagrams = try agent.receive(lines: count)
        let expected = (0..<count).map { "packed.counter:\($0)|c|#n:1" }
        #expect(datagrams.flatMap(\.self) == expected)
        #expect(datagrams.allSatisfy { $0.joined(separator: "\n").utf8.count <= 8 << 10 })
        // 30 bytes a line: far fewer datagrams than lines.
        #expect(datagrams.count < count / 50)
    }

    @Test func manyThreadsAtOnce() async throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        let (threads, each) = (4, 2_000)
        await withTaskGroup(of: Void.self) { tasks in
            for thread in 0..<threads {
                tasks.addTask {
                    let counter = sender.counter("t\(thread)")
                    for value in 0..<each { counter.increment(by: value) }
                }
            }
        }
        let lines = try agent.receive(lines: threads * each).flatMap(\.self)
        for thread in 0..<threads {
            let own = lines.filter { $0.hasPrefix("t\(thread):") }
            #expect(own == (0..<each).map { "t\(thread):\($0)|c" })
        }
    }

    /// Else the figure that the daemon is told would never be the sender's own.
    @Test func whatASenderSaysOfItselfIsNoLoss() {
        let outbox = Outbox(byteCount: 8, wakeBytes: 8)
        guard case .dropped = outbox.append(lineBytes: 9, isOwn: true, { _ in 0 }) else {
            Issue.record("it found room")
            return
        }
        #expect(outbox.counts.dropped == 0)
        _ = outbox.append(lineBytes: 9) { _ in 0 }
        #expect(outbox.counts.dropped == 1)
    }

    @Test func withoutAnAgentMemoryIsBoundedAndDropsAreCounted() throws {
        var options = BackgroundSender.Options()
        options.bufferBytes = 4_096
        let sender = try BackgroundSender(path: path, options: options)
        let counter = sender.counter("lost.and.found")
        let count: UInt64 = 5_000
        for _ in 0..<count { counter.increment() }
        #expect(!sender.flush(milliseconds: 20))
        let before = sender.figures
        #expect(before.recorded + before.dropped == count)
        #expect(before.sent == 0)
        #expect(before.waiting * 19 <= UInt64(2 * options.bufferBytes))

        // The agent comes, gets what was kept, and is told what was not.
        let agent = try AgentSocket(at: path)
        let lines = try agent.receive(lines: Int(before.recorded) + 1).flatMap(\.self)
        #expect(lines.count { $0 == "lost.and.found:1|c" } == Int(before.recorded))
        #expect(lines.last == "quipu.senders.lines_dropped:\(before.dropped)|c|#client:swift")
    }

    @Test func anotherAgentGetsTheRest() throws {
        let sender = try BackgroundSender(path: path)
        let counter = sender.counter("n")
        for round in 0..<3 {
            let agent = try AgentSocket(at: path)
            counter.increment(by: round)
            #expect(try agent.receive(lines: 1) == [["n:\(round)|c"]])
        }
        #expect(sender.figures.dropped == 0)
    }

    @Test func aFullQueueIsWaitedForByTheThreadAlone() throws {
        let agent = try AgentSocket(at: path)
        var options = BackgroundSender.Options()
        options.datagramBytesMax = 64
        let sender = try BackgroundSender(path: path, options: options)
        let counter = sender.counter("queue.is.full.soon")
        let count = 20_000
        for value in 0..<count { counter.increment(by: value) }
        // Far more datagrams than a kernel holds, and no one has read yet.
        #expect(!sender.flush(milliseconds: 50))
        let lines = try agent.receive(lines: count).flatMap(\.self)
        #expect(lines == (0..<count).map { "queue.is.full.soon:\($0)|c" })
        #expect(sender.figures.dropped == 0)
    }

    @Test func afterCloseLinesAreDropped() throws {
        let agent = try AgentSocket(at: path)
        let sender = try BackgroundSender(path: path)
        let counter = sender.counter("a")
        counter.increment()
        sender.close()
        #expect(try agent.receive(lines: 1) == [["a:1|c"]])
        counter.increment()
        #expect(sender.figures.dropped == 1)
        #expect(sender.flush(milliseconds: 60_000))
    }

    @Test func aSenderThatGoesSendsWhatItHas() throws {
        let agent = try AgentSocket(at: path)
        var sender: BackgroundSender? = try BackgroundSender(path: path)
        sender?.counter("last").increment()
        sender = nil
        #expect(try agent.receive(lines: 1) == [["last:1|c"]])
    }
}
