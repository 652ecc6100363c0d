internal import IngestCore
internal import NIOCore
internal import QuipuModel
internal import QuipuProtocol

/// What the wire brings on `ingest.sock`.
enum IngestFrame: Sendable {
    /// A request and the raw bytes that it announced.
    case request(line: ByteBuffer, request: Request, body: ByteBuffer)
    /// A line that is wrong in itself, but leaves the stream in step.
    case refused(line: ByteBuffer, RefusedRequest)
    /// The stream is out of step: nothing after this can be understood.
    case broken(RefusedRequest)
}

/// Request lines, each followed by the raw bytes that its `params.bytes` announces.
///
/// Bytes are copied once, from the buffer they were received in, which the channel uses again, to
/// their batch's own: growing one buffer for all cost as much as decoding.
final class IngestFraming: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = IngestFrame
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var framer = IngestFramer()
    /// What the raw bytes that are coming belong to.
    private var pending: (line: ByteBuffer, request: Request)?
    /// The line so far.
    private var line = ByteBuffer()
    /// The body so far, and the ones of the batches before, whose memory is used again.
    private var body = ByteBuffer()
    private var spares: [ByteBuffer] = []
    private let deadline = HalfSentTimer()

    /// About as many bodies as are on their way at once: one read, one waiting, one decoded.
    private static let sparesMax = 3

    func read(context: ChannelHandlerContext) {
        deadline.readAsked(context.eventLoop)
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deadline.readEnded()
        context.fireChannelReadComplete()
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline.stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(Self.unwrapInboundIn(data), context: context)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline.received(isHalfSent: isHalfSent, loop: context.eventLoop) {
            handler.value.stall(bound.value)
        }
    }

    private var isHalfSent: Bool {
        switch framer.expected {
        case .line: line.readableBytes > 0
        case .body: true
        case .nothing: false
        }
    }

    /// A body may have megabytes: whoever does not finish it must not hold them for ever.
    private func stall(_ context: ChannelHandlerContext) {
        body = ByteBuffer()
        line = ByteBuffer()
        pending = nil
        emit(.broken(framer.stalled()), context: context)
        // Else it would wait with the next bytes, which do not come.
        context.fireChannelReadComplete()
    }

    private func receive(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        var received = bytes
        while received.readableBytes > 0 {
            switch framer.expected {
            case .line: takeLine(&received, context: context)
            case .body(let missing):
                let count = min(missing, received.readableBytes)
                // Those of a refused request are for nobody.
                if pending != nil { body.writeBytes(received.readableBytesView.prefix(count)) }
                received.moveReaderIndex(forwardBy: count)
                if framer.tookBody(count) { finishBody(context: context) }
            case .nothing: return
            }
        }
    }

    private func finishBody(context: ChannelHandlerContext) {
        guard let (line, request) = pending else { return }
        pending = nil
        emit(.request(line: line, request: request, body: body), context: context)
        // Where a batch is longer than any that an agent sends by itself, its memory goes back.
        if body.capacity <= 2 * Limits.batchBytes { spares.append(body) }
        body = ByteBuffer()
        if spares.count > Self.sparesMax { spares.removeFirst() }
    }

    private func beginBody(_ line: ByteBuffer, _ request: Request, byteCount: Int) {
        pending = (line, request)
        body = spare() ?? ByteBuffer()
        body.clear(minimumCapacity: min(byteCount, Limits.batchBytes))
    }

    /// The memory of a batch that nobody reads any more.
    private func spare() -> ByteBuffer? {
        for index in spares.indices
        where spares[index].modifyIfUniquelyOwned({ _ in true }) != nil {
            return spares.remove(at: index)
        }
        return nil
    }

    private func takeLine(_ received: inout ByteBuffer, context: ChannelHandlerContext) {
        let view = received.readableBytesView
        let newline = view.firstIndex(of: UInt8(ascii: "\n"))
        line.writeBytes(view[..<(newline ?? view.endIndex)])
        received.moveReaderIndex(to: newline.map { $0 + 1 } ?? received.writerIndex)
        if newline != nil {
            let complete = line
            line = ByteBuffer()
            take(complete, context: context)
        } else if line.readableBytes > IngestFramer.lineBytesMax {
            line = ByteBuffer()
            emit(.broken(framer.lineIsTooLong()), context: context)
        }
    }

    private func take(_ line: ByteBuffer, context: ChannelHandlerContext) {
        switch framer.take(line.readableBytesView) {
        case .blank: break
        case .refused(let refused, _): emit(.refused(line: line, refused), context: context)
        case .broken(let refused): emit(.broken(refused), context: context)
        case .request(let request, byteCount: 0):
            emit(.request(line: line, request: request, body: ByteBuffer()), context: context)
        case .request(let request, let byteCount):
            beginBody(line, request, byteCount: byteCount)
        }
    }

    private func emit(_ frame: IngestFrame, context: ChannelHandlerContext) {
        context.fireChannelRead(Self.wrapInboundOut(frame))
    }
}
