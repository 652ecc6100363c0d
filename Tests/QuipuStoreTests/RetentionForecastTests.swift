import QuipuModel
import Sketches
import TestSupport
import Testing

@testable import QuipuStore

/// Goal: a dry run tells what the real one takes. Method: both, one after the other.
@Suite struct RetentionForecastTests {
    private static let day = 86_400.0
    private static let now = 1_700_006_400.0

    private func noise(_ words: Int, _ random: inout SeededGenerator) -> String {
        (0..<words).map { _ in String(random.next(), radix: 16) }.joined()
    }

    private func isClose(_ left: Int, _ right: Int) -> Bool {
        abs(left - right) <= max(1, right / 10)
    }

    @Test(arguments: [0, 80]) func whatGoesForTheSizeIsForetold(payloadWords: Int) async throws {
        try await withStore { store in
            var random = SeededGenerator()
            var source = try await TestSource(store)
            for batch in 0..<20 {
                var builder = BatchBuilder()
                for index in 0..<300 {
                    let payload = noise(payloadWords, &random)
                    builder.add(
                        EventLine(
                            time: Self.now + Double(batch * 300 + index), name: "Bash",
                            session: "s\(index % 7)",
                            attributes: #"{"a":"\#(noise(20, &random))"}"#,
                            payload: payload.isEmpty ? nil : #"{"output":"\#(payload)"}"#))
                }
                try await store.commit(source.batch(builder))
            }
            var policy = RetentionPolicy()
            // Without payloads a part of the events, with them all payloads and a part of those.
            policy.databaseBytesMax = store.usedBytes / (payloadWords == 0 ? 2 : 4)
            let time = at(Self.now + 7_000)
            let foretold = try await store.retainable(policy, at: time)
            let report = try await store.retain(policy, at: time)
            #expect(report.events > 500)
            #expect(isClose(foretold.events, report.events), "\(foretold) \(report)")
            #expect(isClose(foretold.payloadBlocks, report.payloadBlocks))
            #expect(
                isClose(Int(foretold.bytesFreed), Int(report.bytesFreed)),
                "\(foretold.bytesFreed) \(report.bytesFreed)")
            policy.databaseBytesMax = .max
            #expect(try await store.retainable(policy, at: time).events == 0)
        }
    }

    @Test func whatGoesForItsAgeIsForetold() async throws {
        try await withStore { store in
            try await store.commit(
                (0..<40).map {
                    EventLine(
                        time: Self.now - Double(10 * $0) * Self.day, name: "Bash",
                        session: "s\($0)")
                })
            var source = try await TestSource(store, key: "metrics")
            var builder = BatchBuilder()
            for (name, age) in [("a", 2.0), ("b", 20), ("c", 3_000)] {
                let index = builder.series(name, .counter)
                for span in 0..<60 {
                    let time = Self.now - age * Self.day + Double(span) * 10
                    builder.add(1, at: time, of: index)
                }
            }
            try await store.commit(source.batch(builder))
            let policy = RetentionPolicy()
            var foretold = try await store.retainable(policy, at: at(Self.now))
            var report = try await store.retain(policy, at: at(Self.now))
            foretold.bytesFreed = 0
            report.bytesFreed = 0
            #expect(foretold == report)
            #expect(report.eventRollups > 0)
            #expect(report.rollupsMerged > 180)
            #expect(report.rollups > 0)
            #expect(report.series == 1)
        }
    }
}
