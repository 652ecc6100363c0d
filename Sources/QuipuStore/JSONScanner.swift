import QuipuModel

/// Looks into the text of a JSON object without building a tree. Text that is not JSON gives no
/// members or fewer; never more than its bytes.
struct JSONScanner {
    struct Member {
        /// The name's bytes between the quotes, escapes as written.
        var name: Range<Int>
        var value: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var isInside = false

    init(object bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "{") {
            position += 1
            isInside = true
        }
    }

    mutating func next() -> Member? {
        guard isInside else { return nil }
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
        guard let name = string() else { return end() }
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { return end() }
        position += 1
        skipSpace()
        guard let value = value() else { return end() }
        return Member(name: name, value: value)
    }

    private mutating func end() -> Member? {
        isInside = false
        return nil
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }

    /// Past a string; its bytes between the quotes.
    private mutating func string() -> Range<Int>? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                return start..<index
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    private mutating func value() -> Range<Int>? {
        let start = position
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "\""): return string() == nil ? nil : start..<position
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested() ? start..<position : nil
        default:
            while position < bytes.count, !Self.endsLiteral(bytes[position]) { position += 1 }
            return position > start ? start..<position : nil
        }
    }

    private static func endsLiteral(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}")
            || byte == UInt8(ascii: "]")
    }

    /// Past an object or array, counting brackets outside strings.
    private mutating func nested() -> Bool {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
                continue
            default: break
            }
            position += 1
            if depth == 0 { return true }
        }
        return false
    }
}

/// A path into an object: member names from the outside in.
struct JSONPath: Sendable {
    private let names: [[UInt8]]

    /// `tool_input.file_path`; parts are joined by dots.
    init(_ path: String) {
        names = path.split(separator: ".", omittingEmptySubsequences: false).map {
            [UInt8]($0.utf8)
        }
    }

    /// The value's bytes; nil when there is none.
    func find(in object: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var here = object
        for name in names {
            var scanner = JSONScanner(object: here)
            var found: Range<Int>?
            while found == nil, let member = scanner.next() {
                let raw = UnsafeRawBufferPointer(rebasing: here[member.name])
                if JSONText.isName(raw, name) { found = member.value }
            }
            guard let found else { return nil }
            here = UnsafeRawBufferPointer(rebasing: here[found])
        }
        return here
    }
}

enum JSONText {
    static func isName(_ raw: UnsafeRawBufferPointer, _ name: [UInt8]) -> Bool {
        if raw.count == name.count, raw.elementsEqual(name) { return true }
        return raw.contains(UInt8(ascii: "\\")) && unescaped(raw) == name
    }

    /// A value's bytes as a scalar; objects and arrays as their text.
    static func scalar(_ value: UnsafeRawBufferPointer) -> Scalar {
        switch value.first {
        case UInt8(ascii: "\""):
            let inside = UnsafeRawBufferPointer(rebasing: value[1..<max(1, value.count - 1)])
            return .string(
                inside.contains(UInt8(ascii: "\\"))
                    ? String(decoding: unescaped(inside), as: UTF8.self)
                    : String(decoding: inside, as: UTF8.self))
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        case UInt8(ascii: "n"), nil: return .null
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return .string(String(decoding: value, as: UTF8.self))
        default:
            let text = String(decoding: value, as: UTF8.self)
            return Int64(text).map(Scalar.int) ?? Double(text).map(Scalar.double) ?? .null
        }
    }

    /// The members of both; where both have one of a name, the second's stands. Keeps the first's
    /// order.
    static func merge(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> [UInt8] {
        var replacements: [[UInt8]: Range<Int>] = [:]
        var order: [[UInt8]] = []
        var scanner = JSONScanner(object: second)
        while let member = scanner.next() {
            let name = [UInt8](second[member.name])
            if replacements.updateValue(member.value, forKey: name) == nil { order.append(name) }
        }
        var output: [UInt8] = []
        output.reserveCapacity(first.count + second.count)
        func append(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
            output.append(output.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            output.append(UInt8(ascii: "\""))
            output += name
            output += [UInt8(ascii: "\""), UInt8(ascii: ":")]
            output += value
        }
        scanner = JSONScanner(object: first)
        while let member = scanner.next() {
            let name = [UInt8](first[member.name])
            if let replacement = replacements.removeValue(forKey: name) {
                append(name, second[replacement])
            } else {
                append(name, first[member.value])
            }
        }
        for name in order {
            if let value = replacements[name] { append(name, second[value]) }
        }
        return output.isEmpty ? [UInt8]("{}".utf8) : output + [UInt8(ascii: "}")]
    }

    /// `first` with those members of `more` whose names it lacks; nil where there are none.
    static func adding(
        _ more: UnsafeRawBufferPointer, to first: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        var names: Set<[UInt8]> = []
        var scanner = JSONScanner(object: first)
        while let member = scanner.next() { names.insert([UInt8](first[member.name])) }
        var isAny = false
        scanner = JSONScanner(object: more)
        while let member = scanner.next(), !isAny {
            isAny = !names.contains([UInt8](more[member.name]))
        }
        // The second's members stand, in the first's order; so ask for it the other way round.
        return isAny ? merge(merge(first, more), first) : nil
    }

    private static func merge(_ first: [UInt8], _ second: UnsafeRawBufferPointer) -> [UInt8] {
        first.withUnsafeBytes { merge($0, second) }
    }

    private static func unescaped(_ raw: UnsafeRawBufferPointer) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(raw.count)
        var index = 0
        while index < raw.count {
            let byte = raw[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < raw.count else {
                output.append(byte)
                continue
            }
            let escape = raw[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0c)
            case UInt8(ascii: "n"): output.append(0x0a)
            case UInt8(ascii: "r"): output.append(0x0d)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"): output += character(raw, &index)
            default: output.append(escape)
            }
        }
        return output
    }

    /// The UTF-8 of a `\u` escape, whose digits begin at `index`; U+FFFD for half a pair.
    private static func character(
        _ raw: UnsafeRawBufferPointer, _ index: inout Int
    ) -> String.UTF8View {
        var value = unit(raw, index)
        index = min(raw.count, index + 4)
        if let high = value, (0xd800..<0xdc00).contains(high), index + 1 < raw.count,
            raw[index] == UInt8(ascii: "\\"), raw[index + 1] == UInt8(ascii: "u"),
            let low = unit(raw, index + 2), (0xdc00..<0xe000).contains(low)
        {
            value = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            index = min(raw.count, index + 6)
        }
        return String(Character(value.flatMap(Unicode.Scalar.init) ?? "\u{fffd}")).utf8
    }

    private static func unit(_ raw: UnsafeRawBufferPointer, _ index: Int) -> UInt32? {
        guard index + 4 <= raw.count else { return nil }
        return UInt32(String(decoding: raw[index..<index + 4], as: UTF8.self), radix: 16)
    }
}
