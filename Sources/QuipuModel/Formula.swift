/// Arithmetic over metrics: `errors / requests * 100`, `sum(a, b)`, `per_second(bytes)`.
///
/// Names stand for metrics and begin with a letter or `_`. There are `+ - * /`, parentheses,
/// numbers, `sum`, `min`, `max`, and `per_second`, which divides by the step's length.
public struct Formula: Sendable, Equatable {
    /// Bounds of what is read: a text and its nesting.
    public static let bytesMax = 1_000
    static let depthMax = 30

    public struct Malformed: Error, Equatable, Sendable {
        /// Of the text, counted from 1.
        public var column: Int
        public var expected: String
    }

    indirect enum Term: Equatable, Sendable {
        case number(Double)
        case name(String)
        case binary(UInt8, Term, Term)
        case negative(Term)
        case call(Function, [Term])
    }

    enum Function: String {
        case sum, min, max
        case perSecond = "per_second"
    }

    public let text: String
    let term: Term
    /// The names in it, each once, in their order.
    public let names: [String]

    public init(_ text: String) throws(Malformed) {
        var parser = FormulaParser(text)
        term = try parser.whole()
        names = parser.names
        self.text = text
    }

    /// NaN where something is missing, or where there is no such number.
    public func value(stepSeconds: Double, of operand: (String) -> Double) -> Double {
        let value = Self.value(term, stepSeconds, operand)
        return value.isFinite ? value : .nan
    }

    private static func value(
        _ term: Term, _ stepSeconds: Double, _ operand: (String) -> Double
    ) -> Double {
        switch term {
        case .number(let number): return number
        case .name(let name): return operand(name)
        case .negative(let term): return -value(term, stepSeconds, operand)
        case .binary(let symbol, let left, let right):
            let left = value(left, stepSeconds, operand)
            let right = value(right, stepSeconds, operand)
            switch symbol {
            case UInt8(ascii: "+"): return left + right
            case UInt8(ascii: "-"): return left - right
            case UInt8(ascii: "*"): return left * right
            default: return left / right
            }
        case .call(let function, let terms):
            let values = terms.map { value($0, stepSeconds, operand) }
            // Also min and max: what is missing may be the least.
            guard let first = values.first, !values.contains(where: \.isNaN) else { return .nan }
            switch function {
            case .perSecond: return first / stepSeconds
            case .sum: return values.reduce(0, +)
            case .min: return values.min() ?? .nan
            case .max: return values.max() ?? .nan
            }
        }
    }
}

private struct FormulaParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private(set) var names: [String] = []

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func whole() throws(Formula.Malformed) -> Formula.Term {
        guard bytes.count <= Formula.bytesMax else {
            throw .init(column: Formula.bytesMax + 1, expected: "\(Formula.bytesMax) bytes at most")
        }
        let term = try sum()
        guard next == nil else { throw wrong("an operator or the end") }
        return term
    }

    private func wrong(_ expected: String) -> Formula.Malformed {
        Formula.Malformed(column: position + 1, expected: expected)
    }

    /// The next byte that is no space.
    private var next: UInt8? {
        mutating get {
            while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func sum() throws(Formula.Malformed) -> Formula.Term {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Formula.depthMax else {
            throw wrong("less than \(Formula.depthMax) levels of nesting")
        }
        var term = try product()
        while let symbol = next, symbol == UInt8(ascii: "+") || symbol == UInt8(ascii: "-") {
            position += 1
            term = .binary(symbol, term, try product())
        }
        return term
    }

    private mutating func product() throws(Formula.Malformed) -> Formula.Term {
        var term = try factor()
        while let symbol = next, symbol == UInt8(ascii: "*") || symbol == UInt8(ascii: "/") {
            position += 1
            term = .binary(symbol, term, try factor())
        }
        return term
    }

    private mutating func factor() throws(Formula.Malformed) -> Formula.Term {
        var isNegative = false
        while take(UInt8(ascii: "-")) { isNegative.toggle() }
        let term = try operand()
        return isNegative ? .negative(term) : term
    }

    private mutating func operand() throws(Formula.Malformed) -> Formula.Term {
        if take(UInt8(ascii: "(")) {
            let term = try sum()
            guard take(UInt8(ascii: ")")) else { throw wrong("a closing parenthesis") }
            return term
        }
        guard let byte = next else { throw wrong("a name, a number or a parenthesis") }
        let start = position
        if Self.isDigit(byte) || byte == UInt8(ascii: ".") {
            let text = word { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
            guard let number = Double(text), number.isFinite else {
                position = start
                throw wrong("a number")
            }
            return .number(number)
        }
        guard Self.isLetter(byte) else { throw wrong("a name, a number or a parenthesis") }
        let name = word { Self.isLetter($0) || Self.isDigit($0) }
        guard next == UInt8(ascii: "(") else {
            if !names.contains(name) { names.append(name) }
            return .name(name)
        }
        guard let function = Formula.Function(rawValue: name) else {
            position = start
            throw wrong("sum, min, max or per_second before a parenthesis")
        }
        return try call(function)
    }

    private mutating func call(
        _ function: Formula.Function
    ) throws(Formula.Malformed) -> Formula.Term {
        position += 1
        var terms = [try sum()]
        while function != .perSecond, take(UInt8(ascii: ",")) { terms.append(try sum()) }
        guard take(UInt8(ascii: ")")) else { throw wrong("a closing parenthesis") }
        return .call(function, terms)
    }

    private mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = position
        while position < bytes.count, belongs(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
