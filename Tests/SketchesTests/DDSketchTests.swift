import Foundation
import TestSupport
import Testing

@testable import Sketches

@Suite struct DDSketchTests {
    enum Distribution: String, CaseIterable {
        case uniform, exponential, lognormal, bimodal, negative, mixedSigns, constant, tiny, huge

        func sample(_ generator: inout SeededGenerator) -> Double {
            let u = Double.random(in: 1e-12..<1, using: &generator)
            let v = Double.random(in: 0..<1, using: &generator)
            let normal = (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
            switch self {
            case .uniform: return u * 1_000
            case .exponential: return -log(u) * 50
            case .lognormal: return exp(3 + 2 * normal)
            case .bimodal: return v < 0.5 ? 10 + normal : 10_000 + 100 * normal
            case .negative: return log(u) * 7
            case .mixedSigns: return normal * 100
            case .constant: return 42.5
            case .tiny: return u * 1e-300
            case .huge: return u * 1e300
            }
        }
    }

    private static let quantiles = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]

    private func samples(_ distribution: Distribution, _ count: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in distribution.sample(&generator) }
    }

    private func sketch(_ values: some Sequence<Double>) -> DDSketch {
        var sketch = DDSketch()
        for value in values { sketch.add(value) }
        return sketch
    }

    private func exact(_ sorted: [Double], _ q: Double) -> Double {
        sorted[Int(q * Double(sorted.count - 1))]
    }

    private func isNear(_ found: Double?, _ wanted: Double) -> Bool {
        guard let found else { return false }
        // A hair more than the promise, for the rounding of the bounds themselves.
        return abs(found - wanted) <= abs(wanted) * DDSketch.relativeError * (1 + 1e-9)
    }

    @Test(arguments: Distribution.allCases)
    func quantilesAreWithinOnePercent(of distribution: Distribution) {
        for (count, seed) in [(1, 1), (2, 2), (10, 3), (1_000, 4), (50_000, 5)] as [(Int, UInt64)] {
            let values = samples(distribution, count, seed: seed)
            let sorted = values.sorted()
            let sketch = sketch(values)
            #expect(sketch.count == Double(count))
            for q in Self.quantiles {
                let found = sketch.quantile(q)
                let wanted = exact(sorted, q)
                #expect(
                    isNear(found, wanted),
                    "\(distribution) n=\(count) seed=\(seed) q=\(q): \(found ?? .nan), not \(wanted)"
                )
            }
        }
    }

    @Test(arguments: Distribution.allCases)
    func mergedPartsEqualTheWhole(of distribution: Distribution) {
        let values = samples(distribution, 3_000, seed: 6)
        var merged = DDSketch()
        for start in stride(from: 0, to: values.count, by: 700) {
            merged.merge(sketch(values[start..<Swift.min(start + 700, values.count)]))
        }
        #expect(merged == sketch(values))
    }

    /// The newest samples of weight 1 wait beside the run of bins.
    @Test(arguments: Distribution.allCases)
    func waitingSamplesCountLikeOthers(of distribution: Distribution) {
        for count in [1, 7, 8, 9, 63, 64, 65, 130] {
            let values = samples(distribution, count, seed: 9)
            var halves = DDSketch()
            for value in values + values { halves.add(value, weight: 0.5) }
            let whole = sketch(values)
            #expect(whole == halves)
            #expect(whole.count == halves.count)
            #expect(whole.encoded == halves.encoded)
            #expect(whole.positiveBins == halves.positiveBins)
            #expect(whole.shifted(by: 3) == halves.shifted(by: 3))
            for q in Self.quantiles { #expect(whole.quantile(q) == halves.quantile(q)) }
        }
    }

    @Test(arguments: Distribution.allCases)
    func bytesGiveTheSameSketchBack(of distribution: Distribution) throws {
        var sketch = sketch(samples(distribution, 2_000, seed: 7))
        sketch.add(0, weight: 3)
        sketch.add(5, weight: 2.5)
        let decoded = sketch.encoded.withUnsafeBytes { DDSketch(encoded: $0) }
        #expect(decoded == sketch)
    }

    @Test func weightsCountAsManySamples() {
        var weighted = DDSketch()
        weighted.add(10, weight: 9)
        weighted.add(1_000, weight: 1)
        #expect(weighted.count == 10)
        #expect(isNear(weighted.quantile(0.5), 10))
        #expect(isNear(weighted.quantile(1), 1_000))
    }

    @Test func emptyHasNoQuantile() {
        #expect(DDSketch().quantile(0.5) == nil)
        #expect(DDSketch().encoded.withUnsafeBytes { DDSketch(encoded: $0) } == DDSketch())
    }

    @Test func tooManyBinsCollapseTheLowest() {
        var sketch = DDSketch()
        for exponent in -300...300 { sketch.add(pow(10, Double(exponent))) }
        #expect(sketch.count == 601)
        #expect(isNear(sketch.quantile(1), 1e300))
        #expect(isNear(sketch.quantile(0.99), 1e294))
    }

    @Test func extremesKeepTheirPlaces() {
        let values: [Double] = [
            .leastNonzeroMagnitude, .leastNormalMagnitude, 1, .greatestFiniteMagnitude,
        ]
        for value in values {
            let sketch = sketch([value, -value])
            let found = sketch.quantile(1) ?? .nan
            #expect(found.isFinite && found > 0)
            let bytes = sketch.encoded
            #expect(bytes.withUnsafeBytes { DDSketch(encoded: $0) } == sketch)
        }
    }

    @Test func shiftMovesEverySample() {
        let sketch = sketch([1, 2, 3, -4, 0]).shifted(by: 100)
        #expect(sketch.count == 5)
        #expect(isNear(sketch.quantile(0), 96))
        #expect(isNear(sketch.quantile(1), 103))
    }

    @Test func everyValueLiesInItsBin() {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<20_000 {
            let value = pow(2, Double.random(in: -1_000...1_000, using: &generator))
            let middle = LogMapping.value(LogMapping.index(value))
            #expect(isNear(middle, value), "seed 8: \(value) is not near \(middle)")
        }
    }

    @Test func damagedBytesAreRefusedOrRead() {
        var generator = SeededGenerator(seed: 9)
        let good = sketch(samples(.mixedSigns, 200, seed: 10)).encoded
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
            }
            guard let sketch = bytes.withUnsafeBytes({ DDSketch(encoded: $0) }) else { continue }
            if let median = sketch.quantile(0.5) { #expect(median.isFinite) }
        }
        // The largest step below zero.
        let steps: [UInt8] = [1, 0, 1] + [UInt8](repeating: 0xff, count: 9) + [1, 2, 0]
        #expect(steps.withUnsafeBytes { DDSketch(encoded: $0) } == nil)
    }
}
