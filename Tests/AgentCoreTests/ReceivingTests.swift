import Glibc
import Platform
import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

@Suite struct ReceivingTests {
    let directory: ReceivingDirectory

    init() throws { directory = try ReceivingDirectory() }

    private func listener(
        _ name: String, _ kind: UnixSocket.Kind, dialect: Dialect = .statsd
    ) throws -> Listener {
        Listener(
            try UnixSocket.listen(at: directory(name), kind: kind, mode: 0o600),
            kind: kind == .datagram ? .datagrams : .streams, dialect: dialect)
    }

    private func run(_ listeners: [Listener]) throws -> RunningReceiver {
        try RunningReceiver(directory: directory("spool"), listeners: listeners)
    }

    private static func lines(_ frames: [ReadFrame]) -> [String] {
        frames.filter { $0.header.kind == .datagram }.flatMap {
            String(decoding: $0.payload, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// Several senders at once, datagrams of 1 byte to 64 KiB: each arrives once, each sender's in
    /// order.
    @Test(arguments: [21] as [UInt64]) func manySendersAllSizes(seed: UInt64) throws {
        let senders = 4
        let each = 500
        let running = try run([try listener("metrics.sock", .datagram, dialect: .dogstatsd)])
        let path = directory("metrics.sock")
        func payload(_ sender: Int, _ number: Int) -> [UInt8] {
            var random = SeededGenerator(seed: seed &+ UInt64(sender * each + number))
            let head = Array("\(sender)/\(number)/".utf8)
            let most = number % 20 == 0 ? Limits.datagramBytesMax : 2_000
            let size = number % 100 == 0 ? most : Int.random(in: head.count...most, using: &random)
            let filler = UInt8.random(in: 0...255, using: &random)
            return head + [UInt8](repeating: filler, count: size - head.count)
        }
        for sender in 0..<senders {
            let payloads = (0..<each).map { payload(sender, $0) }
            try Threads.start(name: "sender") {
                do {
                    let socket = try SendingSocket(to: path, .datagram)
                    for payload in payloads { try socket.send(payload) }
                } catch {
                    Issue.record(error)
                }
            }
        }
        let frames = try running.frames { $0.count >= senders * each }
        running.stop()
        #expect(try running.spool.allFrames().count == senders * each)
        #expect(frames.allSatisfy { $0.header.dialect == .dogstatsd })
        for sender in 0..<senders {
            let mark = Array("\(sender)/".utf8)
            let got = frames.map(\.payload).filter { $0.starts(with: mark) }
            #expect(got == (0..<each).map { payload(sender, $0) }, "seed \(seed)")
        }
        #expect(running.receiver.figures.datagrams == UInt64(senders * each))
    }

    @Test func oneByteDatagramsAndEmptyOnes() throws {
        let running = try run([try listener("metrics.sock", .datagram)])
        let sender = try SendingSocket(to: directory("metrics.sock"), .datagram)
        for number in 0..<100 {
            try sender.send([UInt8(number)])
            try sender.send([UInt8]())
        }
        let frames = try running.frames { $0.count >= 100 }
        running.stop()
        #expect(frames.map(\.payload) == (0..<100).map { [UInt8($0)] })
        #expect(running.receiver.figures.datagrams == 200)
    }

    @Test func eachListenerHasItsDialect() throws {
        let udp = try UDPSocket.bind(host: "127.0.0.1", port: 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(udp.raw, $0, &length)
            }
        }
        #expect(named == 0)
        let running = try run([
            try listener("metrics.sock", .datagram, dialect: .dogstatsd),
            try listener("statsd.sock", .stream, dialect: .dogstatsd),
            Listener(udp, kind: .datagrams, dialect: .statsd),
        ])
        let datagram = try SendingSocket(to: directory("metrics.sock"), .datagram)
        try datagram.send("unix:1|c")
        let stream = try SendingSocket(to: directory("statsd.sock"), .stream)
        try stream.send("stream:1|c\n")
        let sender = SendingSocket(
            OwnedDescriptor(owning: socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)))
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(sender.descriptor.raw, $0, length)
            }
        }
        #expect(connected == 0)
        try sender.send("udp:1|c")
        let frames = try running.frames { $0.count == 3 }
        running.stop()
        let dialects = Dictionary(
            uniqueKeysWithValues: frames.map {
                (String(decoding: $0.payload, as: UTF8.self), $0.header.dialect)
            })
        #expect(
            dialects == ["unix:1|c": .dogstatsd, "stream:1|c": .dogstatsd, "udp:1|c": .statsd])
    }

    @Test func streamsOfBothKinds() throws {
        let running = try run([try listener("statsd.sock", .stream)])
        let path = directory("statsd.sock")
        do {
            let lines = try SendingSocket(to: path, .stream)
            let packets = try SendingSocket(to: path, .stream)
            for character in "l:1|c\nl:2|c\nl:3" { try lines.send(String(character)) }
            for piece in ["\u{7}", "\0\0", "\0p:1|", "c\nq\u{6}\0\0\0p:2|c"] {
                try packets.send(piece)
            }
            try packets.send("\n\u{9}\0\0\0p:3|c")
        }
        let frames = try running.frames { frames in
            Self.lines(frames).count + frames.compactMap(\.report).count >= 7
        }
        running.stop()
        let lines = Self.lines(frames)
        #expect(lines.filter { $0.hasPrefix("l") } == ["l:1|c", "l:2|c", "l:3"])
        #expect(lines.filter { !$0.hasPrefix("l") } == ["p:1|c", "q", "p:2|c"])
        #expect(
            frames.compactMap(\.report) == [
                LossReport(cause: .connectionCut, datagrams: 1, lines: 1)
            ])
    }

    @Test func connectionsOfOneUserAreBounded() throws {
        let running = try run([try listener("statsd.sock", .stream)])
        let path = directory("statsd.sock")
        let clients = try (0..<Limits.connectionsPerUserMax).map { _ in
            try SendingSocket(to: path, .stream)
        }
        let more = try SendingSocket(to: path, .stream)
        // Closed at once by the other side, while the earlier ones are served.
        var byte: UInt8 = 0
        #expect(read(more.descriptor.raw, &byte, 1) == 0)
        try clients[Limits.connectionsPerUserMax - 1].send("a:1|c\n")
        let frames = try running.frames { $0.count == 1 }
        #expect(Self.lines(frames) == ["a:1|c"])
        let figures = running.receiver.figures
        #expect(figures.connections == Limits.connectionsPerUserMax)
        #expect(figures.connectionsRefused == 1)
        running.stop()
        #expect(running.receiver.figures.connections == 0)
    }

    /// Whoever stops in the middle of a line is cut off after a while; whoever is silent between
    /// lines stays.
    @Test func halfSentLinesHoldNoPlaceForEver() throws {
        let running = try RunningReceiver(
            directory: directory("spool"), listeners: [try listener("statsd.sock", .stream)],
            halfSentMsMax: 50)
        let silent = try SendingSocket(to: directory("statsd.sock"), .stream)
        try silent.send("s:1|c\n")
        let half = try SendingSocket(to: directory("statsd.sock"), .stream)
        try half.send("h:1|c\nh:2|")
        // The other side ends it.
        var byte: UInt8 = 0
        #expect(read(half.descriptor.raw, &byte, 1) == 0)
        try silent.send("s:2|c\n")
        let frames = try running.frames { Self.lines($0).count == 3 && $0.count == 4 }
        #expect(Set(Self.lines(frames)) == ["s:1|c", "h:1|c", "s:2|c"])
        #expect(
            frames.compactMap(\.report) == [
                LossReport(cause: .connectionCut, datagrams: 1, lines: 1)
            ])
        running.stop()
    }

    @Test func stoppingTakesWhatTheKernelHolds() throws {
        let spoolPath = directory("spool")
        let socket = try listener("metrics.sock", .datagram)
        let streams = try listener("statsd.sock", .stream)
        let sender = try SendingSocket(to: directory("metrics.sock"), .datagram)
        let client = try SendingSocket(to: directory("statsd.sock"), .stream)
        for number in 0..<5 { try sender.send("d\(number):1|c") }
        try client.send("s:1|c\nhalf")
        let spool = try Spool(directory: spoolPath)
        let receiver = try Receiver(spool: spool, listeners: [socket, streams])
        receiver.stop()
        try receiver.run()
        let frames = try spool.allFrames()
        #expect(Self.lines(frames) == (0..<5).map { "d\($0):1|c" } + ["s:1|c"])
        #expect(
            frames.compactMap(\.report) == [
                LossReport(cause: .connectionCut, datagrams: 1, lines: 1)
            ])
    }

    /// A full spool keeps no sender waiting, and tells what it refused once there is room.
    @Test func aFullSpoolRefusesAndGoesOn() throws {
        let running = try RunningReceiver(
            directory: directory("spool"), listeners: [try listener("metrics.sock", .datagram)],
            bytesMax: 4_096, segmentBytes: 1_024)
        let sender = try SendingSocket(to: directory("metrics.sock"), .datagram)
        for number in 0..<1_000 { try sender.send("metric.\(number):1|c\nb:1|c") }
        running.stop()
        let frames = try running.spool.allFrames()
        running.spool.acknowledgeAll()
        running.spool.tellLosses()
        let lost = UInt64(1_000 - frames.count)
        #expect(frames.count > 50)
        #expect(
            try running.spool.allFrames().map(\.report) == [
                LossReport(cause: .spoolFull, datagrams: lost, lines: 2 * lost)
            ])
    }

    @Test func theKernelsQueueIsKnown() throws {
        let spool = try Spool(directory: directory.path)
        let length = try Receiver(spool: spool, listeners: []).figures.kernelQueueLength
        #expect(try #require(length) > 0)
    }
}
