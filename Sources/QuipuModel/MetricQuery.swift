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
    /// A metric, by what a formula and the reply call it.
    public struct Operand: Sendable, Equatable {
        public var name: String
        public var metric: String
        /// Nil: each that the metric has, apart.
        public var type: MetricType?

        public init(name: String, metric: String, type: MetricType? = nil) {
            self.name = name
            self.metric = metric
            self.type = type
        }
    }

    /// At least one.
    public var metrics: [Operand]
    /// Over the names of `metrics`; nil: each metric on its own.
    public var formula: Formula?
    public var range: TimeRange
    public var filters: [Filter]
    /// A multiple of `Limits.rollupSeconds`.
    public var stepSeconds: Int64
    /// IANA name: steps of whole days begin at its midnights. Nil: at those of UTC.
    public var timeZone: String?
    /// The words as asked, with what they mean; the reply's points go by these words.
    public var aggregates: [NamedAggregate]
    /// Tag keys; empty: one series over all.
    public var groupBy: [String]
    public var fill: MetricFill
    /// Only so many series: those whose points of the first aggregate add up to the most.
    public var top: Int?
    /// Of the step that holds this moment, rates are of the part that has passed. Nil: of all.
    public var now: Timestamp?

    public struct NamedAggregate: Sendable, Equatable {
        public var word: String
        public var aggregate: Aggregate

        public init(word: String, aggregate: Aggregate) {
            self.word = word
            self.aggregate = aggregate
        }
    }

    public init(
        metrics: [Operand], formula: Formula? = nil, range: TimeRange, filters: [Filter] = [],
        stepSeconds: Int64, timeZone: String? = nil, aggregates: [NamedAggregate],
        groupBy: [String] = [], fill: MetricFill = .none, top: Int? = nil
    ) {
        self.metrics = metrics
        self.formula = formula
        self.range = range
        self.filters = filters
        self.stepSeconds = stepSeconds
        self.timeZone = timeZone
        self.aggregates = aggregates
        self.groupBy = groupBy
        self.fill = fill
        self.top = top
    }

    /// One metric, which the reply does not name again.
    public init(
        metric: String, range: TimeRange, filters: [Filter] = [], stepSeconds: Int64,
        timeZone: String? = nil, aggregates: [NamedAggregate], groupBy: [String] = [],
        fill: MetricFill = .none, top: Int? = nil
    ) {
        self.init(
            metrics: [Operand(name: "", metric: metric)], range: range, filters: filters,
            stepSeconds: stepSeconds, timeZone: timeZone, aggregates: aggregates,
            groupBy: groupBy, fill: fill, top: top)
    }

    /// Nil where several were asked for by name.
    public var singleMetric: String? {
        metrics.first.flatMap { $0.name.isEmpty ? $0.metric : nil }
    }
}

/// What `metrics.query` answers.
public struct MetricAnswer: Sendable, Equatable {
    /// A part of the range; the next one begins where it ends.
    public struct Stretch: Sendable, Equatable {
        /// Seconds since 1970.
        public var since: Int64
        public var stepSeconds: Int64

        public init(since: Int64, stepSeconds: Int64) {
            self.since = since
            self.stepSeconds = stepSeconds
        }
    }

    public var series: [MetricSeries]
    /// More than one where retention has left only spans that are wider than a step.
    public var stretches: [Stretch]

    public init(series: [MetricSeries], stretches: [Stretch] = []) {
        self.series = series
        self.stretches = stretches
    }
}

public struct MetricSeries: Sendable, Equatable {
    /// Which of several metrics, by its name in the question; nil for one, and for a formula.
    public var name: String?
    /// Nil of a formula.
    public var type: MetricType?
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

    public init(
        name: String? = nil, type: MetricType? = nil, tags: [GroupedTag], points: [Points],
        tiers: Set<MetricTier> = [.tenSeconds]
    ) {
        self.name = name
        self.type = type
        self.tags = tags
        self.points = points
        self.tiers = tiers
    }
}
