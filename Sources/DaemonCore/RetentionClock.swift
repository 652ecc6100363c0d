internal import QuipuModel

/// What retention believes of the wall clock, which may be set to anything by a dead battery, a
/// mistake or an attack, before the daemon starts or while it runs. It follows small steps at once
/// and leaps only a little faster than time passes: a clock that was wrong for an hour costs no
/// more than a day, and after weeks out of use retention catches up by itself.
struct RetentionClock: Equatable {
    private(set) var believed: Timestamp
    /// It follows a leap.
    private(set) var isBehind = false
    private var running: Int64
    /// Between two readings; decades.
    private static let passedMax: Int64 = 1 << 50

    /// - Parameters:
    ///   - believed: What it believed before.
    ///   - runningMicroseconds: Of a clock that nobody sets.
    init(believed: Timestamp, runningMicroseconds running: Int64) {
        self.believed = believed
        self.running = running
    }

    /// What time it is for retention.
    mutating func read(_ wall: Timestamp, runningMicroseconds: Int64) -> RetentionTime {
        let passed = min(max(0, runningMicroseconds &- running), Self.passedMax)
        running = runningMicroseconds
        let expected = Self.saturated(believed.microseconds.addingReportingOverflow(passed), 1)
        let leap = Self.saturated(
            wall.microseconds.subtractingReportingOverflow(expected), wall.microseconds)
        isBehind = leap.magnitude > UInt64(Limits.clockLeapSecondsMax) * 1_000_000
        let stride = passed * (Limits.clockCatchUpFactor - 1)
        believed =
            isBehind
            ? Timestamp(microseconds: expected + min(max(leap, -stride), stride)) : wall
        return RetentionTime(clock: wall, believed: believed)
    }

    private static func saturated(
        _ result: (partialValue: Int64, overflow: Bool), _ sign: Int64
    ) -> Int64 {
        result.overflow ? (sign < 0 ? .min : .max) : result.partialValue
    }
}
