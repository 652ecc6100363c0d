/// Values to bin numbers and back.
enum LogMapping {
    private static let a = 6.0 / 35, b = -3.0 / 5, c = 10.0 / 7
    /// Bins per power of two: 7 / (10 · ln γ). 10/7 is the least slope of the cubic against ln.
    private static let binsPerOctave = 7 / (10 * 0.020_000_666_706_669_435)

    /// The bins that a finite double can fall into.
    static let indices =
        index(.leastNonzeroMagnitude)...index(.greatestFiniteMagnitude)

    /// `value` > 0 and finite.
    @inline(__always)
    static func index(_ value: Double) -> Int {
        var exponent = Int((value.bitPattern >> 52) & 0x7ff) - 1_023
        var fraction =
            Double(bitPattern: (value.bitPattern & 0xf_ffff_ffff_ffff) | 0x3ff0 << 48) - 1
        if exponent == -1_023 {  // subnormal
            exponent = value.exponent
            fraction = value.significand - 1
        }
        let log = Double(exponent) + ((a * fraction + b) * fraction + c) * fraction
        let position = log * binsPerOctave
        // Rounding down by conversion: `rounded(.down)` is a call where the processor is not known
        // to have it.
        let truncated = Int(position)
        return position < Double(truncated) ? truncated - 1 : truncated
    }

    /// The value whose relative distance to both bounds of the bin is the same.
    static func value(_ index: Int) -> Double {
        let lower = bound(Double(index) / binsPerOctave)
        let upper = bound(Double(index + 1) / binsPerOctave)
        guard upper.isFinite else { return lower }
        return lower + (upper - lower) * (lower / (lower + upper))
    }

    /// The inverse of the mapping: Newton's method on a monotone cubic.
    private static func bound(_ log: Double) -> Double {
        let exponent = log.rounded(.down)
        let target = log - exponent
        var x = target
        for _ in 0..<6 {
            let error = ((a * x + b) * x + c) * x - target
            x -= error / ((3 * a * x + 2 * b) * x + c)
        }
        return Double(sign: .plus, exponent: Int(exponent), significand: 1 + x)
    }
}
