import QuipuModel
import TestSupport
import Testing

@testable import Intake

@Suite struct NumberTests {
    private func parse(_ text: String) -> Double {
        Array(text.utf8).withUnsafeBytes { NumberText.parse($0) }
    }

    /// Every number as the standard library reads it, to the last bit.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func numbersAreReadExactly(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let digits = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                String(Int.random(in: 0...9, using: &generator))
            }
            let point = Int.random(in: 0...digits.count, using: &generator)
            var text = digits[..<point].joined()
            if Bool.random(using: &generator) { text += "." }
            text += digits[point...].joined()
            if text == "." || text.hasPrefix(".") || text.hasSuffix(".") { text = "0" + text + "0" }
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: text += "e\(Int.random(in: -30...30, using: &generator))"
            case 1: text += "E+\(Int.random(in: 0...300, using: &generator))"
            default: break
            }
            if Bool.random(using: &generator) { text = "-" + text }
            let found = parse(text)
            let wanted = Double(text) ?? .nan
            #expect(found == wanted, "seed \(seed): \(text)")
        }
    }

    @Test(arguments: [
        "", "-", "+", ".", "-.", "e5", "1e", "1e+", "1.2.3", "1 ", " 1", "1_000", "0x1", "nan",
        "NaN", "inf", "-Infinity", "1e5.5", "1,5", "--1", "+-1", "١",
    ])
    func whatIsNoNumber(text: String) {
        #expect(parse(text).isNaN)
    }

    @Test func extremes() {
        #expect(parse("1e400") == .infinity)
        #expect(parse("-1e99999999999999999999") == -.infinity)
        #expect(parse("1e-400") == 0)
        #expect(parse("+7") == 7)
        #expect(parse("-0").sign == .minus)
        #expect(parse("000000000000000000000000000007") == 7)
    }
}
