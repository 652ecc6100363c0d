/// What kind of thing went wrong.
public enum ErrorCategory: UInt8, Sendable, CaseIterable {
    case permission = 1
    case notFound = 2
    case timeout = 3
    case syntax = 4
    case network = 5
    case git = 6
    case validation = 7
    case resource = 8
    case commandNotFound = 9
    case unknown = 10

    /// The word on the wire.
    public var word: String {
        switch self {
        case .permission: "permission"
        case .notFound: "not_found"
        case .timeout: "timeout"
        case .syntax: "syntax"
        case .network: "network"
        case .git: "git"
        case .validation: "validation"
        case .resource: "resource"
        case .commandNotFound: "command_not_found"
        case .unknown: "unknown"
        }
    }

    /// Also from the words that other systems use: `permission_error`, `file_not_found`.
    public init?(word: String) {
        let short = word.hasSuffix("_error") ? String(word.dropLast("_error".count)) : word
        let own = short == "file_not_found" ? "not_found" : short
        guard let category = ErrorCategory.allCases.first(where: { $0.word == own }) else {
            return nil
        }
        self = category
    }

    /// By the first rule whose words the text holds, whatever their case; `unknown` where none is.
    ///
    /// One pass over the text and no allocation: it is asked for each error that is stored.
    public static func of(
        error: UnsafeRawBufferPointer, tool: UnsafeRawBufferPointer
    ) -> ErrorCategory {
        var best = rules.count
        for start in error.indices {
            for candidate in rulesByFirstByte[Int(folded(error[start]))] where candidate < best {
                let rule = rules[candidate]
                if rule.fits(tool), rule.isIn(error, at: start) { best = candidate }
            }
        }
        return best < rules.count ? rules[best].category : .unknown
    }

    fileprivate static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }

    private static let rules = ErrorRule.all

    private static let rulesByFirstByte: [[Int]] = {
        var places = [[Int]](repeating: [], count: 256)
        for (index, rule) in rules.enumerated() {
            places[Int(rule.words.first ?? 0)].append(index)
        }
        return places
    }()
}

/// Words that tell a category. The order is the order of precedence.
struct ErrorRule: Sendable {
    let category: ErrorCategory
    /// In lower case.
    let words: [UInt8]
    /// Nil: of any tool.
    let tool: [UInt8]?

    private init(_ category: ErrorCategory, _ words: String, tool: String?) {
        self.category = category
        self.words = [UInt8](words.utf8)
        self.tool = tool.map { [UInt8]($0.utf8) }
    }

    fileprivate func fits(_ name: UnsafeRawBufferPointer) -> Bool {
        tool.map { name.elementsEqual($0) } ?? true
    }

    fileprivate func isIn(_ text: UnsafeRawBufferPointer, at start: Int) -> Bool {
        guard text.count - start >= words.count else { return false }
        for index in words.indices
        where ErrorCategory.folded(text[start + index]) != words[index] {
            return false
        }
        return true
    }

    static let all: [ErrorRule] =
        rules(
            .commandNotFound,
            [
                "command not found", "is not recognized as an internal or external command",
                "executable file not found", "no such command", "unknown command",
            ])
        + rules(.commandNotFound, ["exit code 127"], tool: "Bash")
        // A push that was denied is a matter of rights, a clone that found no host one of the
        // network: git only says so.
        + rules(
            .permission,
            [
                "permission denied", "permission_denied", "permissionerror", "permission_error",
                "eacces", "eperm", "operation not permitted", "access denied", "access is denied",
                "read-only file system", "unauthorized", "forbidden", "authentication_failed",
                "authentication failed", "requires approval", "haven't granted",
                "doesn't want to proceed", "user rejected", "not allowed", "permission to use",
            ])
        + rules(.permission, ["exit code 126"], tool: "Bash")
        + rules(
            .resource,
            [
                "no space left", "enospc", "out of memory", "cannot allocate memory", "enomem",
                "emfile", "too many open files", "memoryerror", "disk quota", "quota exceeded",
                "rate limit", "rate_limit", "too many requests", "overloaded",
                "resource temporarily unavailable", "exceeds maximum", "heap limit",
                "billing_error",
            ])
        + rules(.resource, ["exit code 137"], tool: "Bash")
        + rules(.timeout, ["timed out", "timeout", "time out", "etimedout", "deadline exceeded"])
        + rules(.timeout, ["exit code 124"], tool: "Bash")
        + rules(
            .network,
            [
                "could not resolve host", "econnrefused", "econnreset", " enotfound", "eai_again",
                "enetunreach", "ehostunreach", "epipe", "connection refused", "connection reset",
                "connection closed", "connectionerror", "network is unreachable", "network error",
                "no route to host", "name or service not known", "getaddrinfo", "socket hang up",
                "fetch failed", "sslerror", "ssl certificate", "certificate verify",
                "tls handshake",
                "bad gateway", "service unavailable", "status code 4", "status code 5",
            ])
        + rules(
            .git,
            [
                "fatal: ", "not a git repository", "merge conflict", "conflict (",
                "failed to push", "pathspec", "error: your local changes", "detached head",
                "nothing to commit", "git error", "gitcommanderror", "git_error",
            ])
        + rules(
            .syntax,
            [
                "syntaxerror", "syntax error", "syntax_error", "parse error", "parseerror",
                "unexpected token", "unexpected end of", "unexpected eof", "unexpected indent",
                "indentationerror", "invalid syntax", "unterminated", "jsondecodeerror",
                "not valid json", "invalid json",
            ])
        // Before what was not found: an edit whose old text is not there was asked for wrongly.
        + rules(
            .validation,
            [
                "string to replace not found", "matches of the string to replace",
                "has not been read yet", "has been modified since", "inputvalidationerror",
                "validationerror", "validation_error", "validation failed", "invalid_request",
                "missing required", "required parameter", "is required", "valueerror", "typeerror",
            ])
        + rules(
            .notFound,
            [
                "no such file", "enoent", "file_not_found", "filenotfounderror", "does not exist",
                "doesn't exist", "modulenotfounderror", "cannot find", "can't find",
                "could not find",
                "couldn't find", "no files found", "model_not_found", "not found",
            ])
        + rules(.validation, ["invalid", "illegal", "unrecognized", "must be", "assertionerror"])

    private static func rules(
        _ category: ErrorCategory, _ words: [String], tool: String? = nil
    ) -> [ErrorRule] {
        words.map { ErrorRule(category, $0, tool: tool) }
    }
}
