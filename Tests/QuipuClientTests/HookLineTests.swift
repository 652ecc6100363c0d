import Platform
import QuipuClient
import QuipuProtocol
import TestSupport
import Testing

@Suite struct HookLineTests {
    private static let time = "2026-11-20T15:00:00.000Z"

    private func line(_ input: String) -> String? {
        HookLine.make(Array(input.utf8), time: Self.time).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private static let stamped = #"{"timestamp":"\#(time)","#

    static let cases: [(input: String, line: String?)] = [
        ("", nil), (" \r\n\t", nil),
        ("{}", #"{"timestamp":"\#(time)"}"#), ("{ }", #"{"timestamp":"\#(time)" }"#),
        (#"{"a":1}"#, stamped + #""a":1}"#),
        ("\n{\n\"a\": 1\n}\n", stamped + #" "a": 1 }"#),
        (#"{"timestamp":"x"}"#, #"{"timestamp":"x"}"#),
        (#"{"a":{"b":[]},"ts" : 5}"#, #"{"a":{"b":[]},"ts" : 5}"#),
        (#"{"a":"time","b":1}"#, stamped + #""a":"time","b":1}"#),
        (#"{"a":{"time":1}}"#, stamped + #""a":{"time":1}}"#),
        (#"{"a":[{"t":1}]}"#, stamped + #""a":[{"t":1}]}"#),
        (#"{"a":"\",\"time\":1","b":2}"#, stamped + #""a":"\",\"time\":1","b":2}"#),
        ("[1]", "[1]"), ("Traceback\nline", "Traceback line"),
        (#"{"torn":"ti"#, stamped + #""torn":"ti"#), (#"{"torn\"#, stamped + #""torn\"#),
        ("{", stamped),
    ]

    @Test(arguments: cases) func lines(input: String, expected: String?) {
        #expect(line(input) == expected)
    }

    /// Any bytes: one line comes out, and the object is the one that went in.
    @Test func anyBytes() {
        var random = SeededGenerator()
        let pieces = [
            "{", "}", "[", "]", "\"", "\\", ":", ",", "\n", " ", "time", "\"ts\":1", "\"a\":",
            "{\"x\":\"y\"}", "é", "\0",
        ]
        for _ in 0..<3_000 {
            let input = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                random.pick(pieces)
            }.joined()
            let made = line(input)
            let context = "seed \(random.seed): \(input.debugDescription)"
            #expect(made?.contains(where: \.isNewline) != true, "\(context)")
            guard let before = try? JSON.parse(input.utf8), let members = before.members else {
                continue
            }
            let after = made.flatMap { try? JSON.parse($0.utf8) }?.members ?? []
            let isStamped = after.count == members.count + 1
            #expect(Array(isStamped ? after.dropFirst() : after[...]) == members, "\(context)")
        }
    }

    private static let filling = StaticString("full")

    @Test func aFullQueueIsWaitedForAMomentOnly() throws {
        let directory = try TemporaryDirectory()
        let path = directory("metrics.sock")
        let agent = try AgentSocket(at: path)
        let filler = try UnixSocket.connect(to: path, kind: .datagram, nonBlocking: true)
        var isFull = false
        while !isFull {
            do {
                _ = try filler.send(
                    UnsafeRawBufferPointer(
                        start: Self.filling.utf8Start, count: Self.filling.utf8CodeUnitCount))
            } catch {
                isFull = error.isQueueFull
                try #require(isFull)
            }
        }
        let sender = OneShot(
            metricsSocket: path, statsdSocket: directory("none"), patienceMs: 20)
        do throws(SystemError) {
            try sender.send([0x62])
            Issue.record("there was no room")
        } catch {
            #expect(error.isQueueFull)
        }
        #expect(!agent.waiting().isEmpty)
        try sender.send([0x63])
        #expect(agent.waiting() == ["c"])
    }
}
