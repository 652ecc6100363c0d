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
final class IngestFraming: ByteToMessageDecoder {
    typealias InboundOut = IngestFrame

    private enum State {
        case line
        case body(line: ByteBuffer, request: Request, byteCount: Int)
        case broken
    }

    private var state = State.line
    /// Bytes of the line so far that hold no newline.
    private var scanned = 0

    /// Headers are short; this also bounds what a stranger can make the daemon hold.
    static let lineBytesMax = 64 << 10

    func decode(
        context: ChannelHandlerContext, buffer: inout ByteBuffer
    ) throws -> DecodingState {
        switch state {
        case .line: return line(context: context, buffer: &buffer)
        case .body(let line, let request, let byteCount):
            guard let body = buffer.readSlice(length: byteCount) else { return .needMoreData }
            state = .line
            emit(.request(line: line, request: request, body: body), context: context)
            return .continue
        case .broken:
            buffer.clear()
            return .needMoreData
        }
    }

    private func line(
        context: ChannelHandlerContext, buffer: inout ByteBuffer
    ) -> DecodingState {
        let view = buffer.readableBytesView.dropFirst(scanned)
        guard let newline = view.firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = buffer.readableBytes
            if scanned > Self.lineBytesMax {
                breakOff(
                    "a request line has at most \(Self.lineBytesMax) bytes", context: context)
                buffer.clear()
            }
            return .needMoreData
        }
        scanned = 0
        // A copy: a slice would keep the batch behind it in memory until the answer is sent.
        let line = ByteBuffer(bytes: buffer.readableBytesView[..<newline])
        buffer.moveReaderIndex(to: newline + 1)
        take(line, context: context)
        return .continue
    }

    private func take(_ line: ByteBuffer, context: ChannelHandlerContext) {
        switch Incoming.parse(line.readableBytesView) {
        case .blank: break
        case .batch:
            breakOff("batches of requests are not for this socket", context: context)
        case .single(.failure(let refused)):
            // Nobody knows whether bytes follow a line that is no request.
            if refused.error.code == .parseError {
                state = .broken
                emit(.broken(refused), context: context)
            } else {
                emit(.refused(line: line, refused), context: context)
            }
        case .single(.success(let request)):
            guard let announced = request.params["bytes"], announced != 0 else {
                // No more bytes may come, so that this could not wait for them.
                emit(
                    .request(line: line, request: request, body: ByteBuffer()), context: context)
                return
            }
            guard let byteCount = Parameters.byteCount(of: request.params) else {
                breakOff(
                    "bytes: a whole number up to \(Limits.batchBytesMax)", id: request.id,
                    context: context)
                return
            }
            state = .body(line: line, request: request, byteCount: byteCount)
        }
    }

    private func breakOff(_ hint: String, id: JSON? = nil, context: ChannelHandlerContext) {
        state = .broken
        let error = RPCError(.invalidRequest, hint: hint)
        emit(.broken(RefusedRequest(id: id ?? .null, error: error)), context: context)
    }

    private func emit(_ frame: IngestFrame, context: ChannelHandlerContext) {
        context.fireChannelRead(Self.wrapInboundOut(frame))
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }

    /// A batch of 16 MiB must not leave its buffer behind.
    func shouldReclaimBytes(buffer: ByteBuffer) -> Bool {
        buffer.readerIndex > 64 << 10
    }
}
