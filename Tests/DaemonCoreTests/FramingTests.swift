import NIOCore
import NIOEmbedded
import QuipuModel
import Testing

@testable import DaemonCore

/// Framing is told nothing about how the bytes were cut on their way; so each case is fed whole and
/// byte by byte.
@Suite struct FramingTests {
    private enum Feeding: CaseIterable {
        case whole, byteByByte
    }

    private static func frames(_ text: String, _ feeding: Feeding) throws -> [String] {
        let channel = EmbeddedChannel(handler: LineFraming())
        let bytes = Array(text.utf8)
        let pieces = feeding == .whole ? [bytes] : bytes.map { [$0] }
        for piece in pieces { try channel.writeInbound(ByteBuffer(bytes: piece)) }
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        var result: [String] = []
        while let frame = try channel.readInbound(as: QueryFrame.self) {
            switch frame {
            case .line(let line): result.append(String(buffer: line))
            case .tooLong: result.append("<too long>")
            case .stalled: result.append("<stalled>")
            }
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
        return result
    }

    @Test(arguments: Feeding.allCases)
    private func linesEndAtNewlines(_ feeding: Feeding) throws {
        #expect(try Self.frames("a\n\nbc\r\nlast", feeding) == ["a", "", "bc\r", "last"])
    }

    @Test func whatIsTooLongIsThrownAwayAndTheNextLineIsRead() throws {
        let long = String(repeating: "x", count: Limits.requestBytesMax + 1)
        #expect(try Self.frames("\(long)\nok\n", .whole) == ["<too long>", "ok"])
        let longest = String(repeating: "x", count: Limits.requestBytesMax)
        #expect(try Self.frames("\(longest)\n", .whole) == [longest])
    }

    @Test func halfALineHasADeadline() throws {
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: LineFraming(), loop: loop)
        try channel.writeInbound(ByteBuffer(string: "{\"method\""))
        channel.read()
        loop.advanceTime(by: .milliseconds(Int64(Limits.halfSentRequestMsMax) - 1))
        #expect(try channel.readInbound(as: QueryFrame.self) == nil)
        loop.advanceTime(by: .milliseconds(1))
        guard case .stalled? = try channel.readInbound(as: QueryFrame.self) else {
            Issue.record("no deadline")
            return
        }
    }

    /// Requests before it still run, and nobody wants to read: that is not the peer's time.
    @Test func halfALineThatNobodyReadsOnWaits() throws {
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: LineFraming(), loop: loop)
        try channel.writeInbound(ByteBuffer(string: "{\"method\""))
        loop.advanceTime(by: .hours(1))
        #expect(try channel.readInbound(as: QueryFrame.self) == nil)
        channel.read()
        loop.advanceTime(by: .milliseconds(Int64(Limits.halfSentRequestMsMax) - 1))
        #expect(try channel.readInbound(as: QueryFrame.self) == nil)
        loop.advanceTime(by: .milliseconds(Int64(Limits.halfSentRequestMsMax)))
        guard case .stalled? = try channel.readInbound(as: QueryFrame.self) else {
            Issue.record("no deadline")
            return
        }
    }

    @Test func anIdleConnectionHasNone() throws {
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: LineFraming(), loop: loop)
        try channel.writeInbound(ByteBuffer(string: "{}\n"))
        _ = try channel.readInbound(as: QueryFrame.self)
        loop.advanceTime(by: .hours(1))
        #expect(try channel.readInbound(as: QueryFrame.self) == nil)
    }
}

@Suite struct IngestFramingTests {
    private static func frames(_ text: String, byteByByte: Bool) throws -> [String] {
        let channel = EmbeddedChannel(handler: IngestFraming())
        let bytes = Array(text.utf8)
        for piece in byteByByte ? bytes.map({ [$0] }) : [bytes] {
            try channel.writeInbound(ByteBuffer(bytes: piece))
        }
        var result: [String] = []
        while let frame = try channel.readInbound(as: IngestFrame.self) {
            switch frame {
            case .request(_, let request, let body):
                result.append("\(request.method):\(String(buffer: body))")
            case .refused(_, let refused): result.append("refused \(refused.error.reason)")
            case .broken(let refused): result.append("broken \(refused.error.reason)")
            }
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
        return result
    }

    @Test(arguments: [false, true])
    func bytesFollowTheLineThatAnnouncesThem(_ byteByByte: Bool) throws {
        let text =
            "{\"method\":\"ingest.open\",\"params\":{}}\n"
            + "{\"method\":\"ingest.batch\",\"params\":{\"bytes\":3}}\na\nb"
            + "{\"method\":\"ingest.batch\",\"params\":{\"bytes\":0}}\n"
        #expect(
            try Self.frames(text, byteByByte: byteByByte) == [
                "ingest.open:", "ingest.batch:a\nb", "ingest.batch:",
            ])
    }

    @Test func aLineThatIsNoJSONBreaksTheStream() throws {
        let text = "nonsense\n{\"method\":\"ingest.open\"}\n"
        #expect(try Self.frames(text, byteByByte: false) == ["broken parse_error"])
    }

    @Test(arguments: ["{\"method\"", "{\"method\":\"ingest.batch\",\"params\":{\"bytes\":9}}\n1"])
    func halfARequestHasADeadline(_ text: String) throws {
        let loop = EmbeddedEventLoop()
        let completions = Completions()
        let channel = EmbeddedChannel(handlers: [IngestFraming(), completions], loop: loop)
        try channel.writeInbound(ByteBuffer(string: text))
        let before = completions.count
        channel.read()
        loop.advanceTime(by: .milliseconds(Int64(Limits.halfSentRequestMsMax) - 1))
        #expect(try channel.readInbound(as: IngestFrame.self) == nil)
        loop.advanceTime(by: .milliseconds(1))
        guard case .broken(let refused)? = try channel.readInbound(as: IngestFrame.self) else {
            Issue.record("no deadline")
            return
        }
        #expect(refused.error.code == .timeout)
        // Who reads asynchronously gets what was read when a read is complete.
        #expect(completions.count > before)
    }

    private final class Completions: ChannelInboundHandler {
        typealias InboundIn = IngestFrame
        typealias InboundOut = IngestFrame
        private(set) var count = 0

        func channelReadComplete(context: ChannelHandlerContext) {
            count += 1
            context.fireChannelReadComplete()
        }
    }

    @Test func aCountBeyondTheBoundBreaksTheStream() throws {
        let text = "{\"method\":\"ingest.batch\",\"params\":{\"bytes\":99999999999}}\n"
        #expect(try Self.frames(text, byteByByte: true) == ["broken invalid_request"])
    }

    /// Its agent sends the bytes in any case: they are no requests.
    @Test(arguments: [false, true])
    func bytesOfAWrongEnvelopeAreNotRead(_ byteByByte: Bool) throws {
        let open = "{\"method\":\"ingest.open\"}\n"
        for envelope in ["\"method\":5", "\"method\":\"a\",\"id\":[1]", "\"x\":1"] {
            let text =
                "{\(envelope),\"params\":{\"bytes\":\(open.utf8.count)}}\n" + open
                + "{\"method\":\"ingest.batch\",\"params\":{\"bytes\":2}}\na\n"
            #expect(
                try Self.frames(text, byteByByte: byteByByte) == [
                    "refused invalid_request", "ingest.batch:a\n",
                ])
        }
    }

    @Test(arguments: [
        "{\"method\":5,\"params\":{\"bytes\":99999999999}}",
        "{\"method\":5,\"params\":{\"bytes\":-1}}", "{\"method\":5,\"params\":{\"bytes\":\"3\"}}",
        "[]", "7",
    ])
    func aWrongLineThatDoesNotSayWhatFollowsBreaksTheStream(_ line: String) throws {
        let text = line + "\n{\"method\":\"ingest.open\"}\n"
        #expect(try Self.frames(text, byteByByte: false) == ["broken invalid_request"])
    }

    @Test func aWrongEnvelopeLeavesTheStreamInStep() throws {
        let text = "{\"method\":5}\n{\"method\":\"ingest.open\"}\n"
        #expect(
            try Self.frames(text, byteByByte: false) == [
                "refused invalid_request", "ingest.open:",
            ])
    }
}
