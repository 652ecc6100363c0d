import QuipuModel
import Testing

@testable import DaemonCore

@Suite struct RetentionClockTests {
    private static let second: Int64 = 1_000_000
    private static let hour = 3_600 * second
    private static let day = 24 * hour
    private static let start = Timestamp(microseconds: 20_000 * day)
    private static let beat = 10 * second

    private var clock = RetentionClock(believed: start, runningMicroseconds: 0)
    private var running: Int64 = 0

    /// Lets time pass while the wall clock is apart from it; gives what is believed less the truth.
    private mutating func pass(_ time: Int64, apart: Int64) -> Int64 {
        var seen = RetentionTime(Self.start)
        for _ in 0..<time / Self.beat {
            running += Self.beat
            let wall = Timestamp(microseconds: Self.start.microseconds + running + apart)
            seen = clock.read(wall, runningMicroseconds: running)
            #expect(seen.clock == wall)
        }
        return seen.believed.microseconds - Self.start.microseconds - running
    }

    @Test mutating func aClockThatGoesRightIsBelieved() {
        #expect(pass(Self.day, apart: 0) == 0)
        #expect(pass(Self.beat, apart: Self.hour / 2) == Self.hour / 2)
        #expect(pass(Self.beat, apart: 0) == 0)
        #expect(!clock.isBehind)
    }

    @Test(arguments: [1, 3_650])
    mutating func aLeapIsFollowedByADayInAnHour(_ days: Int64) {
        let leap = days * Self.day
        #expect(pass(Self.beat, apart: leap) == 23 * Self.beat)
        #expect(clock.isBehind)
        #expect(pass(Self.hour, apart: leap) <= Self.day)
        // It was wrong, and is set right again.
        #expect(pass(2 * Self.hour, apart: 0) == 0)
        #expect(!clock.isBehind)
    }

    @Test(arguments: [1, 3_650])
    mutating func aLeapBackNeverMakesAnythingOlder(_ days: Int64) {
        let leap = -days * Self.day
        let believed = pass(Self.hour, apart: leap)
        #expect(believed < 0 && believed > -Self.day)
        let wall = Timestamp(microseconds: Self.start.microseconds + running + leap)
        #expect(clock.read(wall, runningMicroseconds: running).aged == wall)
        #expect(pass(2 * Self.hour, apart: 0) == 0)
    }

    @Test mutating func weeksOutOfUseAreCaughtUpWith() {
        #expect(pass(20 * Self.hour, apart: 14 * Self.day) == 14 * Self.day)
    }

    @Test func noClockIsTooWrong() {
        for (believed, wall) in [(Int64.min, Int64.max), (.max, .min), (.min, .min), (.max, .max)] {
            var clock = RetentionClock(
                believed: Timestamp(microseconds: believed), runningMicroseconds: .min)
            for running in [Int64.min, 0, 10, .max] {
                _ = clock.read(Timestamp(microseconds: wall), runningMicroseconds: running)
            }
        }
    }
}
