import QuipuModel

/// Which tier is read for which part of a span, so that as few rollups as possible are read and
/// each lies in one step.
///
/// All tiers have the same samples, each since its floor: a part is read from the widest tier whose
/// rollups lie whole in steps and in the span, and the edges from narrower ones. The grid's steps
/// are such that the narrowest tier that is left fits everywhere.
struct TierPlan {
    struct Part: Equatable {
        var tier: MetricTier
        var seconds: Range<Int64>
    }

    private(set) var parts: [Part] = []
    private var rest: [Range<Int64>] = []

    init(_ grid: StepGrid, floors: TierFloors) {
        for stretch in grid.stretches {
            rest = [stretch.seconds]
            for tier in MetricTier.allCases.reversed() where stretch.isWhole(in: tier.seconds) {
                claim(tier, since: floors[tier])
            }
        }
        parts.sort { $0.seconds.lowerBound < $1.seconds.lowerBound }
    }

    private mutating func claim(_ tier: MetricTier, since floor: Int64) {
        var left: [Range<Int64>] = []
        for range in rest {
            let low = -((-max(range.lowerBound, floor)).aligned(to: tier.seconds))
            let high = range.upperBound.aligned(to: tier.seconds)
            guard low < high else {
                left.append(range)
                continue
            }
            parts.append(Part(tier: tier, seconds: low..<high))
            left.append(range.lowerBound..<low)
            left.append(high..<range.upperBound)
        }
        rest = left.filter { !$0.isEmpty }
    }
}
