/// What `metrics.query` computes for each step.
public enum Aggregate: Sendable, Hashable {
    case count, sum, avg, min, max, last
    /// Per second: for counters the sum, else the count, over the step's length.
    case rate
    /// The same over the whole step: what counters grew by.
    case increase
    /// 0…1, from `p50`, `p99.9` and so on.
    case quantile(Double)

    public init?(word: String) {
        switch word {
        case "count": self = .count
        case "sum": self = .sum
        case "avg": self = .avg
        case "min": self = .min
        case "max": self = .max
        case "last": self = .last
        case "rate": self = .rate
        case "increase": self = .increase
        default:
            guard word.hasPrefix("p"), let percent = Double(word.dropFirst()),
                percent.isFinite, percent >= 0, percent <= 100
            else { return nil }
            self = .quantile(percent / 100)
        }
    }
}

/// What stands in steps in which nothing was measured.
public enum MetricFill: String, Sendable, CaseIterable {
    /// No point at all.
    case none
    /// A point whose value is null.
    case null
    case zero
    /// The value of the point before.
    case previous
}

/// `metrics.query`.
public struct MetricQuery: Sendable {
    public var metric: String
    public var range: TimeRange
    public var filters: [Filter]
    /// A multiple of `Limits.rollupSeconds`.
    public var stepSeconds: Int64
    /// The words as asked, with what they mean; the reply's points go by these words.
    public var aggregates: [NamedAggregate]
    /// Tag keys; empty: one series over all.
    public var groupBy: [String]
    public var fill: MetricFill
    /// Only so many groups: those whose points of the first aggregate add up to the most.
    public var top: Int?

    public struct NamedAggregate: Sendable, Equatable {
        public var word: String
        public var aggregate: Aggregate

        public init(word: String, aggregate: Aggregate) {
            self.word = word
            self.aggregate = aggregate
        }
    }

    public init(
        metric: String, range: TimeRange, filters: [Filter] = [], stepSeconds: Int64,
        aggregates: [NamedAggregate], groupBy: [String] = [], fill: MetricFill = .none,
        top: Int? = nil
    ) {
        self.metric = metric
        self.range = range
        self.filters = filters
        self.stepSeconds = stepSeconds
        self.aggregates = aggregates
        self.groupBy = groupBy
        self.fill = fill
        self.top = top
    }
}

public struct MetricSeries: Sendable, Equatable {
    /// The tags grouped by; value nil where a series lacks the tag.
    public var tags: [GroupedTag]
    public var points: [Points]
    /// Where its rollups were found.
    public var tiers: Set<MetricTier>

    public struct GroupedTag: Sendable, Equatable {
        public var key: String
        public var value: String?

        public init(key: String, value: String?) {
            self.key = key
            self.value = value
        }
    }

    public struct Points: Sendable, Equatable {
        public var word: String
        public var values: [Point]

        public init(word: String, values: [Point]) {
            self.word = word
            self.values = values
        }
    }

    public struct Point: Sendable, Equatable {
        /// Start of the step, seconds since 1970.
        public var time: Int64
        /// NaN where a step was filled with nothing.
        public var value: Double

        public init(time: Int64, value: Double) {
            self.time = time
            self.value = value
        }
    }

    public init(tags: [GroupedTag], points: [Points], tiers: Set<MetricTier> = [.tenSeconds]) {
        self.tags = tags
        self.points = points
        self.tiers = tiers
    }
}
