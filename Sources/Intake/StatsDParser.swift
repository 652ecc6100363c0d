package import QuipuModel

/// Reads one line of StatsD or DogStatsD: the union of both grammars.
///
///     line  = name ":" bit *( ":" bit ) *( "|" field )
///     bit   = value *( ":" value ) "|" type [ "|@" rate ]
///     field = "@" rate / "#" tags / "T" seconds / "c:" … / "e:" … / "card:" …
///
/// Several values before one type are DogStatsD's packing, several bits are StatsD's own. Nothing
/// is reported before the whole line is known to be good, so a bad member takes its line with it.
///
/// Visible in the package so that `intake-bench` can measure it alone.
package struct StatsDParser: ~Copyable {
    struct Value {
        var number: Double
        /// Written with a sign, which makes it a change of a gauge in StatsD's dialect.
        var isSigned: Bool
    }

    struct Bit {
        var type: MetricType
        /// 1 / sample rate.
        var weight = 1.0
        /// Where its numbers are in the parser's `values`.
        var firstValue: Int
        var valueCount: Int
        /// A set's member; empty for other types.
        var member: Bytes
        /// For the caller: which series it belongs to.
        var series = -1

        var values: Range<Int> { firstValue..<firstValue + valueCount }
    }

    private(set) var name = Bytes(start: nil, count: 0)
    private(set) var tags = Bytes(start: nil, count: 0)
    /// Seconds since 1970; 0 when the line has no time.
    private(set) var seconds = 0
    /// The line carries a field that only DogStatsD clients write.
    private(set) var isDogStatsD = false
    /// Where the line comes from, as its client says.
    private(set) var origin = StatsDOrigin()
    private(set) var values = ReusedList<Value>()
    var bits = ReusedList<Bit>()

    package init() {}

    /// Nil when the line is good.
    package mutating func parse(_ line: UnsafeRawBufferPointer) -> RejectReason? {
        values.removeAll()
        bits.removeAll()
        tags = line.part(0, 0)
        seconds = 0
        isDogStatsD = false
        origin = StatsDOrigin()

        var position = 0
        while position < line.count, line[position] != 0x3a { position += 1 }
        name = line.part(0, position)
        if position == 0 { return .nameMissing }
        if position == line.count { return .valueMissing }
        if position > Limits.nameBytesMax { return .nameTooLong }
        position += 1
        while true {
            if let reason = parseBit(line, &position) { return reason }
            guard position < line.count else { return nil }
            if line[position] == 0x7c {
                if let reason = parseFields(line, &position) { return reason }
                guard position < line.count else { return nil }
            }
            position += 1  // the colon before the next bit
        }
    }

    /// Values and type. Leaves `position` at the `|` or `:` after them, or at the end.
    @inline(__always)
    private mutating func parseBit(_ line: Bytes, _ position: inout Int) -> RejectReason? {
        let start = position
        // Nearly all values are one number of a few digits.
        var number = NumberText.short(line, &position)
        if position == line.count || line[position] != 0x7c { number = nil }
        while position < line.count, line[position] != 0x7c { position += 1 }
        let end = position
        guard end < line.count else { return end == start ? .valueMissing : .typeUnknown }
        position += 1
        let typeStart = position
        while position < line.count, line[position] != 0x7c, line[position] != 0x3a {
            position += 1
        }
        guard let type = StatsDParser.type(line, typeStart, position) else { return .typeUnknown }
        if type == .set {
            if end == start { return .valueMissing }
            bits.append(
                Bit(type: type, firstValue: 0, valueCount: 0, member: line.part(start, end)))
            return nil
        }
        let first = values.count
        if let number {
            values.append(Value(number: number, isSigned: false))
        } else if let reason = parseValues(line.part(start, end)) {
            return reason
        }
        bits.append(
            Bit(
                type: type, firstValue: first, valueCount: values.count - first,
                member: line.part(0, 0)))
        return nil
    }

    @inline(__always)
    private static func type(_ line: Bytes, _ start: Int, _ end: Int) -> MetricType? {
        if end - start == 1 {
            switch line[start] {
            case UInt8(ascii: "c"): return .counter
            case UInt8(ascii: "g"): return .gauge
            case UInt8(ascii: "h"): return .histogram
            case UInt8(ascii: "d"): return .distribution
            case UInt8(ascii: "s"): return .set
            default: return nil
            }
        }
        let isTimer =
            end - start == 2 && line[start] == UInt8(ascii: "m")
            && line[start + 1] == UInt8(ascii: "s")
        return isTimer ? .timer : nil
    }

    /// Numbers between colons; empty ones are skipped, as the Datadog agent does.
    @inline(__always)
    private mutating func parseValues(_ text: Bytes) -> RejectReason? {
        let before = values.count
        var start = 0
        while start <= text.count {
            var end = start
            while end < text.count, text[end] != 0x3a { end += 1 }
            if end > start {
                let number = NumberText.parse(text.part(start, end))
                guard abs(number) <= Limits.metricValueMax else { return .valueInvalid }
                let isSigned = text[start] == 0x2b || text[start] == 0x2d
                values.append(Value(number: number, isSigned: isSigned))
            }
            start = end + 1
        }
        return values.count == before ? .valueMissing : nil
    }

    /// Fields, each after its `|`. Leaves `position` at the `:` before a further bit, or at the
    /// end.
    private mutating func parseFields(_ line: Bytes, _ position: inout Int) -> RejectReason? {
        while position < line.count, line[position] == 0x7c {
            position += 1
            guard position < line.count else { return nil }
            let start = position
            if line[start] == UInt8(ascii: "@") {
                while position < line.count, line[position] != 0x7c, line[position] != 0x3a {
                    position += 1
                }
                if let reason = takeRate(line.part(start + 1, position)) { return reason }
                continue
            }
            while position < line.count, line[position] != 0x7c { position += 1 }
            if let reason = takeField(line.part(start, position)) { return reason }
        }
        return nil
    }

    private mutating func takeRate(_ text: Bytes) -> RejectReason? {
        let rate = NumberText.parse(text)
        // Smaller rates than that are noise, and would carry sums beyond what a double holds.
        guard rate.isFinite, rate >= 1e-15, bits.count > 0 else { return .rateInvalid }
        let last = bits.count - 1
        let weight = 1 / rate
        switch bits[last].type {
        case .gauge, .set: return nil
        default: break
        }
        for index in bits[last].values
        where abs(values[index].number) * weight > Limits.metricValueMax {
            return .valueInvalid
        }
        bits[last].weight = weight
        return nil
    }

    private mutating func takeField(_ text: Bytes) -> RejectReason? {
        if text.isEmpty { return nil }
        switch text[0] {
        case UInt8(ascii: "#"):
            isDogStatsD = true
            tags = text.part(1, text.count)
        case UInt8(ascii: "T"):
            isDogStatsD = true
            // The year 9999 ends here; what lies beyond is no time that anyone measured at.
            guard let value = NumberText.parseWhole(text.part(1, text.count)),
                (1...253_402_300_799).contains(value)
            else { return .timeInvalid }
            seconds = value
        default:
            if origin.take(text) { isDogStatsD = true }
        }
        return nil
    }
}
