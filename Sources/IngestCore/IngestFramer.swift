import QuipuModel
public import QuipuProtocol

/// Takes `ingest.sock` apart: request lines, each followed by the raw bytes that its
/// `params.bytes` announces. A pure state machine that sees lines and counts bytes; whoever holds
/// the bytes asks what they are.
public struct IngestFramer: Sendable {
    /// What the next bytes are.
    public enum Expected: Equatable, Sendable {
        /// A request line, up to its newline.
        case line
        /// Raw bytes of the request before; this many are missing.
        case body(missing: Int)
        /// The stream is out of step: nothing can be understood any more.
        case nothing
    }

    /// What a whole line is.
    public enum Line: Sendable {
        case blank
        /// A request that so many raw bytes follow.
        case request(Request, byteCount: Int)
        /// Wrong in itself, but the stream stays in step: it says how many raw bytes follow it,
        /// which are nobody's.
        case refused(RefusedRequest, byteCount: Int)
        /// Nothing after this can be understood.
        case broken(RefusedRequest)
    }

    /// Headers are short; this also bounds what a stranger can make the daemon hold.
    public static let lineBytesMax = 64 << 10

    public private(set) var expected = Expected.line

    public init() {}

    /// A line ended; without its newline.
    public mutating func take(_ line: some Collection<UInt8>) -> Line {
        switch Incoming.parse(line) {
        case .blank: return .blank
        case .batch: return broken("batches of requests are not for this socket")
        case .single(.failure(let refused)):
            // Nobody knows whether bytes follow a line that is no request at all.
            guard let object = try? JSON.parse(line), object.members != nil,
                let byteCount = announced(object["params"] ?? .null)
            else {
                expected = .nothing
                return .broken(refused)
            }
            return .refused(refused, byteCount: byteCount)
        case .single(.success(let request)):
            guard let byteCount = announced(request.params) else {
                return broken(
                    "bytes: a whole number up to \(Limits.batchBytesMax)", id: request.id)
            }
            return .request(request, byteCount: byteCount)
        }
    }

    /// How many raw bytes follow, which are what comes next; nil where it is no count.
    private mutating func announced(_ params: JSON) -> Int? {
        guard params["bytes"] != nil else { return 0 }
        guard let byteCount = Parameters.byteCount(of: params) else { return nil }
        // Where no more bytes come, nobody would find out that none are missing.
        if byteCount > 0 { expected = .body(missing: byteCount) }
        return byteCount
    }

    /// A line grew beyond `lineBytesMax` and has not ended.
    public mutating func lineIsTooLong() -> RefusedRequest {
        refusal("a request line has at most \(Self.lineBytesMax) bytes", id: nil)
    }

    /// Half a request came, and the rest does not.
    public mutating func stalled() -> RefusedRequest {
        expected = .nothing
        let hint = "half a request, then nothing for \(Limits.halfSentRequestMsMax) ms"
        return RefusedRequest(id: .null, error: RPCError(.timeout, hint: hint))
    }

    /// So many of the missing bytes came; true when that was all of them.
    public mutating func tookBody(_ count: Int) -> Bool {
        guard case .body(let missing) = expected else { return false }
        expected = count < missing ? .body(missing: missing - count) : .line
        return count >= missing
    }

    private mutating func broken(_ hint: String, id: JSON? = nil) -> Line {
        .broken(refusal(hint, id: id))
    }

    private mutating func refusal(_ hint: String, id: JSON?) -> RefusedRequest {
        expected = .nothing
        return RefusedRequest(id: id ?? .null, error: RPCError(.invalidRequest, hint: hint))
    }
}
