/// When the clocks of a time zone were set, so that local times can be read without asking the
/// system for each.
public struct ZoneRules: Sendable, Equatable {
    /// A moment, in seconds since 1970, from which on the offset is another one.
    public struct Change: Sendable, Equatable {
        public var seconds: Int64
        public var offsetSeconds: Int64

        public init(seconds: Int64, offsetSeconds: Int64) {
            self.seconds = seconds
            self.offsetSeconds = offsetSeconds
        }
    }

    private let firstOffsetSeconds: Int64
    private let changes: [Change]

    /// - Parameters:
    ///   - firstOffsetSeconds: East of UTC, before the first change.
    ///   - changes: In order of time.
    public init(firstOffsetSeconds: Int64, changes: [Change] = []) {
        self.firstOffsetSeconds = firstOffsetSeconds
        self.changes = changes
    }

    public static let utc = ZoneRules(firstOffsetSeconds: 0)

    /// The offset of a local time, in seconds since 1970 as if it were UTC. Of a time that came
    /// twice it is the first's; one that never came counts as if the clock had not been set.
    public func offset(ofLocalSeconds local: Int64) -> Int64 {
        var lower = 0
        var upper = changes.count
        while lower < upper {
            let middle = (lower + upper) / 2
            let before = middle == 0 ? firstOffsetSeconds : changes[middle - 1].offsetSeconds
            let begins = changes[middle].seconds + max(before, changes[middle].offsetSeconds)
            if local >= begins { lower = middle + 1 } else { upper = middle }
        }
        return lower == 0 ? firstOffsetSeconds : changes[lower - 1].offsetSeconds
    }
}
