import QuipuModel

/// Spans of the calendar in UTC.
enum CivilTime {
    private static let secondsPerDay: Int64 = 86_400

    /// The start of the span that holds `time`, in seconds since 1970.
    static func start(of span: GroupKey.Span, holding time: Timestamp) -> Int64 {
        let second = floorDivide(time.microseconds, 1_000_000)
        let day = floorDivide(second, secondsPerDay)
        switch span {
        case .hour: return floorDivide(second, 3_600) * 3_600
        case .day: return day * secondsPerDay
        // 1970-01-01 was a Thursday, three days after a Monday.
        case .week: return (floorDivide(day + 3, 7) * 7 - 3) * secondsPerDay
        case .month:
            let date = date(ofDay: day)
            return (day - Int64(date.day) + 1) * secondsPerDay
        }
    }

    /// The end of the span that begins at `start`, in seconds since 1970.
    static func end(of span: GroupKey.Span, from start: Int64) -> Int64 {
        switch span {
        case .hour: return start + 3_600
        case .day: return start + secondsPerDay
        case .week: return start + 7 * secondsPerDay
        case .month:
            // 32 days after the first of a month lie in the next one.
            let next = Timestamp.seconds(start + 32 * secondsPerDay)
            return Self.start(of: .month, holding: next)
        }
    }

    /// RFC 3339 in UTC with milliseconds.
    static func text(seconds: Int64) -> String {
        let day = floorDivide(seconds, secondsPerDay)
        let date = date(ofDay: day)
        let second = seconds - day * secondsPerDay
        return padded(date.year, 4) + "-" + padded(Int64(date.month), 2) + "-"
            + padded(Int64(date.day), 2) + "T" + padded(second / 3_600, 2) + ":"
            + padded(second / 60 % 60, 2) + ":" + padded(second % 60, 2) + ".000Z"
    }

    private static func padded(_ value: Int64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The Gregorian date of a day counted from 1970-01-01, over years that begin in March and
    /// cycles of 400 years (146,097 days).
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = day + 719_468
        let cycle = floorDivide(shifted, 146_097)
        let dayOfCycle = shifted - cycle * 146_097
        let leapDays = dayOfCycle / 1_460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leapDays) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        return (year, Int(month), Int(dayOfMonth))
    }
}
