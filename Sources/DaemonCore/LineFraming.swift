internal import NIOCore
internal import QuipuModel

/// What the wire brings on `query.sock`.
enum QueryFrame: Sendable {
    /// One request, without its newline.
    case line(ByteBuffer)
    /// A line beyond `Limits.requestBytesMax`; its bytes were thrown away as they came.
    case tooLong
    /// Half a line, and then nothing for `Limits.halfSentRequestMsMax`.
    case stalled
}

/// Bytes to lines: `\n` only, bounded, and with a deadline for half-sent ones.
final class LineFraming: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = QueryFrame
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partial = ByteBuffer()
    private var isSkipping = false
    private let deadline = HalfSentTimer()

    func read(context: ChannelHandlerContext) {
        deadline.readAsked(context.eventLoop)
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deadline.readEnded()
        context.fireChannelReadComplete()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        while let newline = input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            guard var piece = input.readSlice(length: newline - input.readerIndex) else { break }
            input.moveReaderIndex(forwardBy: 1)
            finish(&piece, context: context)
        }
        keep(&input, context: context)
        watch(context: context)
    }

    private func finish(_ piece: inout ByteBuffer, context: ChannelHandlerContext) {
        defer { isSkipping = false }
        if isSkipping { return }
        if partial.readableBytes + piece.readableBytes > Limits.requestBytesMax {
            partial = ByteBuffer()
            emit(.tooLong, context: context)
        } else if partial.readableBytes == 0 {
            emit(.line(piece), context: context)
        } else {
            partial.writeBuffer(&piece)
            emit(.line(partial), context: context)
            partial = ByteBuffer()
        }
    }

    private func keep(_ rest: inout ByteBuffer, context: ChannelHandlerContext) {
        guard !isSkipping, rest.readableBytes > 0 else { return }
        if partial.readableBytes + rest.readableBytes > Limits.requestBytesMax {
            partial = ByteBuffer()
            isSkipping = true
            emit(.tooLong, context: context)
        } else {
            partial.writeBuffer(&rest)
        }
    }

    private func watch(context: ChannelHandlerContext) {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline.received(isHalfSent: partial.readableBytes > 0, loop: context.eventLoop) {
            handler.value.emit(.stalled, context: bound.value)
        }
    }

    private func emit(_ frame: QueryFrame, context: ChannelHandlerContext) {
        context.fireChannelRead(wrapInboundOut(frame))
        context.fireChannelReadComplete()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline.stop()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A last line without its newline is a request all the same: `printf` and friends write it
        // so.
        if case ChannelEvent.inputClosed? = event as? ChannelEvent, partial.readableBytes > 0 {
            emit(.line(partial), context: context)
            partial = ByteBuffer()
            deadline.stop()
        }
        context.fireUserInboundEventTriggered(event)
    }
}
