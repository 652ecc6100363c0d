import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct RetentionTests {
    private static let day = 86_400.0
    private static let now = 1_700_006_400.0  // a midnight

    private func policy(
        events: Double = 90, payloads: Double = 30, bytes: Int64 = .max
    ) -> RetentionPolicy {
        var policy = RetentionPolicy()
        policy.eventsSeconds = Int64(events * Self.day)
        policy.payloadsSeconds = Int64(payloads * Self.day)
        policy.databaseBytesMax = bytes
        return policy
    }

    private func named(_ word: String, _ aggregate: Aggregate) -> MetricQuery.NamedAggregate {
        MetricQuery.NamedAggregate(word: word, aggregate: aggregate)
    }

    @Test func eventsAndPayloadsGoByAge() async throws {
        try await withStore { store in
            let lines = (0..<200).map { index in
                EventLine(
                    time: Self.now - Double(index) * Self.day, name: "Bash", session: "s\(index)",
                    payload: #"{"output":"\#(index)"}"#)
            }
            for (index, line) in lines.enumerated() {
                try await store.commit([line], from: "source-\(index)")
            }
            let foretold = try await store.retainable(policy(), at: at(Self.now))
            let report = try await store.retain(policy(), at: at(Self.now))
            #expect(report.events == 109)
            #expect(report.payloadBlocks == 169)
            #expect(report.sessions == 109)
            #expect(foretold.events == report.events)
            #expect(foretold.payloadBlocks == report.payloadBlocks)
            let events = try await store.allEvents()
            #expect(events.count == 91)
            #expect(events.filter { $0.attributesJSON.contains("output") }.count == 31)
            #expect(try await store.status().eventCount == 91)
            let sessions = try await store.sessions(
                SessionQuery(
                    range: everything, now: at(Self.now), page: PageRequest(limit: 1_000)))
            #expect(sessions.rows.count == 91)
            #expect(try await store.ledger(PageRequest(limit: 1)).total.isBalanced)
            // Whole days are still counted.
            let tools = try await store.tools(ToolQuery(range: everything)).rows
            #expect(tools.map(\.counts.count) == [200])
            #expect(try await store.retain(policy(), at: at(Self.now)) == RetentionReport())
        }
    }

    /// Whatever tier samples are in, and whenever they came, they add up to the same.
    @Test(arguments: 0..<4)
    func noSampleIsLostBetweenTiers(_ round: Int) async throws {
        try await withStore { store in
            var random = SeededGenerator()
            var source = try await TestSource(store)
            var samples: [(time: Double, value: Double)] = []
            var moment = Self.now
            for _ in 0..<12 {
                var builder = BatchBuilder()
                let index = builder.series("m", .timer, "site:a")
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    let age: Double = random.pick([
                        60, 40_000, 5 * Self.day, 40 * Self.day, 200 * Self.day,
                    ])
                    let time = (moment - Double.random(in: 0...age, using: &random)).rounded()
                    let value = Double(Int.random(in: -50...1_000, using: &random))
                    samples.append((time, value))
                    builder.add(value, at: time, of: index, sketch: DDSketch())
                }
                try await store.commit(source.batch(builder))
                if Bool.random(using: &random) {
                    _ = try await store.retain(policy(), at: at(moment))
                    try await check(store, samples, "seed \(random.seed)")
                }
                moment += Double.random(in: 0...30 * 86_400, using: &random).rounded()
            }
            let report = try await store.retain(policy(), at: at(moment))
            try await check(store, samples, "seed \(random.seed), at the end")
            #expect(report.rollups == 0)
            #expect(try await store.retain(policy(), at: at(moment)).rollupsMerged == 0)
        }
    }

    private func check(
        _ store: SQLiteStore, _ samples: [(time: Double, value: Double)], _ context: String
    ) async throws {
        let start = at(Self.now - 201 * Self.day)
        let end = at(Self.now + 400 * Self.day)
        let series = try await store.metric(
            MetricQuery(
                metric: "m", range: TimeRange(since: start, until: end), stepSeconds: 86_400,
                aggregates: [
                    named("count", .count), named("sum", .sum), named("min", .min),
                    named("max", .max), named("p50", .quantile(0.5)),
                ])
        ).series
        let points = try #require(series.first?.points)
        let byDay = Dictionary(grouping: samples) { at($0.time).bucket(seconds: 86_400) }
        for group in points {
            #expect(Set(group.values.map(\.time)) == Set(byDay.keys), "\(context)")
            for point in group.values {
                let values = (byDay[point.time] ?? []).map(\.value).sorted()
                let expected: Double
                switch group.word {
                case "count": expected = Double(values.count)
                case "sum": expected = values.reduce(0, +)
                case "min": expected = values[0]
                case "max": expected = values[values.count - 1]
                default:
                    expected = values[(values.count - 1) / 2]
                    #expect(
                        abs(point.value - expected) <= 0.01 * abs(expected) + 1e-9, "\(context)")
                    continue
                }
                #expect(point.value == expected, "\(context) \(group.word)")
            }
        }
    }

    private func count(_ tier: MetricTier, in store: SQLiteStore) async throws -> Scalar? {
        try await store.sql(
            SQLQuery(text: "SELECT count(DISTINCT time_us) FROM metrics_\(tier.word)", rowsMax: 1)
        ).rows.first?.first
    }

    @Test func everyTierKeepsByItsOwnAge() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            func send(_ ages: [Double]) async throws {
                var builder = BatchBuilder()
                let index = builder.series("m", .counter)
                for age in ages {
                    let time = Self.now - age * Self.day - 5
                    builder.add(age, at: time, of: index)
                }
                try await store.commit(source.batch(builder))
            }
            try await send([0.0, 0.5, 20, 200, 3_000])
            let report = try await store.retain(policy(), at: at(Self.now))
            #expect(report.rollups == 1)
            // The two newest are of one day.
            for (tier, rows) in zip(MetricTier.allCases, [1, 2, 3, 3] as [Int64]) {
                #expect(try await count(tier, in: store) == .int(rows), "\(tier)")
            }
            let sum = named("sum", .sum)
            func tiers(_ days: Double, step: Int64) async throws -> Set<MetricTier>? {
                try await store.metric(
                    MetricQuery(
                        metric: "m",
                        range: TimeRange(
                            since: at(Self.now - days * Self.day), until: at(Self.now)),
                        stepSeconds: step, aggregates: [sum])
                ).series.first?.tiers
            }
            #expect(try await tiers(0.05, step: 10) == [.tenSeconds])
            #expect(try await tiers(1, step: 10) == [.tenSeconds, .minute])
            #expect(try await tiers(100, step: 3_600) == [.tenSeconds, .hour])
            #expect(try await tiers(4_000, step: 864_000) == [.tenSeconds, .day])
            // Too late for any tier: told, and not kept.
            try await send([3_000])
            #expect(try await store.retain(policy(), at: at(Self.now)).rollups == 1)
            #expect(try await count(.day, in: store) == .int(3))
        }
    }

    /// A closed half hour's rollups are read from blocks, late ones with them, and the views show
    /// each span once.
    @Test func lateSamplesJoinTheirSpan() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            func send(_ value: Double, _ time: Double) async throws {
                var builder = BatchBuilder()
                let index = builder.series("m", .timer)
                builder.add(value, at: time, of: index, sketch: DDSketch())
                try await store.commit(source.batch(builder))
            }
            for round in 0..<4 {
                // Twice packed, twice not yet.
                for offset in [3.0, 15, 70] {
                    try await send(Double(round + 1), Self.now - 7_200 + offset + Double(round))
                }
                if round.isMultiple(of: 2) {
                    _ = try await store.retain(policy(), at: at(Self.now))
                }
            }
            // What came late stands apart until it is packed.
            func minutes() async throws -> [[Scalar]] {
                try await store.sql(
                    SQLQuery(
                        text: """
                            SELECT count, sum, min, max, last FROM metrics_1m WHERE name = 'm'
                            ORDER BY time_us, last
                            """, rowsMax: 10)
                ).rows
            }
            #expect(try await minutes().count == 4)
            let series = try await store.metric(
                MetricQuery(
                    metric: "m",
                    range: TimeRange(since: at(Self.now - 7_200), until: at(Self.now)),
                    stepSeconds: 10,
                    aggregates: [named("sum", .sum), named("p100", .quantile(1))])
            ).series
            #expect(series.first?.points[0].values.map(\.value) == [10, 10, 10])
            let largest = series.first?.points[1].values.map(\.value) ?? []
            #expect(largest.count == 3)
            #expect(largest.allSatisfy { abs($0 - 4) <= 0.04 })
            _ = try await store.retain(policy(), at: at(Self.now))
            #expect(
                try await minutes() == [
                    [.double(8), .double(20), .double(1), .double(4), .double(4)],
                    [.double(4), .double(10), .double(1), .double(4), .double(4)],
                ])
        }
    }

    /// Samples that are older than a tier has anything are told like those that are taken from it.
    @Test(arguments: [false, true])
    func whatComesTooLateForATierIsTold(isLate: Bool) async throws {
        try await withStore { store in
            if isLate { _ = try await store.retain(policy(), at: at(Self.now)) }
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            let index = builder.series("m", .counter)
            for span in 0..<360 {
                let time = Self.now - 2 * Self.day + Double(span) * 10
                builder.add(1, at: time, of: index)
            }
            try await store.commit(source.batch(builder))
            #expect(try await count(.tenSeconds, in: store) == .int(360))
            let report = try await store.retain(policy(), at: at(Self.now))
            #expect(try await count(.tenSeconds, in: store) == .int(0))
            #expect(try await count(.minute, in: store) == .int(60))
            #expect(report.rollupsMerged == 360)
            #expect(report.rollups == 0)
        }
    }

    @Test func anUnusedSeriesGoesWithItsLastRollup() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            func send(_ name: String, _ time: Double) async throws {
                var builder = BatchBuilder()
                let index = builder.series(name, .counter)
                builder.add(1, at: time, of: index)
                try await store.commit(source.batch(builder))
            }
            try await send("old", Self.now - 3_000 * Self.day)
            try await send("new", Self.now)
            let report = try await store.retain(policy(), at: at(Self.now))
            #expect(report.series == 1)
            #expect(try await store.status().seriesCount == 1)
            // Its id may be given again: nothing of it is remembered.
            try await send("other", Self.now)
            try await send("old", Self.now)
            let names = try await store.series(SeriesQuery(range: everything)).rows.map(\.name)
            #expect(names == ["new", "old", "other"])
        }
    }

    @Test func finishedAccountsGoWithTheirEvents() async throws {
        try await withStore { store in
            var source = try await TestSource(store, key: "gone")
            var builder = BatchBuilder()
            builder.add(EventLine(time: Self.now - 100 * Self.day))
            builder.reject(.invalidJSON, "x")
            var last = source.batch(builder)
            last.finished = true
            let receipt = try await store.commit([last], at: at(Self.now - 100 * Self.day))
            #expect(receipt.outcomes == [.stored])
            try await store.commit([EventLine(time: Self.now)], from: "here")
            let report = try await store.retain(policy(), at: at(Self.now))
            #expect(report.sources == 1)
            let ledger = try await store.ledger(PageRequest(limit: 10))
            #expect(ledger.sources.rows.map(\.identity.key) == ["here"])
            #expect(ledger.total.isBalanced)
            #expect(ledger.total.rejected.isEmpty)
        }
    }

    /// Ten times the budget is written, and the file stays within 1.1 times.
    @Test func theSizeStaysWithinItsBudget() async throws {
        try await withStore { store in
            let budget: Int64 = 3 << 20
            var random = SeededGenerator()
            var source = try await TestSource(store)
            var written: Int64 = 0
            var largest: Int64 = 0
            var removed = RetentionReport()
            var time = Self.now
            while written < 10 * budget {
                var builder = BatchBuilder()
                for _ in 0..<50 {
                    // Random hexadecimal digits: half of their bytes remain.
                    let noise = (0..<128).map { _ in String(random.next(), radix: 16) }.joined()
                    builder.add(
                        EventLine(
                            time: time, name: "Bash", attributes: #"{"a":"\#(noise.prefix(200))"}"#,
                            payload: #"{"output":"\#(noise)"}"#))
                    time += 1
                    written += Int64(noise.utf8.count + 200) / 2
                }
                try await store.commit(source.batch(builder))
                removed.add(try await store.retain(policy(bytes: budget), at: at(time)))
                largest = max(largest, try await store.status().sizeBytes)
            }
            #expect(largest <= budget * 11 / 10, "\(largest)")
            #expect(removed.payloadBlocks > 0)
            // The newest are there.
            let newest = try await store.allEvents().last
            #expect(newest?.time == at(time - 1))
            // Their facts alone fill the budget, so payloads went first and events after them.
            #expect(removed.events > 0)
            #expect(try await store.status().eventCount > 1_000)
            let freed = try await store.retain(policy(bytes: budget / 2), at: at(time)).bytesFreed
            #expect(freed > budget / 4)
        }
    }

    /// Chunks of the size step are small at first, however fast the steps before it were.
    @Test func noMoreGoesThanHasTo() async throws {
        try await withStore { store in
            var random = SeededGenerator()
            var source = try await TestSource(store)
            for index in 0..<400 {
                var builder = BatchBuilder()
                let noise = (0..<1_500).map { _ in String(random.next(), radix: 16) }.joined()
                builder.add(
                    EventLine(time: Self.now + Double(index), payload: #"{"output":"\#(noise)"}"#))
                try await store.commit(source.batch(builder))
            }
            // What is still in the log counts too.
            await store.writer.shortenFile()
            let size = try await store.status().sizeBytes
            let report = try await store.retain(
                policy(bytes: size * 9 / 10), at: at(Self.now + 400))
            // A twentieth of the budget below it, and a chunk's worth.
            #expect(report.payloadBlocks >= 40)
            #expect(report.payloadBlocks < 200)
            #expect(report.events == 0)
        }
    }

    /// The rollups of a span whose rows are gone in part lose nothing when a record leaves it.
    @Test func rollupsOutliveTheirRows() async throws {
        try await withStore { store in
            var lines = (0..<4).map { index in
                EventLine(
                    time: Self.now + 360 + Double(index), name: "Bash", durationMs: 10,
                    toolUseID: "whole-\(index)")
            }
            lines.append(
                EventLine(
                    time: Self.now + 600, name: "Bash", half: .closing, durationMs: 9_000,
                    toolUseID: "late"))
            try await store.commit(lines)
            let removed = try await store.retain(
                policy(), at: at(Self.now + 500 + 90 * Self.day))
            #expect(removed.events == 4)
            // The call began on the day before.
            try await store.commit(
                [
                    EventLine(
                        time: Self.now - 600, name: "Bash", status: .running, half: .opening,
                        toolUseID: "late")
                ], from: "b")
            func tool(_ range: TimeRange) async throws -> ToolStatistics? {
                try await store.tools(ToolQuery(range: range)).rows.first
            }
            let day = try await tool(
                TimeRange(since: at(Self.now), until: at(Self.now + Self.day)))
            #expect(day?.counts.count == 4)
            #expect(day?.duration?.avg == 10)
            #expect(abs((day?.duration?.max ?? 0) - 10) <= 0.1)
            let hour = try await tool(TimeRange(since: at(Self.now), until: at(Self.now + 3_600)))
            #expect(hour?.counts.count == 4)
            let before = try await tool(
                TimeRange(since: at(Self.now - Self.day), until: at(Self.now)))
            #expect(before?.counts.count == 1)
            #expect(before?.duration?.max == 9_000)
        }
    }
}
