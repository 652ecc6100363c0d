/// The closed set of error codes: those of JSON-RPC 2.0, and the daemon's own from -32000
/// downwards.
public enum ErrorCode: Int, Sendable, CaseIterable {
    case parseError = -32700
    case invalidRequest = -32600
    case methodNotFound = -32601
    case invalidParams = -32602
    case internalError = -32603
    case overloaded = -32000
    case notFound = -32001
    case denied = -32002
    case limitExceeded = -32003
    case timeout = -32004
    case unavailable = -32005
    case tooLarge = -32006

    /// The word in `error.data.reason`, unless an error has a narrower one.
    public var reason: String {
        switch self {
        case .parseError: "parse_error"
        case .invalidRequest: "invalid_request"
        case .methodNotFound: "method_not_found"
        case .invalidParams: "invalid_params"
        case .internalError: "internal_error"
        case .overloaded: "overloaded"
        case .notFound: "not_found"
        case .denied: "denied"
        case .limitExceeded: "limit_exceeded"
        case .timeout: "timeout"
        case .unavailable: "unavailable"
        case .tooLarge: "too_large"
        }
    }

    /// The short sentence in `error.message`.
    public var message: String {
        switch self {
        case .parseError: "Parse error"
        case .invalidRequest: "Invalid request"
        case .methodNotFound: "Method not found"
        case .invalidParams: "Invalid params"
        case .internalError: "Internal error"
        case .overloaded: "Overloaded"
        case .notFound: "Not found"
        case .denied: "Denied"
        case .limitExceeded: "Limit exceeded"
        case .timeout: "Timeout"
        case .unavailable: "Unavailable"
        case .tooLarge: "Too large"
        }
    }
}

/// An error as it goes over the wire.
public struct RPCError: Error, Sendable, Equatable {
    public var code: ErrorCode
    /// A word for programs; narrower than the code where that helps (`wrong_position`).
    public var reason: String
    /// Which member of the request is meant, parts joined by dots: `since`,
    /// `where.duration_ms.gte`.
    public var path: String?
    /// What is wrong and what would be right, for a person.
    public var hint: String?
    /// Further members of `error.data`.
    public var extra: [JSON.Member]

    public init(
        _ code: ErrorCode, reason: String? = nil, path: String? = nil, hint: String? = nil,
        extra: [JSON.Member] = []
    ) {
        self.code = code
        self.reason = reason ?? code.reason
        self.path = path
        self.hint = hint
        self.extra = extra
    }

    public static func invalid(_ path: String, _ hint: String) -> RPCError {
        RPCError(.invalidParams, path: path, hint: hint)
    }

    /// `{"code","message","data":{"reason","path","hint",…}}`; `path` and `hint` only where known.
    public var json: JSON {
        var data = [JSON.Member("reason", .string(reason))]
        if let path { data.append(JSON.Member("path", .string(path))) }
        if let hint { data.append(JSON.Member("hint", .string(hint))) }
        data += extra
        return [
            "code": .int(Int64(code.rawValue)), "message": .string(code.message),
            "data": .object(data),
        ]
    }

    /// Reads an error of a reply; nil when the code is none of ours.
    public init?(json: JSON) {
        guard let code = json["code"]?.int.flatMap({ ErrorCode(rawValue: Int(clamping: $0)) })
        else { return nil }
        let known: Set<String> = ["reason", "path", "hint"]
        let data = json["data"] ?? .null
        self.init(
            code, reason: data["reason"]?.string, path: data["path"]?.string,
            hint: data["hint"]?.string,
            extra: (data.members ?? []).filter { !known.contains($0.name) })
    }
}
