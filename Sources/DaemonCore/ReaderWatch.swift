internal import NIOCore
internal import Platform
internal import QuipuModel
internal import Synchronization

/// Watches what one reader has not taken yet: writes go out in pieces, so that progress shows, and
/// who takes nothing for `Limits.slowReaderMsMax` is cut. A reply may have megabytes, and would
/// stay in memory for as long as its reader likes.
final class ReaderWatch: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The kernel takes about so much at once.
    private static let pieceBytes = 64 << 10
    private static let lookSeconds: Int64 = 1

    private let waiting: WaitingReplies
    private let onCut: @Sendable (_ bound: String) -> Void
    private var id: Int?
    private var look: Scheduled<Void>?

    init(waiting: WaitingReplies, onCut: @escaping @Sendable (_ bound: String) -> Void) {
        self.waiting = waiting
        self.onCut = onCut
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = Self.unwrapOutboundIn(data)
        guard buffer.readableBytes > 0 else { return context.write(data, promise: promise) }
        let id = id ?? enter(context.channel)
        waiting.add(buffer.readableBytes, of: id)
        while let piece = buffer.readSlice(
            length: min(Self.pieceBytes, buffer.readableBytes)), piece.readableBytes > 0
        {
            let taken = context.eventLoop.makePromise(of: Void.self)
            let count = piece.readableBytes
            let waiting = waiting
            taken.futureResult.whenComplete { _ in waiting.take(count, of: id) }
            if buffer.readableBytes == 0 { taken.futureResult.cascade(to: promise) }
            context.write(Self.wrapOutboundOut(piece), promise: taken)
        }
        if look == nil { lookLater(context) }
    }

    private func enter(_ channel: any Channel) -> Int {
        let id = waiting.enter { [onCut] in
            onCut("replies_waiting_bytes")
            channel.close(promise: nil)
        }
        self.id = id
        return id
    }

    private func lookLater(_ context: ChannelHandlerContext) {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        look = context.value.eventLoop.scheduleTask(in: .seconds(Self.lookSeconds)) {
            handler.value.lookNow(context.value)
        }
    }

    private func lookNow(_ context: ChannelHandlerContext) {
        look = nil
        guard let id else { return }
        switch waiting.verdict(on: id) {
        case .idle: return
        case .waiting: lookLater(context)
        case .cut(let bound):
            onCut(bound)
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        look?.cancel()
        if let id { waiting.leave(id) }
        id = nil
    }
}
