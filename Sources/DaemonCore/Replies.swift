internal import NIOCore
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

/// Replies as lines, and the store's errors as the wire's.
enum Replies {
    static func line(_ value: JSON) -> ByteBuffer {
        var bytes = value.bytes
        bytes.append(UInt8(ascii: "\n"))
        return ByteBuffer(bytes: bytes)
    }

    /// One line for somebody who is turned away before having asked anything.
    static func overloaded(hint: String) -> ByteBuffer {
        line(Reply(id: .null, outcome: .failure(RPCError(.overloaded, hint: hint))).json)
    }

    static func error(_ error: StoreError) -> RPCError {
        switch error {
        case .timeout:
            RPCError(
                .timeout,
                hint: "it took longer than \(Limits.queryMsMax) ms; ask for a shorter time")
        case .invalid(let path, let hint): .invalid(path, hint)
        case .tooLarge(let path, let hint): RPCError(.tooLarge, path: path, hint: hint)
        case .newerSchema(let found, let known):
            RPCError(.unavailable, hint: "schema \(found) is newer than \(known)")
        case .failed(let code, let message):
            RPCError(.unavailable, hint: "the database failed (\(code)): \(message)")
        case .closed: RPCError(.unavailable, hint: "the daemon is stopping")
        }
    }
}
