extension Int64 {
    /// The sum of two counts, at most `Limits.countMax`: some are only what somebody claims.
    public func addingCount(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? Limits.countMax : Swift.min(sum, Limits.countMax)
    }
}
