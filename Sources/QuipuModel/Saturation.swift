extension FixedWidthInteger {
    /// The sum, or the number that is nearest to it. For what others say of sizes and amounts: two
    /// sparse files may claim more together than a number holds.
    public func addingClamped(_ other: Self) -> Self {
        let (sum, isOutside) = addingReportingOverflow(other)
        guard isOutside else { return sum }
        return other < 0 ? .min : .max
    }
}
