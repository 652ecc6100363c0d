import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

/// Questions that rollups answer are answered as the rows would.
@Suite struct EventRollupTests {
    private static let origin = 1_700_000_000.0
    private static let spanSeconds = 3.5 * 86_400
    /// What may be said to have gone wrong, in several categories.
    private static let errors = ["Permission denied", "timed out", "?", nil]

    private func randomLines(_ count: Int, _ random: inout SeededGenerator) -> [EventLine] {
        var lines: [EventLine] = []
        for index in 0..<count {
            let time =
                Self.origin + Double.random(in: 0..<Self.spanSeconds, using: &random).rounded(.down)
            let name = random.pick(["Bash", "Read", nil])
            let duration =
                Bool.random(using: &random) ? Double.random(in: 0...9_000, using: &random) : nil
            let id = "call-\(index)"
            var opening = EventLine(
                time: time, name: name, status: .running, half: .opening, session: "s",
                toolUseID: id)
            let closing = EventLine(
                time: time + Double.random(in: 0...4_000, using: &random), name: name,
                status: random.pick([.ok, .error]), half: .closing, durationMs: duration,
                session: "s", error: random.pick(Self.errors), toolUseID: id)
            switch Int.random(in: 0..<6, using: &random) {
            case 5:
                // Read later without a time, which another line tells.
                opening.timeIsArrival = true
                opening.time += Double.random(in: 0...200_000, using: &random).rounded(.down)
                lines += [opening, closing]
            case 0: lines += [opening]
            case 1: lines += [closing]
            case 2: lines += [opening, closing]
            case 3: lines += [closing, opening]
            default:
                lines.append(
                    EventLine(
                        time: time, kind: random.pick(["hook", "generation"]), name: name,
                        status: random.pick([.none, .ok, .error]), durationMs: duration,
                        error: random.pick(Self.errors)))
            }
        }
        return lines
    }

    /// Commits lines in groups of any size and returns all events.
    private func fill(_ store: SQLiteStore, _ random: inout SeededGenerator) async throws -> [Event]
    {
        var lines = randomLines(400, &random)
        // Neighbours far apart too: the halves of a call may come in different commits.
        for _ in 0..<200 {
            lines.swapAt(
                Int.random(in: lines.indices, using: &random),
                Int.random(in: lines.indices, using: &random))
        }
        var source = try await TestSource(store)
        while !lines.isEmpty {
            var builder = BatchBuilder()
            for line in lines.prefix(Int.random(in: 1...90, using: &random)) {
                builder.add(line)
                lines.removeFirst()
            }
            try await store.commit(source.batch(builder))
        }
        return try await store.allEvents()
    }

    private func randomRange(_ random: inout SeededGenerator) -> TimeRange {
        func moment() -> Timestamp {
            let seconds = Double.random(in: -5_000..<Self.spanSeconds + 5_000, using: &random)
            // Often on the edge of a span.
            let width = random.pick([1.0, 300, 3_600, 86_400])
            return at(((Self.origin + seconds) / width).rounded(.down) * width)
        }
        let (one, other) = (moment(), moment())
        var range = TimeRange(since: min(one, other), until: max(one, other))
        if Bool.random(using: &random) { range.until = everything.until }
        return range
    }

    private func check(
        _ duration: DurationSummary?, _ events: [Event], _ context: String
    ) throws {
        let durations = events.compactMap(\.durationMs).sorted()
        #expect((duration == nil) == durations.isEmpty, "\(context)")
        guard let duration, let first = durations.first, let last = durations.last else { return }
        #expect(duration.min == first, "\(context)")
        #expect(duration.max == last, "\(context)")
        let average = durations.reduce(0, +) / Double(durations.count)
        #expect(abs(duration.avg - average) <= 1e-6 * max(1, average), "\(context)")
        for (q, found) in [(0.5, duration.p50), (0.9, duration.p90), (0.99, duration.p99)] {
            let exact = durations[Int(q * Double(durations.count - 1))]
            #expect(abs(found - exact) <= 0.01 * exact + 1e-9, "\(context) p\(q)")
        }
    }

    @Test(arguments: 0..<6)
    func answersAreThoseOfTheRows(_ round: Int) async throws {
        try await withStore { store in
            var random = SeededGenerator()
            let events = try await fill(store, &random)
            for _ in 0..<40 {
                let range = randomRange(&random)
                let context = "seed \(random.seed), \(range)"
                let inside = events.filter { range.since <= $0.time && $0.time < range.until }
                try await checkTools(store, range, inside, context)
                try await checkSummary(store, range, inside, context, &random)
            }
        }
    }

    private func checkTools(
        _ store: SQLiteStore, _ range: TimeRange, _ inside: [Event], _ context: String
    ) async throws {
        let tools = try await store.tools(ToolQuery(range: range)).rows
        let calls = inside.filter { $0.kind == "tool_use" }
        #expect(Set(tools.map(\.name)) == Set(calls.map { $0.name ?? "unknown" }), "\(context)")
        for tool in tools {
            let own = calls.filter { ($0.name ?? "unknown") == tool.name }
            var counts = OutcomeCounts()
            for event in own { counts.add(event.status) }
            #expect(tool.counts == counts, "\(context) \(tool.name)")
            let categories = own.filter { $0.status == .error }.map {
                $0.errorCategory ?? .unknown
            }
            let byCategory = Dictionary(categories.map { ($0, 1) }, uniquingKeysWith: +)
            #expect(tool.errorsByCategory == byCategory, "\(context) \(tool.name)")
            #expect(tool.lastUsed >= own.map(\.time).max() ?? tool.lastUsed, "\(context)")
            try check(tool.duration, own, "\(context) \(tool.name)")
        }
    }

    private func checkSummary(
        _ store: SQLiteStore, _ range: TimeRange, _ inside: [Event], _ context: String,
        _ random: inout SeededGenerator
    ) async throws {
        let span = random.pick([GroupKey.Span.hour, .day, .week, .month])
        let status = Filter(path: "status", test: .oneOf([.string("ok"), .null]))
        let groups = try await store.summary(
            SummaryQuery(
                range: range, filters: [status],
                groupBy: [GroupKey(word: "kind"), GroupKey(word: "name"), .span(span)],
                page: PageRequest(limit: Limits.rowsPerReplyMax))
        ).rows
        func key(_ event: Event) -> [Scalar] {
            let start = CivilTime.start(of: span, holding: event.time)
            return [
                .string(event.kind), event.name.map(Scalar.string) ?? .null,
                .string(CivilTime.text(seconds: start)),
            ]
        }
        let chosen = inside.filter { $0.status == .ok || $0.status == .none }
        let expected = Dictionary(grouping: chosen, by: key)
        #expect(Set(groups.map { $0.group.map(\.value) }) == Set(expected.keys), "\(context)")
        for group in groups {
            let own = expected[group.group.map(\.value)] ?? []
            #expect(group.counts.count == own.count, "\(context)")
            try check(group.duration, own, context)
        }
    }

    @Test func aRangeIsCoveredOnce() {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let range = randomRange(&random)
            let cover = RollupCover(range, widths: EventRollup.widths)
            var pieces = cover.edges.map { ($0.since, $0.until) }
            pieces += cover.parts.map {
                (Timestamp.seconds($0.spans.lowerBound), Timestamp.seconds($0.spans.upperBound))
            }
            pieces.sort { $0.0 < $1.0 }
            for (left, right) in zip(pieces, pieces.dropFirst()) { #expect(left.1 == right.0) }
            if range.since < range.until {
                #expect(pieces.first?.0 == range.since, "seed \(random.seed)")
                #expect(pieces.last?.1 == range.until, "seed \(random.seed)")
            } else {
                #expect(pieces.isEmpty)
            }
        }
    }
}
