/// What a chunk of retention may hold the writer for is 50 ms, and a commit that waits for one
/// should not take many times as long as others: its rows follow from the time that the last one
/// took.
struct ChunkPace {
    private static let milliseconds: ClosedRange<Int64> = 4...12
    private static let rows = 20...20_000

    private(set) var rows = 50

    mutating func follow(_ took: Duration) {
        if took > .milliseconds(Self.milliseconds.upperBound) {
            rows = max(Self.rows.lowerBound, rows / 2)
        } else if took < .milliseconds(Self.milliseconds.lowerBound) {
            rows = min(Self.rows.upperBound, rows * 2)
        }
    }
}
