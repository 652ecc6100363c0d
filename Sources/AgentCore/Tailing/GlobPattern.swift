/// One part of a path pattern, between two slashes: `*`, `?`, `[a-z]`, `[!a]`, `\` before a special
/// character. As in a shell, a leading dot must be named: `*` does not match `.git`.
struct GlobPattern: Hashable, Sendable {
    private enum Token: Hashable {
        case scalar(Unicode.Scalar)
        case any
        case many
        case set(ranges: [ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private let tokens: [Token]
    /// The text, when nothing in it is special.
    let literal: String?

    init(_ text: Substring) {
        var tokens: [Token] = []
        var rest = text.unicodeScalars
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if tokens.last != .many { tokens.append(.many) }
            case "?": tokens.append(.any)
            case "[": tokens.append(Self.set(&rest) ?? .scalar("["))
            case "\\": tokens.append(.scalar(rest.popFirst() ?? "\\"))
            default: tokens.append(.scalar(scalar))
            }
        }
        self.tokens = tokens
        var literal: String.UnicodeScalarView? = String.UnicodeScalarView()
        for token in tokens {
            if case .scalar(let scalar) = token {
                literal?.append(scalar)
            } else {
                literal = nil
            }
        }
        self.literal = literal.map { String($0) }
    }

    /// The set that follows a `[`; nil, and nothing taken, when it is not closed.
    private static func set(_ rest: inout Substring.UnicodeScalarView) -> Token? {
        var inside = rest
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let isNegated = inside.first == "!" || inside.first == "^"
        if isNegated { inside.removeFirst() }
        var isFirst = true
        while let low = inside.popFirst() {
            if low == "]", !isFirst {
                rest = inside
                return .set(ranges: ranges, isNegated: isNegated)
            }
            isFirst = false
            var high = low
            if inside.first == "-", let end = inside.dropFirst().first, end != "]" {
                high = end
                inside.removeFirst(2)
            }
            if low <= high { ranges.append(low...high) }
        }
        return nil
    }

    func matches(_ name: String) -> Bool {
        if let literal { return literal == name }
        if name.hasPrefix("."), tokens.first != .scalar(".") { return false }
        return matches(Array(name.unicodeScalars))
    }

    /// Goes back to the last `*` on a mismatch: at worst pattern times name, never exponential.
    private func matches(_ name: [Unicode.Scalar]) -> Bool {
        var token = 0
        var place = 0
        var afterStar: (token: Int, place: Int)?
        while place < name.count {
            if token < tokens.count, tokens[token] == .many {
                token += 1
                afterStar = (token, place)
            } else if token < tokens.count, Self.matches(tokens[token], name[place]) {
                token += 1
                place += 1
            } else if let star = afterStar {
                token = star.token
                place = star.place + 1
                afterStar = (token, place)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .many }
    }

    private static func matches(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .scalar(let expected): expected == scalar
        case .any: true
        case .many: false
        case .set(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
