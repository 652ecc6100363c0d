public import QuipuModel

extension Timestamp {
    /// RFC 3339 in UTC with milliseconds, rounded down: `2026-11-20T15:17:28.926Z`. Moments that no
    /// such text can name become the nearest that it can.
    public var rfc3339: String {
        let moment = min(max(self, .earliest), .latest).microseconds
        let day = floorDivide(moment, 86_400_000_000)
        let date = CivilDate(daysSince1970: day)
        let milliseconds = (moment - day * 86_400_000_000) / 1_000
        let (hour, minute) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60)
        let second = milliseconds / 1_000 % 60
        return "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))"
            + "T\(digits(hour, 2)):\(digits(minute, 2)):\(digits(second, 2))"
            + ".\(digits(milliseconds % 1_000, 3))Z"
    }

    /// Reads RFC 3339: date and time with `Z` or an offset, fractions of any length (what is finer
    /// than a microsecond is dropped), `T` or a space between; or a date alone, which is its
    /// midnight in UTC. A leap second counts as the second after it. Nil when it is none.
    public init?(rfc3339 text: String) {
        var scanner = DigitScanner(text)
        guard let date = scanner.date() else { return nil }
        var seconds = date.daysSince1970 * 86_400
        var microseconds: Int64 = 0
        if !scanner.isAtEnd {
            guard let time = scanner.time(), let offset = scanner.offset() else { return nil }
            seconds += time.seconds - offset
            microseconds = time.microseconds
        }
        guard scanner.isAtEnd else { return nil }
        let moment = Timestamp(microseconds: seconds * 1_000_000 + microseconds)
        guard moment >= .earliest, moment <= .latest else { return nil }
        self = moment
    }
}

private func digits(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}

/// A day of the proleptic Gregorian calendar.
///
/// The arithmetic counts eras of 400 years (146,097 days) whose years begin on 1 March, so that the
/// leap day is the last of its year.
struct CivilDate: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64

    init?(year: Int64, month: Int64, day: Int64) {
        guard (1...9_999).contains(year), (1...12).contains(month),
            (1...CivilDate.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    init(daysSince1970 days: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads the parts of a time from left to right; nil at the first thing that does not fit.
private struct DigitScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    private mutating func take(_ accepted: Character...) -> Bool {
        guard let byte = rest.first, accepted.contains(Character(Unicode.Scalar(byte))) else {
            return false
        }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
            return nil
        }
        rest.removeFirst()
        return Int64(byte - UInt8(ascii: "0"))
    }

    private mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func date() -> CivilDate? {
        guard let year = number(4), take("-"), let month = number(2), take("-"),
            let day = number(2)
        else { return nil }
        return CivilDate(year: year, month: month, day: day)
    }

    mutating func time() -> (seconds: Int64, microseconds: Int64)? {
        guard take("T", "t", " "), let hour = number(2), hour < 24, take(":"),
            let minute = number(2), minute < 60, take(":"), let second = number(2), second <= 60
        else { return nil }
        var microseconds: Int64 = 0
        if take(".") {
            guard let fraction = fraction() else { return nil }
            microseconds = fraction
        }
        return (hour * 3_600 + minute * 60 + second, microseconds)
    }

    private mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let digit = digit() {
            if count < 6 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 6)..<6 { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int64? {
        if take("Z", "z") { return 0 }
        let isWest = rest.first == UInt8(ascii: "-")
        guard take("+", "-"), let hours = number(2), hours < 24, take(":"),
            let minutes = number(2), minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
