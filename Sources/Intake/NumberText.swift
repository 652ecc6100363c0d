internal import CSimdJSON

/// Decimal numbers as StatsD clients write them: a sign, a fraction and an exponent may be there.
enum NumberText {
    /// The double nearest to the text; NaN when the text is no number, infinite when it is too
    /// large.
    @inline(__always)
    static func parse(_ text: Bytes) -> Double {
        var position = 0
        var isNegative = false
        if let first = text.first, first == 0x2b || first == 0x2d {
            isNegative = first == 0x2d
            position = 1
        }
        let start = position
        if let number = short(text, &position), position == text.count {
            return isNegative ? -number : number
        }
        return parseFraction(text.part(start, text.count), isNegative: isNegative)
    }

    /// Digits with at most one point among them, as nearly all numbers are, from `position` on;
    /// leaves `position` behind them. Nil when there is no digit, or more than fifteen, which a
    /// double need not hold exactly.
    @inline(__always)
    static func short(_ text: Bytes, _ position: inout Int) -> Double? {
        let start = position
        var mantissa: UInt64 = 0
        while position < text.count, text[position].isDigit {
            mantissa = mantissa &* 10 &+ UInt64(text[position] &- 0x30)
            position += 1
        }
        var digits = position - start
        guard position < text.count, text[position] == 0x2e else {
            return digits > 0 && digits <= 15 ? Double(mantissa) : nil
        }
        position += 1
        let point = position
        while position < text.count, text[position].isDigit {
            mantissa = mantissa &* 10 &+ UInt64(text[position] &- 0x30)
            position += 1
        }
        let decimals = position - point
        digits += decimals
        guard digits > 0, digits <= 15 else { return nil }
        // Both are exact, so the one rounding is the right one.
        return Double(mantissa) / power(decimals)
    }

    @inline(__always)
    private static func power(_ exponent: Int) -> Double {
        switch exponent {
        case 0: 1
        case 1: 1e1
        case 2: 1e2
        case 3: 1e3
        default: powers[exponent]
        }
    }

    /// An unsigned number with fraction and exponent, both optional.
    private static func parseFraction(_ text: Bytes, isNegative: Bool) -> Double {
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        var position = 0
        var sawPoint = false
        while position < text.count {
            let byte = text[position]
            if byte.isDigit {
                if digits < 19 { mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30) }
                digits += 1
                if sawPoint { exponent -= 1 }
            } else if byte == 0x2e, !sawPoint {
                sawPoint = true
            } else {
                break
            }
            position += 1
        }
        guard digits > 0 else { return .nan }
        if position < text.count {
            guard let explicit = parseExponent(text.part(position, text.count)) else { return .nan }
            exponent += explicit
        }
        // Both operands are exact, so the one rounding of the operation is the right one (Clinger,
        // 1990).
        if digits <= 15, exponent >= -22, exponent <= 22 {
            let scaled =
                exponent < 0
                ? Double(mantissa) / powers[-exponent] : Double(mantissa) * powers[exponent]
            return isNegative ? -scaled : scaled
        }
        guard let base = text.baseAddress else { return .nan }
        let value = quipu_parse_double(base.assumingMemoryBound(to: UInt8.self), text.count)
        return isNegative ? -value : value
    }

    /// `e`, a sign or none, digits.
    private static func parseExponent(_ text: Bytes) -> Int? {
        guard text[0] | 0x20 == 0x65, text.count > 1 else { return nil }
        var position = 1
        let isNegative = text[1] == 0x2d
        if isNegative || text[1] == 0x2b { position = 2 }
        guard position < text.count else { return nil }
        var value = 0
        while position < text.count {
            guard text[position].isDigit else { return nil }
            value = Swift.min(value * 10 + Int(text[position] - 0x30), 100_000)
            position += 1
        }
        return isNegative ? -value : value
    }

    /// A whole number without a sign; nil when it is none or has more than 18 digits.
    static func parseWhole(_ text: Bytes) -> Int? {
        guard !text.isEmpty, text.count <= 18 else { return nil }
        var value = 0
        for byte in text {
            guard byte.isDigit else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]
}
