/// Numbers as people and programs write them: whole multiples of a power of ten, give or take a
/// few units in the last place that sums have gathered.
struct DecimalScale {
    /// More digits than this are bits, not digits.
    static let digitsMax = 9
    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
    private static let slackMax: Int64 = 100

    let digits: Int
    private let power: Double

    init(digits: Int) {
        self.digits = digits
        power = Self.powers[digits]
    }

    /// The least digits that say all these numbers exactly; nil when there are none.
    static func fitting(_ columns: [[Double]]) -> DecimalScale? {
        var digits = 0
        for value in columns.joined() {
            while DecimalScale(digits: digits).split(value) == nil {
                digits += 1
                if digits > digitsMax { return nil }
            }
        }
        // What fits fewer digits need not fit more: the slack grows.
        let scale = DecimalScale(digits: digits)
        return columns.joined().allSatisfy { scale.split($0) != nil } ? scale : nil
    }

    /// The multiple nearest to `value`, and how many representable numbers lie between the two.
    func split(_ value: Double) -> (multiple: Int64, slack: Int64)? {
        let scaled = (value * power).rounded()
        guard scaled.magnitude < 0x1p53 else { return nil }
        let base = scaled / power
        let (slack, overflow) = Int64(bitPattern: value.bitPattern)
            .subtractingReportingOverflow(Int64(bitPattern: base.bitPattern))
        guard !overflow, slack.magnitude <= Self.slackMax else { return nil }
        let multiple = Int64(scaled)
        // -0, and numbers whose sign the multiple cannot say.
        guard join(multiple, slack).bitPattern == value.bitPattern else { return nil }
        return (multiple, slack)
    }

    func join(_ multiple: Int64, _ slack: Int64) -> Double {
        let base = Double(multiple) / power
        return Double(bitPattern: UInt64(bitPattern: Int64(bitPattern: base.bitPattern) &+ slack))
    }
}
