import QuipuModel

/// One request: an envelope of JSON-RPC 2.0 that was found right. Its method may still be unknown
/// and its parameters wrong.
public struct Request: Sendable, Equatable {
    /// String, number or null, to be repeated in the reply; nil for a notification, which gets
    /// none.
    public var id: JSON?
    public var method: String
    /// Always an object.
    public var params: JSON

    public init(id: JSON?, method: String, params: JSON = .object([])) {
        self.id = id
        self.method = method
        self.params = params
    }

    /// What a client writes, without the final newline.
    public var json: JSON {
        var members = [JSON.Member("jsonrpc", "2.0")]
        if let id { members.append(JSON.Member("id", id)) }
        members.append(JSON.Member("method", .string(method)))
        members.append(JSON.Member("params", params))
        return .object(members)
    }
}

/// An envelope that is wrong. It is always answered, with the id where one could be read.
public struct RefusedRequest: Error, Sendable, Equatable {
    public var id: JSON
    public var error: RPCError

    public init(id: JSON = .null, error: RPCError) {
        self.id = id
        self.error = error
    }

    public var reply: Reply { Reply(id: id, outcome: .failure(error)) }
}

/// What one line of a connection says.
public enum Incoming: Sendable, Equatable {
    /// White space only; ignored, so that a person may press return.
    case blank
    case single(Result<Request, RefusedRequest>)
    /// Answered by one array of replies, in this order, notifications left out; by nothing when all
    /// are notifications.
    case batch([Result<Request, RefusedRequest>])

    /// Reads one line (without its newline) of at most `Limits.requestBytesMax` bytes.
    public static func parse(_ line: some Collection<UInt8>) -> Incoming {
        guard line.count <= Limits.requestBytesMax else {
            return .refused(
                RPCError(
                    .tooLarge, hint: "a request has at most \(Limits.requestBytesMax) bytes"))
        }
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { return .blank }
        let value: JSON
        do throws(JSONError) {
            value = try JSON.parse(line)
        } catch {
            return .refused(RPCError(.parseError, hint: error.message))
        }
        guard case .array(let values) = value else { return .single(Request.read(value)) }
        guard !values.isEmpty else {
            return .refused(RPCError(.invalidRequest, hint: "an empty batch asks nothing"))
        }
        guard values.count <= Limits.requestsPerBatchMax else {
            return .refused(
                RPCError(
                    .limitExceeded,
                    hint: "a batch has at most \(Limits.requestsPerBatchMax) requests"))
        }
        return .batch(values.map(Request.read))
    }

    private static func refused(_ error: RPCError) -> Incoming {
        .single(.failure(RefusedRequest(error: error)))
    }
}

extension Request {
    private static let envelope: Set<String> = ["jsonrpc", "id", "method", "params"]

    /// Checks an envelope.
    public static func read(_ value: JSON) -> Result<Request, RefusedRequest> {
        guard case .object(let members) = value else {
            let hint = "a request is an object, not \(value.typeName)"
            return .failure(RefusedRequest(error: RPCError(.invalidRequest, hint: hint)))
        }
        let id = value["id"]
        func refused(_ path: String, _ hint: String) -> Result<Request, RefusedRequest> {
            .failure(
                RefusedRequest(
                    id: id.flatMap { isID($0) ? $0 : nil } ?? .null,
                    error: RPCError(.invalidRequest, path: path, hint: hint)))
        }
        if let id, !isID(id) {
            return refused("id", "string, number or null, not \(id.typeName)")
        }
        let version = value["jsonrpc"]
        if let version, version != "2.0" {
            return refused("jsonrpc", "\"2.0\", or left out")
        }
        if let unknown = members.first(where: { !envelope.contains($0.name) }) {
            return refused(
                unknown.name, "unknown; a request has jsonrpc, id, method and params")
        }
        guard let method = value["method"] else { return refused("method", "missing") }
        guard let method = method.string else {
            return refused("method", "a string, not \(method.typeName)")
        }
        let params = value["params"] ?? .object([])
        guard case .object = params else {
            return refused("params", "an object of named members, not \(params.typeName)")
        }
        // Who leaves the version out types by hand and wants an answer. (A bare nil would be JSON's
        // null.)
        let absent: JSON? = version == nil ? JSON.null : Optional<JSON>.none
        return .success(Request(id: id ?? absent, method: method, params: params))
    }

    private static func isID(_ value: JSON) -> Bool {
        switch value {
        case .null, .string, .int, .double: true
        case .bool, .array, .object, .raw: false
        }
    }
}
