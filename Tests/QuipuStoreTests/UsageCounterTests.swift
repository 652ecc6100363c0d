import QuipuModel
import Testing

@testable import QuipuStore

/// Sessions that tell sums, as Codex does.
@Suite struct UsageCounterTests {
    private func sum(
        _ time: Double, _ tokens: [Int64], session: String = "s", parent: String? = nil
    ) -> UsageLine {
        UsageLine(
            time: time, session: session, model: "gpt-5", parent: parent, tokens: tokens,
            isCumulative: true)
    }

    @Test func callsAreWhatSumsRiseBy() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                sum(1, [100, 0, 0, 50, 10]), sum(2, [100, 0, 0, 50, 10]),
                sum(3, [150, 0, 0, 90, 25]), sum(3, [150, 0, 0, 90, 25]),
            ])
            let figures = try await store.figures()
            #expect(figures.requests == 2)
            #expect(figures.tokens.list == [150, 0, 0, 90, 25])
            let tally = try await store.tally()
            #expect(tally.stored == 2 && tally.merged == 2)
            // The same file once more, from another directory, and with more at its end.
            try await store.commit(
                usage: [
                    sum(1, [100, 0, 0, 50, 10]), sum(3, [150, 0, 0, 90, 25]),
                    sum(4, [160, 0, 0, 90, 26]),
                ], from: "archived")
            #expect(try await store.figures().tokens.list == [160, 0, 0, 90, 26])
            #expect(try await store.figures().requests == 3)
        }
    }

    /// Sums that fall add nothing, and what follows counts from there.
    @Test func neverLessThanNothing() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                sum(1, [100, 0, 0, 0, 10]), sum(2, [40, 0, 0, 0, 12]), sum(3, [60, 0, 0, 0, 13]),
            ])
            #expect(try await store.figures().tokens.list == [120, 0, 0, 0, 13])
        }
    }

    private static let parent: [(Double, [Int64])] = [
        (10, [100, 0, 0, 0, 10]), (20, [300, 0, 0, 100, 30]), (30, [600, 0, 0, 200, 60]),
    ]

    /// A fork begins with its parent's history, under its own session and at its own time, and goes
    /// on from the parent's sums.
    @Test(arguments: ["parent first", "fork first", "no parent"], [false, true])
    func aForksHistoryIsItsParents(_ order: String, _ rewritten: Bool) async throws {
        try await withStore { store in
            var fork = try await TestSource(store, key: "fork")
            var builder = BatchBuilder()
            builder.add(
                start: EventLine(time: 40, kind: "session", session: "fork"), parent: "parent")
            for (time, tokens) in Self.parent.prefix(2) {
                builder.add(sum(rewritten ? 40.2 : time, tokens, session: "fork"))
            }
            builder.add(sum(50, [350, 0, 0, 150, 36], session: "fork"))
            builder.add(sum(60, [360, 0, 0, 150, 37], session: "fork"))
            let forked = fork.batch(builder)
            let lines = Self.parent.map { sum($0.0, $0.1, session: "parent") }
            if order == "parent first" { try await store.commit(usage: lines, from: "parent") }
            try await store.commit(forked)
            if order == "fork first" { try await store.commit(usage: lines, from: "parent") }
            let groups = try await store.costs([.column(.session)]).groups.rows
            let own = groups.first { $0.group[0].value == .string("fork") }?.figures
            #expect(own?.requests == 2)
            #expect(own?.tokens.list == [60, 0, 0, 50, 7])
            let theirs = groups.first { $0.group[0].value == .string("parent") }?.figures
            #expect(theirs?.tokens.list == (order == "no parent" ? nil : [600, 0, 0, 200, 60]))
        }
    }
}

extension BatchBuilder {
    /// An event that names the session that this one was forked off.
    mutating func add(start line: EventLine, parent: String) {
        add(line)
        nameParent(parent)
    }
}
