import QuipuModel

/// Which tier is read for which part of a span, so that as few rollups as possible are read and
/// each lies in one step.
///
/// All tiers have the same samples, each since its floor: a part is read from the widest tier whose
/// rollups lie whole in steps and in the span, and the edges from narrower ones. Where retention
/// left no tier that fits, the narrowest that is left is read: its rollups count where they begin.
struct TierPlan {
    struct Part: Equatable {
        var tier: MetricTier
        var seconds: Range<Int64>
    }

    private(set) var parts: [Part] = []
    private var rest: [Range<Int64>]

    init(_ grid: StepGrid, floors: TierFloors) {
        rest = [grid.span]
        for tier in MetricTier.allCases.reversed() where grid.isWhole(in: tier.seconds) {
            claim(tier) { range in
                let low = max(range.lowerBound, floors[tier])
                return (
                    -((-low).aligned(to: tier.seconds)),
                    range.upperBound.aligned(to: tier.seconds)
                )
            }
        }
        for tier in MetricTier.allCases {
            claim(tier) { (max($0.lowerBound, floors[tier]), $0.upperBound) }
        }
        parts.sort { $0.seconds.lowerBound < $1.seconds.lowerBound }
    }

    private mutating func claim(
        _ tier: MetricTier, _ part: (Range<Int64>) -> (low: Int64, high: Int64)
    ) {
        var left: [Range<Int64>] = []
        for range in rest {
            let claimed = part(range)
            guard claimed.low < claimed.high else {
                left.append(range)
                continue
            }
            parts.append(Part(tier: tier, seconds: claimed.low..<claimed.high))
            left.append(range.lowerBound..<claimed.low)
            left.append(claimed.high..<range.upperBound)
        }
        rest = left.filter { !$0.isEmpty }
    }
}
