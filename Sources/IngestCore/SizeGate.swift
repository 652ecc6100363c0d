internal import QuipuModel

/// How commits go on while the database is near its budget, and when retention has to look. A pure
/// state machine. Bytes are those in use: free pages of the file are there to be used again.
public struct SizeGate: Equatable, Sendable {
    /// What was left where retention found nothing more to take; 0 where it did not come to that.
    private var left: Int64 = 0
    /// What commits took in the file, of what was expected of them.
    private var ratio = 1.0

    private static let ratios = 0.25...4.0
    /// What a smaller commit takes is mostly pages that are nearly empty.
    private static let tellingBytes: Int64 = 64 << 10
    /// Of the budget: what one commit may bring, and what may be there beside what cannot go.
    private static let share: Int64 = 16
    /// In the file, beside the bytes of its line: columns and entries of indexes.
    private static let eventBytes: Int64 = 192
    private static let rollupBytes: Int64 = 96

    public init() {}

    /// What is expected of a batch.
    public static func weight(bytes: Int, events: Int, rollups: Int) -> Int64 {
        Int64(bytes) + Int64(events) * eventBytes + Int64(rollups) * rollupBytes
    }

    /// Above, retention begins. It is the budget, unless that is less than what retention may take:
    /// whoever tried for each commit would do nothing else, and to no end.
    public func bound(_ budget: Int64) -> Int64 { max(budget, left + budget / Self.share) }

    /// Above, commits wait.
    private func ceiling(_ budget: Int64) -> Int64 {
        let bound = bound(budget)
        return bound + bound / 100 * Limits.databaseExcessPercentMax
    }

    private func growth(_ weight: Int64) -> Int64 { Int64(Double(weight) * ratio) }

    /// How many of the batches that wait go into one commit: all where there is room for them.
    public func count(of weights: some Collection<Int64>, used: Int64, budget: Int64) -> Int {
        guard used + growth(weights.reduce(0, +)) > bound(budget) else { return weights.count }
        var sum: Int64 = 0
        var count = 0
        for weight in weights {
            sum += weight
            guard count == 0 || growth(sum) <= budget / Self.share else { break }
            count += 1
        }
        return count
    }

    /// How few bytes must be in use before a commit; nil where it need not wait. Far above, after
    /// the budget was lowered, it waits for twice its bytes: so the file becomes smaller, and
    /// whoever writes is not kept waiting until it is small. And no commit takes more than half of
    /// what is kept.
    public func goal(before weight: Int64, used: Int64, budget: Int64) -> Int64? {
        let growth = growth(weight)
        let ceiling = ceiling(budget)
        guard used + growth > ceiling else { return nil }
        let goal = max(ceiling - growth, used - 2 * growth, budget / 2)
        return goal < used ? goal : nil
    }

    public mutating func committed(_ weight: Int64, grownBytes: Int64) {
        guard weight >= Self.tellingBytes else { return }
        let now = min(
            max(Double(grownBytes) / Double(weight), Self.ratios.lowerBound),
            Self.ratios.upperBound)
        // More at once, less only slowly.
        ratio = max(now, ratio + (now - ratio) / 8)
    }

    /// Retention found nothing more to take.
    public mutating func exhausted(used: Int64, budget: Int64) {
        left = used > budget ? used : 0
    }

    /// Retention ended.
    public mutating func retained(used: Int64, budget: Int64) {
        left = used > budget ? min(left, used) : 0
    }

    /// The database is larger than its budget, and retention could do nothing about it.
    public var isExhausted: Bool { left > 0 }
}
