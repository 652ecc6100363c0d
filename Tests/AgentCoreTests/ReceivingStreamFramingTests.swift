import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

/// Feeds a framing as a connection does, in pieces of given sizes.
private struct Feeder {
    var framing = StreamFraming()
    var payloads: [String] = []
    var tooLong: UInt64 = 0
    var cutOff: UInt64 = 0

    mutating func feed(_ bytes: [UInt8], pieces: Int) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Landing.streamBytes, alignment: 8)
        defer { buffer.deallocate() }
        var position = 0
        while position < bytes.count {
            let held = framing.begin(buffer)
            let room = framing.capacity - held
            #expect(room > 0)
            let count = min(pieces, room, bytes.count - position)
            UnsafeMutableRawBufferPointer(rebasing: buffer[held...])
                .copyBytes(from: bytes[position..<position + count])
            position += count
            take(framing.cut(buffer, count: held + count), buffer)
        }
    }

    mutating func finish(_ end: StreamFraming.End = .closed) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Landing.streamBytes, alignment: 8)
        defer { buffer.deallocate() }
        take(framing.finish(buffer, end), buffer)
    }

    private mutating func take(_ cut: StreamFraming.Cut, _ buffer: UnsafeMutableRawBufferPointer) {
        #expect(cut.payloadBytes <= Limits.streamLineBytesMax)
        if cut.payloadBytes > 0 {
            payloads.append(String(decoding: buffer[..<cut.payloadBytes], as: UTF8.self))
        }
        tooLong += cut.tooLong
        cutOff += cut.cutOff
    }

    /// The lines of all payloads.
    var lines: [String] {
        payloads.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
            .map(String.init)
    }
}

@Suite struct ReceivingStreamFramingTests {
    static let pieces = [1, 2, 3, 5, 7, 64, 1_000, 1 << 20]
    private static let longestLine = String(repeating: "x", count: Limits.streamLineBytesMax)
    private static let longestPacket = String(repeating: "x", count: Limits.datagramBytesMax)

    private func packet(_ text: String) -> [UInt8] {
        let count = UInt32(text.utf8.count)
        return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) } + text.utf8
    }

    @Test(arguments: pieces) func lines(pieces: Int) {
        var feeder = Feeder()
        let sent = (0..<50).map { "metric.\($0):\($0)|c|#tag:é" }
        feeder.feed(Array((sent.joined(separator: "\n") + "\n").utf8), pieces: pieces)
        #expect(feeder.lines == sent)
        feeder.finish()
        #expect(feeder.lines == sent)
        #expect(feeder.tooLong == 0 && feeder.cutOff == 0)
    }

    @Test(arguments: pieces) func packets(pieces: Int) {
        var feeder = Feeder()
        var bytes: [UInt8] = []
        var sent: [String] = []
        for number in 0..<50 {
            let lines = (0...number % 3).map { "metric.\(number):\($0)|g" }
            sent += lines
            let text = lines.joined(separator: "\n")
            bytes += packet(number % 2 == 0 ? text + "\n" : text)
            if number % 10 == 0 { bytes += packet("") + packet("\n") }
        }
        feeder.feed(bytes, pieces: pieces)
        feeder.finish()
        #expect(feeder.lines == sent)
        #expect(feeder.tooLong == 0 && feeder.cutOff == 0)
    }

    @Test(arguments: [997, 40_000, 1 << 20]) func theLongestLineAndPacketPass(pieces: Int) {
        let line = Self.longestLine
        var lines = Feeder()
        lines.feed(Array("a:1|c\n\(line)\nb:1|c\n\(line)\n".utf8), pieces: pieces)
        lines.finish()
        #expect(lines.lines == ["a:1|c", line, "b:1|c", line])
        #expect(lines.tooLong == 0)
        let longest = Self.longestPacket

        var packets = Feeder()
        packets.feed(
            packet("a:1|c") + packet(longest) + packet("b:1|c") + packet(longest), pieces: pieces)
        packets.finish()
        #expect(packets.lines == ["a:1|c", longest, "b:1|c", longest])
        #expect(packets.tooLong == 0)
    }

    @Test(arguments: [997, 40_000, 1 << 20]) func whatIsTooLongCostsOnlyItself(pieces: Int) {
        for extra in [1, 2, 3, 4, 5, 200_000] {
            let more = String(repeating: "x", count: extra)
            let line = Self.longestLine + more
            let tooLong = Self.longestPacket + more
            var lines = Feeder()
            lines.feed(Array("a:1|c\n\(line)\nb:1|c\n".utf8), pieces: pieces)
            lines.finish()
            #expect(lines.lines == ["a:1|c", "b:1|c"])
            #expect(lines.tooLong == 1)

            var packets = Feeder()
            packets.feed(packet("a:1|c") + packet(tooLong) + packet("b:1|c"), pieces: pieces)
            packets.finish()
            #expect(packets.lines == ["a:1|c", "b:1|c"])
            #expect(packets.tooLong == 1)
        }
    }

    @Test func aLongLineIsGivenUpWhenItsMemoryIsNeeded() {
        var feeder = Feeder()
        let half = String(repeating: "x", count: 300_000)
        feeder.feed(Array("a:1|c\n\(half)".utf8), pieces: 1 << 20)
        #expect(feeder.framing.heldBytes == half.utf8.count)
        feeder.framing.lineBytesMax = Limits.datagramBytesMax
        feeder.feed(Array("y".utf8), pieces: 1 << 20)
        #expect(feeder.framing.heldBytes == 0)
        feeder.feed(Array("\(half)\nb:1|c\n".utf8), pieces: 1 << 20)
        #expect(feeder.lines == ["a:1|c", "b:1|c"])
        #expect(feeder.tooLong == 1)
    }

    @Test(arguments: pieces) func theEndOfAConnection(pieces: Int) {
        for (text, lines, cutOff) in [
            ("a:1|c\nb:2|c", ["a:1|c", "b:2|c"], 0), ("a:1", ["a:1"], 0), ("a", ["a"], 0),
            ("", [], 0),
        ] as [(String, [String], UInt64)] {
            var feeder = Feeder()
            feeder.feed(Array(text.utf8), pieces: pieces)
            feeder.finish()
            #expect(feeder.lines == lines)
            #expect(feeder.cutOff == cutOff)
        }
        var broken = Feeder()
        broken.feed(Array("a:1|c\nb:2".utf8), pieces: pieces)
        broken.finish(.broken)
        #expect(broken.lines == ["a:1|c"])
        #expect(broken.cutOff == 1)

        var packets = Feeder()
        packets.feed(packet("a:1|c\n") + packet("b:1|c\n").dropLast(), pieces: pieces)
        packets.finish()
        #expect(packets.lines == ["a:1|c"])
        #expect(packets.cutOff == 1)
    }

    /// Any bytes at all: nothing traps, and what comes out is bounded.
    @Test(arguments: [11, 12, 13, 14] as [UInt64]) func anyBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var feeder = Feeder()
            let bytes = (0..<Int.random(in: 0...3_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
                    & (Bool.random(using: &random) ? 0x0b : 0xff)
            }
            feeder.feed(bytes, pieces: Int.random(in: 1...500, using: &random))
            feeder.finish(Bool.random(using: &random) ? .closed : .broken)
        }
    }
}
