import TestSupport
import Testing

@testable import QuipuClient

@Suite struct DecimalTextTests {
    private func text(_ write: (UnsafeMutableRawPointer) -> Int) -> String {
        withUnsafeTemporaryAllocation(byteCount: DecimalText.bytesMax, alignment: 8) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let count = write(base)
            #expect(count <= buffer.count)
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    @Test func wholeNumbers() {
        var random = SeededGenerator()
        let edges: [Int64] = [0, 1, -1, 9, 10, 99, 100, .max, .min, .max - 1, 1_000_000_000]
        let values =
            edges
            + (0..<2_000).map { _ in
                Int64.random(in: .min ... .max, using: &random)
                    >> Int64.random(in: 0...62, using: &random)
            }
        for value in values {
            #expect(text { DecimalText.write(value, to: $0) } == "\(value)", "seed \(random.seed)")
        }
    }

    @Test(arguments: [
        (0.0, "0"), (1.5, "1.5"), (-0.25, "-0.25"), (1e-6, "0.000001"), (1e-7, "1e-07"),
        (183.2, "183.2"), (1e16, "1e+16"), (999_999_999_999.0, "999999999999"), (-3.0, "-3"),
    ]) func fractions(value: Double, expected: String) {
        #expect(text { DecimalText.write(value, to: $0) } == expected)
    }

    /// Whatever is written reads as the very number that was recorded.
    @Test func everyDoubleComesBack() {
        var random = SeededGenerator()
        for index in 0..<20_000 {
            let value: Double =
                switch index % 4 {
                case 0: Double(bitPattern: random.next())
                case 1: Double.random(in: -1e9...1e9, using: &random)
                case 2:
                    Double(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random)) / 1e3
                default: Double(Int64.random(in: .min ... .max, using: &random)) / 1e6
                }
            guard value.isFinite else { continue }
            let written = text { DecimalText.write(value, to: $0) }
            #expect(Double(written) == value, "seed \(random.seed): \(value) as \(written)")
        }
    }

    @Test(
        arguments: [
            (0, "0"), (1_000_000, "1"), (1, "0.000001"), (1_500_000, "1.5"), (-250_000, "-0.25"),
            (123_456_789, "123.456789"), (Int64.max, "9223372036854.775807"),
            (Int64.min, "-9223372036854.775808"),
        ] as [(Int64, String)]) func nanosecondsAreMilliseconds(value: Int64, expected: String)
    {
        #expect(text { DecimalText.write(nanoseconds: value, to: $0) } == expected)
    }
}
