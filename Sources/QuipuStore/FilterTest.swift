import GRDBSQLite
import QuipuModel

extension Filter.Test {
    /// Whether a value passes. Values of different types are never equal and never in order; whole
    /// and fractional numbers are one type.
    func matches(_ value: Scalar) -> Bool {
        switch self {
        case .oneOf(let values): values.contains { $0.isEqual(to: value) }
        case .atLeast(let bound): value.order(against: bound).map { $0 >= 0 } ?? false
        case .above(let bound): value.order(against: bound).map { $0 > 0 } ?? false
        case .atMost(let bound): value.order(against: bound).map { $0 <= 0 } ?? false
        case .below(let bound): value.order(against: bound).map { $0 < 0 } ?? false
        case .like(let pattern): value.isLike(pattern)
        case .not(let test): !test.matches(value)
        case .all(let tests): tests.allSatisfy { $0.matches(value) }
        }
    }

    /// Whether a tag passes that has these values (none: the tag is absent). Tags are text; where
    /// the test names a number or a truth value, the text is read as one.
    func matches(tagValues: [String]) -> Bool {
        func any(_ bound: Scalar) -> Bool {
            tagValues.contains { with(bound).matches(Scalar(tagText: $0, readAs: bound)) }
        }
        return switch self {
        case .oneOf(let values):
            values.contains { $0 == .null ? tagValues.isEmpty : any($0) }
        case .atLeast(let bound), .above(let bound), .atMost(let bound), .below(let bound):
            any(bound)
        case .like: tagValues.contains { matches(.string($0)) }
        case .not(let test): !test.matches(tagValues: tagValues)
        case .all(let tests): tests.allSatisfy { $0.matches(tagValues: tagValues) }
        }
    }

    /// The same test against one value alone.
    private func with(_ bound: Scalar) -> Filter.Test {
        if case .oneOf = self { .oneOf([bound]) } else { self }
    }

    /// Refuses bounds that nothing can be compared with.
    func check(path: String) throws(StoreError) {
        switch self {
        case .atLeast(let bound), .above(let bound), .atMost(let bound), .below(let bound):
            switch bound {
            case .null, .bool:
                throw .invalid(
                    path: "where.\(path)", hint: "compare with a number or a string")
            default: return
            }
        case .not(let test): try test.check(path: path)
        case .all(let tests): for test in tests { try test.check(path: path) }
        case .oneOf, .like: return
        }
    }

    /// The only texts that pass, where the test says so outright.
    var onlyTexts: [String]? {
        switch self {
        case .oneOf(let values):
            var texts: [String] = []
            for case .string(let text) in values { texts.append(text) }
            return texts.count == values.count ? texts : nil
        case .all(let tests): return tests.lazy.compactMap(\.onlyTexts).first
        default: return nil
        }
    }
}

extension Scalar {
    /// What `text` means to a test that names `other`.
    fileprivate init(tagText text: String, readAs other: Scalar) {
        switch other {
        case .int, .double: self = Double(text).map(Scalar.double) ?? .null
        case .bool: self = text == "true" ? .bool(true) : text == "false" ? .bool(false) : .null
        case .string, .null: self = .string(text)
        }
    }

    fileprivate func isEqual(to other: Scalar) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        default: order(against: other) == 0
        }
    }

    /// Negative, zero or positive; nil where the two cannot be compared.
    fileprivate func order(against other: Scalar) -> Int? {
        switch (self, other) {
        case (.int(let left), .int(let right)): left < right ? -1 : left > right ? 1 : 0
        case (.string(let left), .string(let right)):
            left.utf8.lexicographicallyPrecedes(right.utf8)
                ? -1 : left.utf8.elementsEqual(right.utf8) ? 0 : 1
        default:
            if let left = number, let right = other.number {
                left < right ? -1 : left > right ? 1 : 0
            } else {
                nil
            }
        }
    }

    /// As a number; nil for everything else.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    fileprivate func isLike(_ pattern: String) -> Bool {
        guard case .string(let text) = self else { return false }
        return sqlite3_strlike(pattern, text, 0) == 0
    }
}
