public import QuipuModel

/// Why text is not JSON, and at which byte.
public struct JSONError: Error, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        case unexpectedEnd
        case unexpectedByte
        case invalidUTF8
        case invalidEscape
        case invalidNumber
        case tooDeep
        case trailingBytes
    }

    public var reason: Reason
    public var offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// A sentence for a person.
    public var message: String {
        switch reason {
        case .unexpectedEnd: "the text ends in the middle of a value (byte \(offset))"
        case .unexpectedByte: "unexpected character at byte \(offset)"
        case .invalidUTF8: "invalid UTF-8 at byte \(offset)"
        case .invalidEscape: "invalid escape at byte \(offset)"
        case .invalidNumber: "invalid number at byte \(offset)"
        case .tooDeep: "nested deeper than allowed at byte \(offset)"
        case .trailingBytes: "text after the value at byte \(offset)"
        }
    }
}

extension JSON {
    /// Parses one value (RFC 8259, strictly) and nothing after it but white space.
    public static func parse(
        _ bytes: some Collection<UInt8>, nestingMax: Int = Limits.requestNestingMax
    ) throws(JSONError) -> JSON {
        let contiguous = ContiguousArray(bytes)
        let result = contiguous.withUnsafeBufferPointer { buffer in
            Result { () throws(JSONError) -> JSON in
                var parser = JSONParser(buffer, nestingMax: nestingMax)
                return try parser.document()
            }
        }
        return try result.get()
    }
}

/// Recursive descent; the nesting bound keeps it off the end of a small stack.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let nestingMax: Int
    private var position = 0
    private var nesting = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, nestingMax: Int) {
        self.bytes = bytes
        self.nestingMax = nestingMax
    }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
        return value
    }

    private func error(_ reason: JSONError.Reason) -> JSONError {
        position < bytes.count
            ? JSONError(reason, at: position) : JSONError(.unexpectedEnd, at: position)
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard take(byte) else { throw error(.unexpectedByte) }
    }

    private mutating func value() throws(JSONError) -> JSON {
        skipSpace()
        guard position < bytes.count else { throw error(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            return try nested { parser throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSON
    ) throws(JSONError) -> JSON {
        guard nesting < nestingMax else { throw error(.tooDeep) }
        nesting += 1
        position += 1
        let value = try body(&self)
        nesting -= 1
        return value
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for i in 0..<word.utf8CodeUnitCount {
            try expect(word.utf8Start[i])
        }
        return value
    }

    private mutating func object() throws(JSONError) -> JSON {
        var members: [JSON.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw error(.unexpectedByte)
            }
            let name = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            members.append(JSON.Member(name, try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func array() throws(JSONError) -> JSON {
        var values: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var output: [UInt8] = []
        var runStart = position
        while true {
            guard position < bytes.count else { throw error(.unexpectedEnd) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                output.append(contentsOf: bytes[runStart..<position])
                position += 1
                guard let text = String(validating: output, as: UTF8.self) else {
                    throw JSONError(.invalidUTF8, at: runStart)
                }
                return text
            }
            guard byte >= 0x20 else { throw error(.unexpectedByte) }
            position += 1
            if byte == UInt8(ascii: "\\") {
                output.append(contentsOf: bytes[runStart..<position - 1])
                try escape(into: &output)
                runStart = position
            }
        }
    }

    private mutating func escape(into output: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw error(.unexpectedEnd) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0c)
        case UInt8(ascii: "n"): output.append(0x0a)
        case UInt8(ascii: "r"): output.append(0x0d)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try hexadecimal()
            if (0xd800..<0xdc00).contains(scalar), position + 1 < bytes.count,
                bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
            {
                let before = position
                position += 2
                let low = try hexadecimal()
                if (0xdc00..<0xe000).contains(low) {
                    scalar = 0x10000 + ((scalar - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    position = before
                }
            }
            // A surrogate without its other half names no character.
            output += String(Character(Unicode.Scalar(scalar) ?? "\u{fffd}")).utf8
        default: throw JSONError(.invalidEscape, at: position - 1)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw error(.unexpectedEnd) }
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value << 4 | UInt32(bytes[position] - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | UInt32(bytes[position] - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value << 4 | UInt32(bytes[position] - UInt8(ascii: "A") + 10)
            default: throw error(.invalidEscape)
            }
            position += 1
        }
        return value
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"))
        guard position < bytes.count else { throw error(.unexpectedEnd) }
        if take(UInt8(ascii: "0")) {
        } else if try digits() == 0 {
            throw JSONError(start == position ? .unexpectedByte : .invalidNumber, at: position)
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard try digits() > 0 else { throw error(.invalidNumber) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard try digits() > 0 else { throw error(.invalidNumber) }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else {
            throw JSONError(.invalidNumber, at: start)
        }
        return .double(value)
    }

    private mutating func digits() throws(JSONError) -> Int {
        let start = position
        while position < bytes.count,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
        {
            position += 1
        }
        return position - start
    }
}
