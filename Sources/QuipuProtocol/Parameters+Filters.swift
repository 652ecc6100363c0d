public import QuipuModel

extension Parameters {
    /// `where`: an object of path → test.
    ///
    /// - Parameter statuses: the words that a `status` can be.
    public mutating func filters(
        statuses: [String] = EventStatus.allCases.compactMap(\.word)
    ) throws(RPCError) -> [Filter] {
        guard let value = value("where") else { return [] }
        guard let members = value.members else {
            throw .invalid(
                "where", "an object of path and value, not \(Parameters.describe(value))")
        }
        guard members.count <= Limits.filtersMax else {
            throw RPCError(.limitExceeded, path: "where", hint: "at most \(Limits.filtersMax)")
        }
        var filters: [Filter] = []
        for member in members {
            let path = "where.\(member.name)"
            guard !member.name.isEmpty else { throw .invalid("where", "an empty path") }
            guard member.name.utf8.count <= Limits.nameBytesMax else {
                throw RPCError(
                    .limitExceeded, path: "where",
                    hint: "a path has at most \(Limits.nameBytesMax) bytes")
            }
            filters.append(try Parameters.filter(member.name, member.value, path: path, statuses))
        }
        return filters
    }

    /// Members that stand for one of `where`, such as `kind` or `session`: the same tests.
    mutating func columnFilters(_ names: [String]) throws(RPCError) -> [Filter] {
        var filters: [Filter] = []
        for name in names {
            guard let value = value(name) else { continue }
            filters.append(
                try Parameters.filter(
                    name, value, path: name, EventStatus.allCases.compactMap(\.word)))
        }
        return filters
    }

    private static func filter(
        _ column: String, _ value: JSON, path: String, _ statuses: [String]
    ) throws(RPCError) -> Filter {
        let test = try test(value, path: path)
        switch column {
        case "status":
            try checkWords(statuses, in: test, path: path)
        case "error_category":
            try checkWords(ErrorCategory.allCases.map(\.word), in: test, path: path)
        default: break
        }
        return Filter(path: column, test: test)
    }

    /// A value, a list of values, or an object of comparisons.
    private static func test(_ value: JSON, path: String) throws(RPCError) -> Filter.Test {
        switch value {
        case .array(let values):
            guard !values.isEmpty else {
                throw .invalid(path, "an empty list matches nothing; leave it out")
            }
            guard values.count <= Limits.filterValuesMax else {
                throw RPCError(
                    .limitExceeded, path: path, hint: "at most \(Limits.filterValuesMax) values")
            }
            var scalars: [Scalar] = []
            for (index, value) in values.enumerated() {
                scalars.append(try scalar(value, path: "\(path).\(index)"))
            }
            return .oneOf(scalars)
        case .object(let members): return try comparisons(members, path: path)
        default: return .oneOf([try scalar(value, path: path)])
        }
    }

    private static func comparisons(
        _ members: [JSON.Member], path: String
    ) throws(RPCError) -> Filter.Test {
        var tests: [Filter.Test] = []
        for member in members {
            let memberPath = "\(path).\(member.name)"
            switch member.name {
            case "gte": tests.append(.atLeast(try comparable(member.value, path: memberPath)))
            case "gt": tests.append(.above(try comparable(member.value, path: memberPath)))
            case "lte": tests.append(.atMost(try comparable(member.value, path: memberPath)))
            case "lt": tests.append(.below(try comparable(member.value, path: memberPath)))
            case "like": tests.append(.like(try string(member.value, path: memberPath)))
            case "not": tests.append(.not(try test(member.value, path: memberPath)))
            default: throw .invalid(memberPath, "one of gte, gt, lte, lt, like, not")
            }
        }
        guard let first = tests.first else {
            throw .invalid(path, "no comparison; one of gte, gt, lte, lt, like, not")
        }
        return tests.count == 1 ? first : .all(tests)
    }

    private static func scalar(_ value: JSON, path: String) throws(RPCError) -> Scalar {
        switch value {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .double(let number): return .double(number)
        case .string(let text):
            guard text.utf8.count <= Limits.filterTextBytesMax else {
                throw RPCError(
                    .limitExceeded, path: path, hint: "at most \(Limits.filterTextBytesMax) bytes")
            }
            return .string(text)
        case .array, .object, .raw:
            throw .invalid(path, "a string, number, true, false or null")
        }
    }

    private static func comparable(_ value: JSON, path: String) throws(RPCError) -> Scalar {
        switch value {
        case .int, .double, .string: return try scalar(value, path: path)
        default: throw .invalid(path, "a number or a string, not \(describe(value))")
        }
    }

    /// Of a closed set, a misspelt word is refused rather than matching nothing.
    private static func checkWords(
        _ words: [String], in test: Filter.Test, path: String
    ) throws(RPCError) {
        switch test {
        case .oneOf(let values):
            for value in values where value != .null {
                guard case .string(let word) = value, words.contains(word) else {
                    throw .invalid(path, "\(oneOf(words)), or null")
                }
            }
        case .not(let inner): try checkWords(words, in: inner, path: "\(path).not")
        case .all(let tests): for inner in tests { try checkWords(words, in: inner, path: path) }
        case .atLeast, .above, .atMost, .below, .like: break
        }
    }
}
