import Foundation
import QuipuModel
import QuipuProtocol

/// Times as the originals write them: with a zone, without one, or as a number.
public struct LocalTime: Sendable {
    private let zone: TimeZone
    public var zoneName: String { zone.identifier }

    /// - Parameter name: of the IANA database; nil for the machine's own.
    public init?(zoneName name: String?) {
        guard let name else {
            zone = .autoupdatingCurrent
            return
        }
        guard let known = TimeZone(identifier: name) else { return nil }
        zone = known
    }

    struct Reading: Equatable {
        var time: Timestamp
        /// The text had no zone: the clock that it was read from is the zone's.
        var wasLocal = false
        /// The clock showed it twice that day; the first time is taken, as Python does.
        var isAmbiguous = false
    }

    /// Nil when it is no time.
    func read(_ value: JSON?) -> Reading? {
        guard let value else { return nil }
        if let number = value.double { return LocalTime.number(number) }
        guard let text = value.string else { return nil }
        if text.last == "Z" || text.last == "z" || LocalTime.hasOffset(text) {
            return Timestamp(rfc3339: text).map { Reading(time: $0) }
        }
        // `datetime('now')` of SQLite is UTC; Python's `isoformat()` has a `T` and is local.
        let isFromSQLite = text.utf8.count == 19 && text.contains(" ")
        guard let clock = Timestamp(rfc3339: text + (text.utf8.count > 10 ? "Z" : "")) else {
            return nil
        }
        return isFromSQLite ? Reading(time: clock) : local(clock)
    }

    private static func hasOffset(_ text: String) -> Bool {
        let tail = text.utf8.suffix(6)
        guard tail.count == 6, let sign = tail.first else { return false }
        return (sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"))
            && tail.dropFirst(3).first == UInt8(ascii: ":")
    }

    private static func number(_ number: Double) -> Reading? {
        switch number {
        case 1e8..<1e11: Reading(time: Timestamp(microseconds: Int64(number * 1e6)))
        case 1e11..<1e14: Reading(time: Timestamp(microseconds: Int64(number * 1e3)))
        default: nil
        }
    }

    private static let day: Int64 = 86_400_000_000

    /// - Parameter clock: what the local clock showed, as if it were UTC.
    private func local(_ clock: Timestamp) -> Reading {
        let shown = clock.microseconds
        let before = shown - offset(shown - LocalTime.day)
        let after = shown - offset(shown + LocalTime.day)
        let fits = [before, after].filter { $0 + offset($0) == shown }
        let isAmbiguous = before != after && fits.count == 2
        // A time that the clock skipped is counted on from before the change.
        let moment = fits.min() ?? before
        return Reading(
            time: Timestamp(microseconds: moment), wasLocal: true, isAmbiguous: isAmbiguous)
    }

    private func offset(_ microseconds: Int64) -> Int64 {
        let date = Date(timeIntervalSince1970: Double(microseconds) / 1e6)
        return Int64(zone.secondsFromGMT(for: date)) * 1_000_000
    }
}

extension Timestamp {
    /// RFC 3339 with microseconds.
    var rfc3339Microseconds: String {
        let rest = ((microseconds % 1_000) + 1_000) % 1_000
        guard rest > 0 else { return rfc3339 }
        let digits = String(rest)
        return rfc3339.dropLast() + String(repeating: "0", count: 3 - digits.utf8.count) + digits
            + "Z"
    }
}
