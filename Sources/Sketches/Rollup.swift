/// One series over one span of time.
public struct Rollup: Sendable, Equatable {
    /// Samples, each weighted by 1 / its sample rate.
    public var count: Double = 0
    /// Weighted sum of the values; for counters the total.
    public var sum: Double = 0
    public var min: Double = .infinity
    public var max: Double = -.infinity
    /// The value that came last, and when (microseconds since 1970).
    public var last: Double = 0
    public var lastMicroseconds: Int64 = .min
    /// Quantiles; nil for counters and sets.
    public var sketch: DDSketch?

    public init(sketch: DDSketch? = nil) { self.sketch = sketch }

    public var isEmpty: Bool { count == 0 }

    /// Adds one sample. `weight` is 1 / sample rate.
    public mutating func add(_ value: Double, weight: Double, atMicroseconds time: Int64) {
        count += weight
        sum += value * weight
        if value < min { min = value }
        if value > max { max = value }
        if time >= lastMicroseconds {
            last = value
            lastMicroseconds = time
        }
        sketch?.add(value, weight: weight)
    }

    public mutating func merge(_ other: Rollup) {
        guard !other.isEmpty else { return }
        count += other.count
        sum += other.sum
        min = Swift.min(min, other.min)
        max = Swift.max(max, other.max)
        if other.lastMicroseconds >= lastMicroseconds {
            last = other.last
            lastMicroseconds = other.lastMicroseconds
        }
        if let theirs = other.sketch {
            if sketch == nil { sketch = theirs } else { sketch?.merge(theirs) }
        }
    }

    /// Moves every value by `offset` (a gauge's changes, once the value they start from is known).
    public mutating func shift(by offset: Double) {
        sum += offset * count
        min += offset
        max += offset
        last += offset
        if let old = sketch { sketch = old.shifted(by: offset) }
    }
}
