import Foundation
public import QuipuModel

/// Spans of the calendar in a time zone, right across changes of the clock.
public struct ZonedCalendar: Sendable {
    /// What the calendar can tell; beyond, the nearest.
    private static let seconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    private let calendar: Calendar?

    /// - Parameter zone: an IANA name; nil: UTC.
    /// - Throws: `StoreError.invalid` for an unknown zone.
    public init(zone: String?) throws(StoreError) {
        guard let zone, zone != "UTC" else {
            calendar = nil
            return
        }
        guard let zone = TimeZone(identifier: zone) else {
            throw .invalid(path: "time_zone", hint: "a name such as \"Europe/Berlin\"")
        }
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// The span that holds a moment, in seconds since 1970.
    public func span(_ span: GroupKey.Span, holding time: Timestamp) -> Range<Int64> {
        let second = floorDivide(time.microseconds, 1_000_000)
        guard let calendar, Self.seconds.contains(second) else {
            let start = CivilTime.start(of: span, holding: time)
            return start..<CivilTime.end(of: span, from: start)
        }
        let component: Calendar.Component =
            switch span {
            case .hour: .hour
            case .day: .day
            case .week: .weekOfYear
            case .month: .month
            }
        let date = Date(timeIntervalSince1970: Double(second))
        guard let interval = calendar.dateInterval(of: component, for: date) else {
            return second..<(second + 1)
        }
        let start = Int64(interval.start.timeIntervalSince1970.rounded())
        let end = Int64(interval.end.timeIntervalSince1970.rounded())
        return start..<max(end, start + 1)
    }

    /// The midnight in the zone of the date that begins at `midnight` in UTC.
    func midnight(ofDate midnight: Timestamp) -> Timestamp {
        guard let calendar else { return midnight }
        // Noon lies within its day, whatever the clock did in the night.
        let noon = floorDivide(midnight.microseconds, 1_000_000) + 43_200
        guard Self.seconds.contains(noon) else { return midnight }
        let date = Date(timeIntervalSince1970: Double(noon))
        let offset = Int64(calendar.timeZone.secondsFromGMT(for: date))
        return .seconds(span(.day, holding: .seconds(noon - offset)).lowerBound)
    }

    /// `2026-11-20T14:00`, `2026-11-20`, or `2026-11`, as the zone's clocks show it.
    public func label(_ span: GroupKey.Span, start: Int64) -> String {
        var local = start
        if let calendar, Self.seconds.contains(start) {
            let date = Date(timeIntervalSince1970: Double(start))
            local += Int64(calendar.timeZone.secondsFromGMT(for: date))
        }
        let text = CivilTime.text(seconds: local)
        return switch span {
        case .hour: String(text.prefix(16))
        case .day, .week: String(text.prefix(10))
        case .month: String(text.prefix(7))
        }
    }
}
