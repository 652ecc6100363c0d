import Foundation
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_795_187_848_926_000, "2026-11-20T15:17:28.926Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
        (.max, "9999-12-31T23:59:59.999Z"), (.min, "0001-01-01T00:00:00.000Z"),
    ])
    func writes(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test(arguments: [
        "", "now", "2026", "2026-1-1", "2026-13-01", "2026-00-01", "2026-04-31", "2025-02-29",
        "1900-02-29", "0000-01-01", "2026-01-01T", "2026-01-01T00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00 Z", "-026-01-01", "٢٠٢٦-01-01",
        "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00",
    ])
    func refuses(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    /// Against Foundation's calendar, which is Gregorian from 1582 on.
    @Test func agreesWithAnotherCalendar() throws {
        var generator = SeededGenerator()
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for _ in 0..<2_000 {
            let milliseconds = Int64.random(
                in: -12_212_553_600_000...253_402_300_799_999, using: &generator)
            let moment = Timestamp(microseconds: milliseconds * 1_000)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: date)
            let expected = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d", parts.year ?? 0, parts.month ?? 0,
                parts.day ?? 0, parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
            let text = moment.rfc3339
            #expect(text.hasPrefix(expected), "seed \(generator.seed)")
            #expect(Timestamp(rfc3339: text) == moment, "seed \(generator.seed)")
        }
    }

    @Test func offsetsAndFractionsNameTheSameMoment() {
        let moment = Timestamp(rfc3339: "2026-11-20T15:17:28.926Z")
        #expect(moment != nil)
        for text in [
            "2026-11-20T16:17:28.926+01:00", "2026-11-20T09:47:28.926000000-05:30",
            "2026-11-20t15:17:28.9260z", "2026-11-20 15:17:28.926Z",
        ] {
            #expect(Timestamp(rfc3339: text) == moment)
        }
        #expect(Timestamp(rfc3339: "2026-11-20") == Timestamp(rfc3339: "2026-11-20T00:00:00Z"))
    }
}
