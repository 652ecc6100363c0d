import Foundation

/// Milliseconds since 1970, as the generator counts time.
typealias Moment = Int64

extension Moment {
    static let second: Moment = 1_000
    static let minute: Moment = 60 * second
    static let hour: Moment = 60 * minute
    static let day: Moment = 24 * hour

    /// `2026-10-10T07:00:00.000Z`
    var rfc3339: String { CivilTime(self).text(suffix: "Z") }
}

/// A date and time of the proleptic Gregorian calendar. The project has its own arithmetic for
/// this; the truth must not come from there.
struct CivilTime {
    let year, month, day, hour, minute, second, millisecond: Int64

    init(_ moment: Moment) {
        var days = moment / Moment.day
        var rest = moment % Moment.day
        if rest < 0 {
            days -= 1
            rest += Moment.day
        }
        (hour, minute) = (rest / Moment.hour, rest / Moment.minute % 60)
        (second, millisecond) = (rest / Moment.second % 60, rest % 1_000)
        // Day by day through the years: slow, and plainly right.
        var year: Int64 = 1970
        while days >= CivilTime.daysOf(year) {
            days -= CivilTime.daysOf(year)
            year += 1
        }
        var lengths: [Int64] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if CivilTime.daysOf(year) == 366 { lengths[1] = 29 }
        var month = 0
        while days >= lengths[month] {
            days -= lengths[month]
            month += 1
        }
        (self.year, self.month, day) = (year, Int64(month) + 1, days + 1)
    }

    private static func daysOf(_ year: Int64) -> Int64 {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }

    var date: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    func text(suffix: String) -> String {
        "\(date)T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))."
            + "\(padded(millisecond, 3))\(suffix)"
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// A time zone whose days the truth is told by.
struct Zone {
    let name: String
    private let zone: TimeZone

    init?(_ name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.name = name
        self.zone = zone
    }

    private func offset(_ moment: Moment) -> Moment {
        let date = Date(timeIntervalSince1970: Double(moment) / 1_000)
        return Moment(zone.secondsFromGMT(for: date)) * Moment.second
    }

    func date(of moment: Moment) -> String { CivilTime(moment + offset(moment)).date }

    /// Local time without a zone, as many loggers write it.
    func naive(_ moment: Moment) -> String {
        CivilTime(moment + offset(moment)).text(suffix: "000")
    }
}
