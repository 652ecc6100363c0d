import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct CostBlockTests {
    private let hour: Int64 = 3_600

    private func entry(_ seconds: Int64, tokens: Int64 = 100, usd: Double = 1) -> UsageEntry {
        var counts = TokenCounts()
        counts.input = tokens
        return UsageEntry(time: .seconds(seconds), model: "m", tokens: counts, costUSD: usd)
    }

    @Test func burnAndProjection() throws {
        var builder = BlockBuilder(lengthSeconds: 5 * hour, now: .seconds(2 * hour))
        // From 00:10 on: floored to the hour. 200 tokens and $2 in 60 minutes.
        builder.add(entry(600))
        builder.add(entry(600 + hour))
        let block = try #require(builder.finish().first)
        #expect(block.start == .seconds(0) && block.end == .seconds(5 * hour))
        #expect(block.isActive)
        let rate = try #require(block.burnRate)
        #expect(abs(rate.tokensPerMinute - 200.0 / 60) < 1e-9)
        #expect(abs(rate.costUSDPerHour - 2) < 1e-9)
        // Three hours are left.
        let projection = try #require(block.projection(now: .seconds(2 * hour)))
        #expect(projection.totalTokens == 800 && projection.remainingMinutes == 180)
        #expect(abs(projection.costUSD - 8) < 1e-9)
    }

    @Test func gapsAndEnds() {
        var builder = BlockBuilder(lengthSeconds: 5 * hour, now: .seconds(100 * hour))
        builder.add(entry(0))
        // Exactly a length later is still the same block; a moment more is not.
        builder.add(entry(5 * hour))
        builder.add(entry(10 * hour + 1))
        let blocks = builder.finish()
        #expect(blocks.map(\.isGap) == [false, true, false])
        #expect(blocks[1].start == .seconds(10 * hour))
        #expect(blocks[1].end == .seconds(10 * hour + 1))
        #expect(blocks.allSatisfy { !$0.isActive })
        #expect(blocks[2].burnRate == nil)
    }

    @Test(arguments: 0..<20) func asANaiveModelSays(_ run: Int) {
        var random = SeededGenerator(seed: UInt64(run))
        let length = hour * Int64.random(in: 1...6, using: &random)
        var times: [Int64] = []
        var time = Int64.random(in: 0..<100_000, using: &random)
        for _ in 0..<200 {
            time += Int64.random(
                in: 0...(random.chance(10) ? 3 * length : length / 4), using: &random)
            times.append(time)
        }
        var builder = BlockBuilder(lengthSeconds: length, now: .seconds(time + 60))
        for time in times { builder.add(entry(time)) }
        let blocks = builder.finish()
        #expect(blocks.reduce(0) { $0 + $1.figures.requests } == times.count, "seed \(run)")
        // Written from the description, by looking back from each call.
        var starts: [Int64] = []
        for (index, time) in times.enumerated() {
            guard let start = starts.last, index > 0, time - start <= length,
                time - times[index - 1] <= length
            else {
                starts.append(time - time % hour)
                continue
            }
        }
        let found = blocks.filter { !$0.isGap }.map { $0.start.microseconds / 1_000_000 }
        #expect(found == starts, "seed \(run)")
        let gaps = zip(times, times.dropFirst()).count { $1 - $0 > length }
        #expect(blocks.count(where: \.isGap) == gaps, "seed \(run)")
        #expect(blocks.count(where: \.isActive) <= 1)
    }

    /// A block's start does not depend on where a question begins to look.
    @Test func aQuestionInTheMiddleOfABlock() async throws {
        try await withStore { store in
            let lines = (0..<40).map {
                UsageLine(time: Double($0) * 1_800, tokens: [1, 0, 0, 0, 0])
            }
            try await store.commit(usage: lines)
            func blocks(since: Int64) async throws -> [CostBlock] {
                try await store.blocks(
                    BlockQuery(
                        range: TimeRange(since: .seconds(since), until: .seconds(1 << 40)),
                        now: .seconds(80_000)))
            }
            let all = try await blocks(since: 0)
            let some = try await blocks(since: 40_000)
            #expect(all.count > some.count)
            #expect(some == Array(all.suffix(some.count)))
        }
    }
}
