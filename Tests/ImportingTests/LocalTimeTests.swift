import Foundation
import QuipuModel
import QuipuProtocol
import Testing

@testable import Importing

@Suite struct LocalTimeTests {
    private func read(_ value: JSON, in zone: String = "Europe/Berlin") throws -> String? {
        let times = try #require(LocalTime(zoneName: zone))
        return times.read(value)?.time.rfc3339Microseconds
    }

    @Test func timesKeepWhatTheySay() throws {
        #expect(try read("2025-10-18T15:25:54.579382") == "2025-10-18T13:25:54.579382Z")
        #expect(try read("2026-01-18T15:25:54") == "2026-01-18T14:25:54.000Z")
        #expect(try read("2025-10-18T11:59:14Z") == "2025-10-18T11:59:14.000Z")
        #expect(try read("2025-10-18T11:59:14.000001+02:00") == "2025-10-18T09:59:14.000001Z")
        // SQLite's own datetime('now') is UTC.
        #expect(try read("2025-10-18 11:59:14") == "2025-10-18T11:59:14.000Z")
        #expect(try read(1_791_212_493.5) == "2026-10-05T15:01:33.500Z")
        #expect(try read(1_791_212_493_500) == "2026-10-05T15:01:33.500Z")
        for nonsense in ["", "bad", "2025-13-01T00:00:00", "25:00"] as [JSON] {
            #expect(try read(nonsense) == nil)
        }
        #expect(try read(true) == nil)
        #expect(LocalTime(zoneName: "Europe/Atlantis") == nil)
    }

    @Test func changesOfTheClockAreRight() throws {
        let berlin = try #require(LocalTime(zoneName: "Europe/Berlin"))
        // Shown twice: the first time it is still summer.
        let twice = berlin.read("2026-10-25T02:30:00")
        #expect(twice?.time.rfc3339 == "2026-10-25T00:30:00.000Z")
        #expect(twice?.isAmbiguous == true)
        #expect(berlin.read("2026-10-25T03:00:00")?.time.rfc3339 == "2026-10-25T02:00:00.000Z")
        #expect(berlin.read("2026-10-25T01:59:59")?.isAmbiguous == false)
        // Never shown: counted on from before.
        #expect(berlin.read("2026-03-29T02:30:00")?.time.rfc3339 == "2026-03-29T01:30:00.000Z")
        #expect(berlin.read("2026-03-29T03:00:00")?.time.rfc3339 == "2026-03-29T01:00:00.000Z")
        let york = try #require(LocalTime(zoneName: "America/New_York"))
        #expect(york.read("2026-11-01T01:30:00")?.time.rfc3339 == "2026-11-01T05:30:00.000Z")
        #expect(york.read("2026-11-01T02:30:00")?.time.rfc3339 == "2026-11-01T07:30:00.000Z")
    }
}
