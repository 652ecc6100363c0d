public import Platform
public import QuipuProtocol

/// Why a question has no answer; its description says what to do next.
public enum ClientError: Error, Sendable, Equatable {
    /// Nothing listens at the socket.
    case notRunning(socket: String)
    /// The socket's permissions keep this user out.
    case notPermitted(socket: String)
    /// The daemon closed the connection before it answered.
    case disconnected
    case timeout(seconds: Int)
    /// The agent took nothing out of its socket's queue for so long.
    case queueFull(seconds: Int)
    /// The daemon's own answer.
    case refused(RPCError)
    /// The daemon's answer is not what the protocol says.
    case malformed(String)
    case tooLong(bytesMax: Int)
    /// Who read what was written has gone; see `Client.endWhenUnread`.
    case unread
    case system(SystemError)

    init(connecting error: SystemError, to socket: String) {
        if error.isNobodyThere {
            self = .notRunning(socket: socket)
        } else if error.isDenied {
            self = .notPermitted(socket: socket)
        } else {
            self = .system(error)
        }
    }

    init(onConnection error: SystemError) {
        self = error.isDisconnected ? .disconnected : .system(error)
    }

    /// Whether the daemon could not be asked at all.
    public var isUnreachable: Bool {
        switch self {
        case .notRunning, .notPermitted, .disconnected, .timeout, .queueFull, .system: true
        case .refused, .malformed, .tooLong, .unread: false
        }
    }
}

extension ClientError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notRunning(let socket):
            let service = socket.hasSuffix("/metrics.sock") ? "quipu-agent" : "quipud"
            return "\(service) is not running at \(socket); "
                + "start it with `\(service)` or `systemctl start \(service)`"
        case .notPermitted(let socket):
            return "no permission to use \(socket); "
                + "join the group that owns it (`ls -l \(socket)`), or run as root"
        case .disconnected:
            return
                "quipud closed the connection; see `systemctl status quipud` or its standard error"
        case .unread:
            return "nobody reads the output any more"
        case .timeout(let seconds):
            return "quipud did not answer within \(seconds) s; see `systemctl status quipud`"
        case .queueFull(let seconds):
            return "quipu-agent took nothing for \(seconds) s and its queue is full; "
                + "see `systemctl status quipu-agent`"
        case .refused(let error): return error.sentence
        case .malformed(let what): return "quipud answered what is not the protocol: \(what)"
        case .tooLong(let bytesMax): return "a line is longer than \(bytesMax) bytes"
        case .system(let error): return error.description
        }
    }
}

extension RPCError {
    /// For a person: `Invalid params: since: a time as …`.
    public var sentence: String {
        let parts = [code.message, path, hint ?? (reason == code.reason ? nil : reason)]
        return parts.compactMap { $0 }.joined(separator: ": ")
    }
}
