import TestSupport
import Testing

@testable import Sketches

@Suite struct DistinctCounterTests {
    private func counter(_ members: some Sequence<Int>) -> DistinctCounter {
        var counter = DistinctCounter()
        for member in members {
            let bytes = Array("member-\(member)".utf8)
            bytes.withUnsafeBytes { counter.add($0) }
        }
        return counter
    }

    @Test func fewMembersAreCountedExactly() {
        #expect(DistinctCounter().estimate == 0)
        #expect(counter([1, 2, 1, 2, 3]).estimate == 3)
        #expect(counter(0..<DistinctCounter.exactMax).estimate == Double(DistinctCounter.exactMax))
    }

    /// Five standard errors of 1.6 %.
    @Test(arguments: [600, 2_000, 10_000, 50_000, 300_000])
    func manyMembersAreEstimated(count: Int) {
        let estimate = counter(0..<count).estimate
        #expect(abs(estimate - Double(count)) <= 0.08 * Double(count), "\(estimate) of \(count)")
    }

    @Test(arguments: [(100, 150), (400, 400), (10, 5_000), (5_000, 10), (3_000, 4_000)])
    func mergedPartsEqualTheWhole(first: Int, second: Int) {
        var merged = counter(0..<first)
        merged.merge(counter(first / 2..<first / 2 + second))
        #expect(merged == counter(0..<Swift.max(first, first / 2 + second)))
    }

    @Test(arguments: [0, 1, 512, 513, 20_000])
    func bytesGiveTheSameCounterBack(count: Int) {
        let counter = counter(0..<count)
        #expect(counter.encoded.withUnsafeBytes { DistinctCounter(encoded: $0) } == counter)
    }

    @Test func damagedBytesAreRefusedOrRead() {
        var generator = SeededGenerator(seed: 11)
        for good in [counter(0..<50).encoded, counter(0..<2_000).encoded] {
            for _ in 0..<300 {
                var bytes = good
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
                if Bool.random(using: &generator) { bytes.removeLast() }
                let decoded = bytes.withUnsafeBytes { DistinctCounter(encoded: $0) }
                if let decoded { #expect(decoded.estimate.isFinite) }
            }
        }
    }
}
