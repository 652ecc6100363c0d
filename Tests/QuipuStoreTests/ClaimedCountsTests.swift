import QuipuModel
import Sketches
import Testing

@testable import QuipuStore

/// Goal: a number that somebody only claims, however large, costs no commit and no answer.
@Suite struct ClaimedCountsTests {
    @Test func weightsOfSamplesBeyondTheBoundOfSeries() async throws {
        try await withStore(seriesMax: 1) { store in
            for time in 0..<20 {
                var source = try await TestSource(store, key: "\(time)")
                var builder = BatchBuilder()
                for name in ["a", "b", "c"] {
                    var rollup = Rollup()
                    rollup.add(1, weight: 1e18, atMicroseconds: 0)
                    builder.add(
                        RollupDelta(
                            series: builder.series(name, .counter, "id:\(time)"), bucketStart: 0,
                            rollup: rollup))
                }
                try await store.commit(source.batch(builder))
            }
            #expect(try await store.status().seriesOverflow == Limits.countMax)
        }
    }

    @Test func tokensOfManyCalls() async throws {
        try await withStore { store in
            let most = Array(repeating: Int64.max, count: 5)
            try await store.commit(
                usage: (0..<10).map {
                    UsageLine(time: Double($0), message: "m\($0)", tokens: most)
                })
            let whole = TokenCounts(
                Array(repeating: 10 * Limits.tokensPerCallMax, count: 5))
            let total = try await store.costs([]).total
            #expect(total.tokens == whole)
            #expect(total.tokens.total == 50 * Limits.tokensPerCallMax)
            #expect(total.cacheHitPercent == 25)
            let session = try await store.sessions(
                SessionQuery(range: everything, now: at(100))
            ).rows.first
            #expect(session?.usage?.tokens == whole)
        }
    }

    /// Also those that are stored, by whomever.
    @Test func sumsEnd() {
        var sum = TokenCounts(Array(repeating: Limits.countMax, count: 5))
        sum.add(TokenCounts(Array(repeating: .max, count: 5)))
        #expect(sum.list == Array(repeating: Limits.countMax, count: 5))
        #expect(sum.total == 5 * Limits.countMax)
        #expect(Int64.max.addingCount(.max) == Limits.countMax)
        #expect(Int64(2).addingCount(3) == 5)
    }

    @Test func linesThatAgentsSkip() async throws {
        try await withStore { store in
            for key in ["a", "b", "c"] {
                var source = try await TestSource(store, key: key)
                for _ in 0..<20 {
                    var builder = BatchBuilder()
                    builder.lose("truncated", lines: 1 << 62)
                    var batch = source.batch(builder)
                    batch.lostBytes = .max
                    try await store.commit(batch)
                }
            }
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.sources.rows.count == 3)
            #expect(ledger.total.received == 3 * UInt64(Limits.countMax))
            #expect(ledger.total.lost == ["truncated": 3 * UInt64(Limits.countMax)])
            #expect(ledger.balanced)
            let rows = try await store.answer("SELECT received, lost FROM ledger").rows
            #expect(
                rows == Array(repeating: [.int(Limits.countMax), .int(Limits.countMax)], count: 3))
        }
    }

    /// As far back as they are looked for, each is known by its request.
    @Test func callsOfOneMessage() async throws {
        try await withStore { store in
            let count = Limits.callsPerMessageMax + 100
            func lines(_ range: Range<Int>) -> [UsageLine] {
                range.map { UsageLine(message: "m", request: "r\($0)", tokens: [1, 0, 0, 0, 0]) }
            }
            try await store.commit(usage: lines(0..<count))
            try await store.commit(usage: lines(100..<count), from: "again")
            #expect(try await store.costs([]).total.requests == count)
        }
    }
}
