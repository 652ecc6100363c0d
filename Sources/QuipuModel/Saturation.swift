extension FixedWidthInteger {
    /// The sum, or the number that is nearest to it. For what others say of sizes and amounts: two
    /// sparse files may claim more together than a number holds.
    public func addingClamped(_ other: Self) -> Self {
        let (sum, isOutside) = addingReportingOverflow(other)
        guard isOutside else { return sum }
        return other < 0 ? .min : .max
    }
}

extension Int64 {
    /// The sum of two counts, at most `Limits.countMax`: some are only what somebody claims.
    public func addingCount(_ other: Int64) -> Int64 {
        Swift.min(addingClamped(other), Limits.countMax)
    }
}
