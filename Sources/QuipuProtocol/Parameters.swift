public import QuipuModel

/// Reads the members of `params`, one by one, and names what is wrong with them.
///
/// Every member that is read becomes known; `finish` then refuses those that nobody asked for. A
/// null is a value like any other and no way to leave a member out.
public struct Parameters: Sendable {
    public internal(set) var object: JSON
    /// The moment against which spans such as `"24h"` are told.
    public let now: Timestamp
    private var known: [String] = []

    /// - Parameter object: the `params` of a `Request`.
    public init(_ object: JSON, now: Timestamp) {
        self.object = object
        self.now = now
    }

    /// The member as it came, which thereby becomes known.
    public mutating func value(_ name: String) -> JSON? {
        known.append(name)
        return object[name]
    }

    /// Refuses the first member that was not read. To be called once all are read.
    public func finish() throws(RPCError) {
        let unknown = (object.members ?? []).first { !known.contains($0.name) }
        guard let unknown else { return }
        let hint =
            known.isEmpty
            ? "unknown; this method has no parameters"
            : "unknown; this method has \(known.joined(separator: ", "))"
        throw .invalid(unknown.name, hint)
    }

    // MARK: Plain values

    public mutating func required(_ name: String) throws(RPCError) -> JSON {
        guard let value = value(name) else { throw .invalid(name, "missing") }
        return value
    }

    public mutating func string(_ name: String) throws(RPCError) -> String? {
        guard let value = value(name) else { return nil }
        return try Parameters.string(value, path: name)
    }

    public mutating func requiredString(
        _ name: String, bytesMax: Int = Limits.filterTextBytesMax
    ) throws(RPCError) -> String {
        try Parameters.string(try required(name), path: name, bytesMax: bytesMax)
    }

    public mutating func int(
        _ name: String, in range: ClosedRange<Int64>
    ) throws(RPCError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard let number = value.int else {
            throw .invalid(name, "a whole number, not \(Parameters.describe(value))")
        }
        guard range.contains(number) else {
            throw .invalid(name, "from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    public mutating func requiredInt(
        _ name: String, in range: ClosedRange<Int64>
    ) throws(RPCError) -> Int64 {
        guard let number = try int(name, in: range) else { throw .invalid(name, "missing") }
        return number
    }

    public mutating func bool(_ name: String) throws(RPCError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.bool else {
            throw .invalid(name, "true or false, not \(Parameters.describe(value))")
        }
        return flag
    }

    /// A list of strings without repetition; one string alone is a list of one.
    public mutating func strings(
        _ name: String, countMax: Int
    ) throws(RPCError) -> [String]? {
        guard let value = value(name) else { return nil }
        if case .string = value { return [try Parameters.string(value, path: name)] }
        guard let values = value.array else {
            throw .invalid(name, "a list of strings, not \(Parameters.describe(value))")
        }
        guard values.count <= countMax else {
            throw RPCError(.limitExceeded, path: name, hint: "at most \(countMax)")
        }
        var strings: [String] = []
        for (index, value) in values.enumerated() {
            let string = try Parameters.string(value, path: "\(name).\(index)")
            guard !strings.contains(string) else {
                throw .invalid("\(name).\(index)", "named twice")
            }
            strings.append(string)
        }
        return strings
    }

    /// One of a closed set of words.
    public mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, of type: Word.Type = Word.self
    ) throws(RPCError) -> Word? where Word.RawValue == String {
        guard let text = try string(name) else { return nil }
        return try Parameters.word(text, path: name)
    }

    static func word<Word: RawRepresentable & CaseIterable>(
        _ text: String, path: String
    ) throws(RPCError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: text) else {
            throw .invalid(path, oneOf(Word.allCases.map(\.rawValue)))
        }
        return word
    }

    static func oneOf(_ words: [String]) -> String {
        "one of \(words.joined(separator: ", "))"
    }

    /// A string that is not empty and not too long.
    static func string(
        _ value: JSON, path: String, bytesMax: Int = Limits.filterTextBytesMax
    ) throws(RPCError) -> String {
        guard let text = value.string else {
            throw .invalid(path, "a string, not \(describe(value))")
        }
        guard !text.isEmpty else { throw .invalid(path, "must not be empty") }
        guard text.utf8.count <= bytesMax else {
            throw RPCError(.limitExceeded, path: path, hint: "at most \(bytesMax) bytes")
        }
        return text
    }

    /// A value's type, for hints.
    static func describe(_ value: JSON) -> String { value.typeName }

    // MARK: Pages

    /// `limit` and `cursor`.
    public mutating func page() throws(RPCError) -> PageRequest {
        let limit = try int("limit", in: 1...Int64(Limits.rowsPerReplyMax))
        let cursor = try string("cursor")
        return PageRequest(
            limit: limit.map(Int.init) ?? Limits.rowsPerReplyDefault, cursor: cursor)
    }
}
