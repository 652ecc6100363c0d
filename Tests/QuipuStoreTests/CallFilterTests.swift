import TestSupport
import Testing

@testable import QuipuStore

@Suite struct CallFilterTests {
    @Test func whatWasInsertedMayBeHeld() throws {
        var random = SeededGenerator(seed: 1)
        var filter = CallFilter(firstSession: 10)
        let keys = (0..<20_000).map { _ in Int64.random(in: .min ... .max, using: &random) }
        for key in keys { filter.insert(key, nextSession: 11) }
        #expect(keys.allSatisfy { filter.mayHold($0, of: 10) })
    }

    @Test func mostOfWhatWasNotInsertedIsKnownToBeAbsent() throws {
        var filter = CallFilter(firstSession: 10)
        // As keys are made: sessions above, hashes below.
        for low in 0..<100_000 as Range<UInt64> {
            filter.insert(CallKey.of(session: 10, low: low &* 0x9e37), nextSession: 11)
        }
        let held = (0..<100_000 as Range<UInt64>).count {
            filter.mayHold(CallKey.of(session: 12, low: $0 &* 0x9e37), of: 12)
        }
        #expect(held < 1_000)
    }

    @Test func aSessionFromBeforeIsAlwaysLookedFor() {
        let filter = CallFilter(firstSession: 10)
        #expect(filter.mayHold(1, of: 9))
        #expect(!filter.mayHold(1, of: 10))
    }

    @Test func aFullFilterBeginsAnewWithTheSessionsThatAreNewThen() {
        var filter = CallFilter(firstSession: 10)
        var key: Int64 = 0
        while filter.mayHold(Int64.max, of: 10) == false, key < 1 << 21 {
            filter.insert(key, nextSession: 500)
            key += 1
        }
        #expect(filter.mayHold(0, of: 10))
        #expect(filter.mayHold(key - 1, of: 500))
        #expect(!filter.mayHold(Int64.max, of: 500))
    }
}
