import Foundation
import QuipuModel

/// Spans of the calendar, in UTC or as a time zone's clocks show it. Remembers the span that it
/// found last, since neighbours are asked for together.
struct CalendarSpans {
    /// The years from 1 to 9999.
    private static let calendarSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    private let zone: TimeZone?
    private let calendar: Calendar
    private var found: [GroupKey.Span: Range<Int64>] = [:]

    /// - Throws: `StoreError.invalid` for an unknown zone.
    init(zone name: String?) throws(StoreError) {
        var calendar = Calendar(identifier: .iso8601)
        if let name {
            guard let zone = TimeZone(identifier: name) else {
                throw .invalid(path: "time_zone", hint: "a name such as \"Europe/Berlin\"")
            }
            calendar.timeZone = zone
            self.zone = zone
        } else {
            zone = nil
        }
        self.calendar = calendar
    }

    /// The widest spans of UTC, in seconds, each of which lies in one span of the calendar.
    func rollupWidth(_ span: GroupKey.Span, over range: TimeRange) -> Int64 {
        guard let zone else { return span == .hour ? 3_600 : 86_400 }
        // Clocks have stood at whole hours beside UTC for as long as events have been stored, but
        // in a few zones: ask all over the range.
        let since = max(range.since.microseconds / 1_000_000, 0)
        let until = min(range.until.microseconds / 1_000_000, 4_102_444_800)
        let step = max((until - since) / 256, 30 * 86_400)
        let isWhole = stride(from: since, through: max(until, since), by: Int(step)).allSatisfy {
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0))).isMultiple(of: 3_600)
        }
        return isWhole ? 3_600 : 300
    }

    /// The start of the span that holds `time`, in seconds since 1970.
    mutating func start(of span: GroupKey.Span, holding time: Timestamp) -> Int64 {
        let second = floorDivide(time.microseconds, 1_000_000)
        guard let zone, Self.calendarSeconds.contains(second) else {
            return CivilTime.start(of: span, holding: time)
        }
        if let known = found[span], known.contains(second) { return known.lowerBound }
        let date = Date(timeIntervalSince1970: Double(second))
        if span == .hour {
            let offset = Int64(zone.secondsFromGMT(for: date))
            return floorDivide(second + offset, 3_600) * 3_600 - offset
        }
        guard let interval = calendar.dateInterval(of: span.component, for: date) else {
            return CivilTime.start(of: span, holding: time)
        }
        let start = Int64(interval.start.timeIntervalSince1970)
        let end = Int64(interval.end.timeIntervalSince1970)
        found[span] = start..<max(start, end)
        return start
    }

    mutating func text(of span: GroupKey.Span, holding time: Timestamp) -> String {
        CivilTime.text(seconds: start(of: span, holding: time))
    }
}

extension GroupKey.Span {
    fileprivate var component: Calendar.Component {
        switch self {
        case .hour: .hour
        case .day: .day
        case .week: .weekOfYear
        case .month: .month
        }
    }
}
