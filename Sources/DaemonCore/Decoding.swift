internal import Foundation
internal import Intake
internal import QuipuModel
internal import Settings

/// What the settings say about reading lines.
enum Decoding {
    /// Clocks are known for these years; before and after them they are as at their edges.
    private static let years = 1990...2060

    static func options(
        _ settings: DaemonSettings, systemZone: String
    ) throws(DaemonError) -> DecoderOptions {
        var options = DecoderOptions(keepsOrigin: settings.originTags)
        options.redaction.isEnabled = settings.redacts
        options.redaction.keys = settings.redactedKeys
        options.payloadBytesMax = settings.payloadBytesMax
        let name = settings.timeZone ?? systemZone
        guard let rules = rules(ofZone: name) else {
            throw DaemonError("time_zone: there is no time zone \"\(name)\"")
        }
        options.zone = rules
        return options
    }

    static func rules(ofZone name: String) -> ZoneRules? {
        guard let zone = TimeZone(identifier: name) else { return nil }
        func start(of year: Int) -> Date {
            Date(timeIntervalSince1970: Double(year - 1970) * 365.2425 * 86_400)
        }
        var date = start(of: years.lowerBound)
        let end = start(of: years.upperBound)
        let first = Int64(zone.secondsFromGMT(for: date))
        var changes: [ZoneRules.Change] = []
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date,
            next < end
        {
            changes.append(
                ZoneRules.Change(
                    seconds: Int64(next.timeIntervalSince1970.rounded()),
                    offsetSeconds: Int64(zone.secondsFromGMT(for: next))))
            date = next
        }
        return ZoneRules(firstOffsetSeconds: first, changes: changes)
    }
}
