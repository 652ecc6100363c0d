import Foundation
import QuipuModel
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct DecodingTests {
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
        "America/St_Johns", "Asia/Tokyo",
    ])
    func localTimesAreReadAsTheSystemDoes(name: String) throws {
        let zone = try #require(TimeZone(identifier: name))
        let rules = try #require(Decoding.rules(ofZone: name))
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: 820_454_400..<2_400_000_000, using: &generator)
            let date = Date(timeIntervalSince1970: Double(seconds))
            let offset = Int64(zone.secondsFromGMT(for: date))
            let local = seconds + offset
            // Of an hour that comes twice, the first is meant.
            let read = local - rules.offset(ofLocalSeconds: local)
            let again = Date(timeIntervalSince1970: Double(read))
            #expect(read <= seconds, "\(name) \(date)")
            #expect(read + Int64(zone.secondsFromGMT(for: again)) == local, "\(name) \(date)")
        }
    }

    @Test func anUnknownZoneIsNamed() {
        #expect(Decoding.rules(ofZone: "Europe/Nowhere") == nil)
    }
}
