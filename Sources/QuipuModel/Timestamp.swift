/// A moment: microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// 0001-01-01T00:00:00Z, the first moment that the wire can name.
    public static let earliest = Timestamp(microseconds: -62_135_596_800_000_000)
    /// 9999-12-31T23:59:59.999999Z, the last one.
    public static let latest = Timestamp(microseconds: 253_402_300_799_999_999)

    public static func seconds(_ value: Int64) -> Timestamp {
        let (product, overflow) = value.multipliedReportingOverflow(by: 1_000_000)
        return Timestamp(microseconds: overflow ? (value < 0 ? .min : .max) : product)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The start of the span of `seconds` (aligned to the epoch) that holds this moment, in
    /// seconds.
    public func bucket(seconds: Int64) -> Int64 {
        floorDivide(microseconds, 1_000_000).aligned(to: seconds)
    }
}

/// Integer division that rounds towards minus infinity, so that times before 1970 fall into the
/// right bucket.
public func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return (value % divisor != 0 && (value < 0) != (divisor < 0)) ? quotient - 1 : quotient
}

extension Int64 {
    /// The largest multiple of `step` that is not above.
    public func aligned(to step: Int64) -> Int64 { floorDivide(self, step) * step }
}
