import QuipuModel

/// The series of an answer, as they are found: all of them, or the largest so many. Holds at most
/// twice of what is answered.
struct MetricSelection {
    /// Bounds what one question may hold in memory and a reply may carry.
    private static let pointsPerReplyMax = 500_000

    private struct Found {
        var place: Int
        var weight: Double
        var series: MetricSeries
    }

    private let top: Int?
    private var kept: [Found] = []
    private var foundCount = 0
    private var pointCount = 0

    init(top: Int?) { self.top = top }

    mutating func add(_ series: MetricSeries) throws(StoreError) {
        kept.append(Found(place: foundCount, weight: Self.weight(series), series: series))
        foundCount += 1
        pointCount += Self.pointCount(series)
        guard let top else { return try checkPoints() }
        if kept.count >= 2 * top || pointCount > 2 * Self.pointsPerReplyMax { try prune(to: top) }
    }

    /// The largest first, where some were left out.
    mutating func finish() throws(StoreError) -> [MetricSeries] {
        if let top, foundCount > top { try prune(to: top) }
        try checkPoints()
        return kept.map(\.series)
    }

    private mutating func prune(to top: Int) throws(StoreError) {
        kept.sort { ($1.weight, $0.place) < ($0.weight, $1.place) }
        kept.removeLast(max(0, kept.count - top))
        pointCount = kept.reduce(0) { $0 + Self.pointCount($1.series) }
        try checkPoints()
    }

    private func checkPoints() throws(StoreError) {
        guard pointCount <= Self.pointsPerReplyMax else {
            throw .tooLarge(
                path: "step", hint: "more than \(Self.pointsPerReplyMax) points; use a longer step")
        }
    }

    private static func pointCount(_ series: MetricSeries) -> Int {
        series.points.reduce(0) { $0 + $1.values.count }
    }

    /// What its points of the first aggregate add up to.
    private static func weight(_ series: MetricSeries) -> Double {
        (series.points.first?.values ?? []).reduce(0) { $0 + ($1.value.isNaN ? 0 : $1.value) }
    }
}
