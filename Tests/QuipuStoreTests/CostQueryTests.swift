import Foundation
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct CostQueryTests {
    private func seconds(_ text: String) -> Double {
        Double((Timestamp(rfc3339: text)?.microseconds ?? 0) / 1_000_000)
    }

    private static let lines = [
        UsageLine(
            time: 100, message: "1", session: "a", project: "/p", user: "ada", branch: "main",
            requestType: "chat", tokens: [1_000, 0, 0, 3_000, 0], stated: 0.5),
        UsageLine(
            time: 200, message: "2", session: "a", agent: "sub", task: "t",
            tokens: [0, 0, 0, 0, 1_000]),
        UsageLine(
            time: 300, message: "3", session: "b", model: "gpt-5", user: "bob",
            tokens: [1_000_000, 0, 0, 0, 0]),
        UsageLine(
            time: 400, message: "4", session: "b", model: "secret-1", tokens: [7, 0, 0, 0, 0]),
    ]

    @Test func groupsAddUpToTheTotal() async throws {
        try await withStore { store in
            try await store.commit(usage: Self.lines)
            for column in UsageColumn.allCases {
                let summary = try await store.costs([.column(column)])
                var sum = CostFigures()
                for group in summary.groups.rows {
                    sum.requests += group.figures.requests
                    sum.pricedUSD += group.figures.pricedUSD
                    sum.tokens.add(group.figures.tokens)
                    sum.unpricedRequests += group.figures.unpricedRequests
                }
                #expect(sum.requests == 4 && sum.unpricedRequests == 1, "\(column)")
                #expect(sum.tokens == summary.total.tokens)
                #expect(abs(sum.pricedUSD - summary.total.pricedUSD) < 1e-12)
            }
            let total = try await store.figures()
            // 1,000 × 5 + 3,000 × 0.5 + 1,000 × 25, and a million × 1.25
            #expect(abs(total.pricedUSD - (0.0065 + 0.025 + 1.25)) < 1e-9)
            #expect(total.statedUSD == 0.5)
            let providers = try await store.costs([.column(.provider)]).groups.rows
            #expect(
                providers.map(\.group[0].value) == [.string("openai"), .string("anthropic"), .null])
            #expect(providers[2].figures.costUSD == nil)
            #expect(providers[1].figures.cacheHitPercent == 75)
        }
    }

    @Test func filtersAndPages() async throws {
        try await withStore { store in
            try await store.commit(usage: Self.lines)
            let ada = try await store.costs([], [same(.user, "ada")]).total
            #expect(ada.requests == 2, "a session's user is known from its other lines")
            #expect(try await store.costs([], [same(.session, "b")]).total.requests == 2)
            #expect(try await store.costs([], [same(.session, "zzz")]).total.requests == 0)
            #expect(try await store.costs([], [same(.provider, "openai")]).total.requests == 1)
            let none = Filter(path: "agent", test: .not(.oneOf([.null])))
            #expect(try await store.costs([], [none]).total.requests == 1)
            var seen: [Scalar] = []
            var cursor: String?
            repeat {
                let page = try await store.costs(
                    [.column(.model)], page: PageRequest(limit: 1, cursor: cursor))
                seen += page.groups.rows.map(\.group[0].value)
                cursor = page.groups.nextCursor
                #expect(page.total.requests == 4)
            } while cursor != nil
            #expect(
                seen == [.string("gpt-5"), .string("claude-opus-4-5"), .string("secret-1")])
        }
    }

    /// Days of 23, 24 and 25 hours, weeks and months, as Berlin's clocks show them.
    @Test func daysAcrossChangesOfTheClock() async throws {
        try await withStore { store in
            // Every 30 min from two days before to two days after each change.
            var lines: [UsageLine] = []
            for day in ["2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"] {
                for half in stride(from: -96, to: 96, by: 1) {
                    lines.append(
                        UsageLine(
                            time: seconds(day) + Double(half) * 1_800, tokens: [1, 0, 0, 0, 0]))
                }
            }
            try await store.commit(usage: lines)
            let days = try await store.costs([.span(.day)], zone: "Europe/Berlin").groups.rows
            let counts = Dictionary(
                uniqueKeysWithValues: days.map { ($0.date ?? "", $0.figures.requests) })
            #expect(counts["2026-03-28"] == 48)
            #expect(counts["2026-03-29"] == 46)
            #expect(counts["2026-03-30"] == 48)
            #expect(counts["2026-10-25"] == 50)
            #expect(
                days.first { $0.date == "2026-03-29" }?.group[0].value
                    == .string("2026-03-28T23:00:00.000Z"))
            let months = try await store.costs([.span(.month)], zone: "Europe/Berlin").groups.rows
            #expect(months.map(\.date) == ["2026-03", "2026-10"])
            let weeks = try await store.costs([.span(.week)], zone: "Europe/Berlin").groups.rows
            #expect(weeks.map(\.date) == ["2026-03-23", "2026-03-30", "2026-10-19", "2026-10-26"])
            #expect(
                try await store.costs([.span(.day)]).groups.rows.allSatisfy {
                    $0.figures.requests == 48
                })
        }
    }

    /// Random moments: Foundation's own formatter tells each one's date.
    @Test(arguments: [
        "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe",
        "America/St_Johns", "Pacific/Apia", "UTC",
    ])
    func datesAsFoundationTellsThem(_ zone: String) throws {
        var random = SeededGenerator(seed: 5)
        let calendar = try ZonedCalendar(zone: zone)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: zone)
        formatter.dateFormat = "yyyy-MM-dd"
        for _ in 0..<500 {
            let second = Int64.random(in: 1_000_000_000..<1_900_000_000, using: &random)
            let day = calendar.span(.day, holding: .seconds(second))
            #expect(day.contains(second))
            let date = formatter.string(from: Date(timeIntervalSince1970: Double(second)))
            #expect(calendar.label(.day, start: day.lowerBound) == date, "\(zone) \(second)")
            #expect(
                calendar.span(.day, holding: .seconds(day.upperBound)).lowerBound
                    == day.upperBound)
        }
    }

    @Test func datesInQuestionsAreTheZones() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(time: seconds("2026-11-19T22:30:00Z"), tokens: [1, 0, 0, 0, 0]),
                UsageLine(time: seconds("2026-11-19T23:30:00Z"), tokens: [2, 0, 0, 0, 0]),
                UsageLine(time: seconds("2026-11-20T23:30:00Z"), tokens: [4, 0, 0, 0, 0]),
            ])
            func input(_ params: String, now: String) async throws -> Int64 {
                var parameters = Parameters(
                    try JSON.parse(params.utf8), now: try #require(Timestamp(rfc3339: now)))
                return try await store.costs(try parameters.costQuery()).total.tokens.input
            }
            let noon = "2026-11-20T12:00:00Z"
            let zone = "\"time_zone\":\"Europe/Berlin\""
            #expect(try await input("{\"since\":\"2026-11-20\",\(zone)}", now: noon) == 6)
            #expect(
                try await input(
                    "{\"since\":\"2026-11-20\",\"until\":\"2026-11-21\",\(zone)}", now: noon) == 2)
            #expect(try await input("{\"since\":\"2026-11-20\"}", now: noon) == 4)
            #expect(try await input("{\"since\":\"today\",\(zone)}", now: noon) == 6)
            #expect(try await input("{\"since\":\"this_week\"}", now: noon) == 7)
            #expect(
                try await input(
                    "{\"since\":\"today\",\(zone)}", now: "2026-11-20T23:10:00Z") == 4)
        }
    }

    @Test func reconciliationTellsWhy() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(message: "m", tokens: [99_469, 0, 0, 0, 0]),
                UsageLine(message: "m", tokens: [5_671, 0, 0, 88_482, 289], isFinal: true),
                UsageLine(message: "n", tokens: [10, 0, 0, 0, 1], isFinal: true),
                UsageLine(message: "x", isSynthetic: true),
            ])
            try await store.commit(
                usage: [UsageLine(message: "n", session: "fork", tokens: [10, 0, 0, 0, 1])],
                from: "fork")
            let told = try await store.reconcile(ReconcileQuery(range: everything, callsMax: 5))
            #expect(told[.ours].tokens.list == [5_681, 0, 0, 88_482, 290])
            #expect(told[.naiveSum].tokens.list == [105_160, 0, 0, 88_482, 291])
            #expect(told[.naiveSum].requests == 4)
            #expect(told[.firstRow].tokens.list == [99_479, 0, 0, 0, 1])
            #expect(told[.lastRow].tokens.list == [5_681, 0, 0, 88_482, 290])
            #expect(told[.largestRow].tokens.list == [99_479, 0, 0, 0, 1])
            #expect(told.repeatedCalls == 2 && told.changedCalls == 1)
            #expect(told.copiedRows == 1 && told.syntheticRows == 1)
            let worst = try #require(told.calls.first)
            #expect(worst.messageID == "m" && worst.rows.map(\.isCounted) == [false, true])
            #expect(worst.excessTokens == 99_469)
            #expect(told.explanations.contains { $0.contains("1 row the client wrote itself") })
            #expect(told[.ours].costUSD == (try await store.figures()).pricedUSD)
        }
    }

    @Test func setPricesPriceWhatHadNone() async throws {
        try await withStore { store in
            let model = "minimax-m2"
            try await store.commit(usage: [
                UsageLine(time: 100, model: model, tokens: [1_000_000, 0, 0, 0, 0]),
                UsageLine(time: 200, model: model, tokens: [1_000_000, 0, 0, 0, 0]),
                UsageLine(time: 200, model: "gpt-5", tokens: [1_000_000, 0, 0, 0, 0]),
            ])
            let unpriced = try await store.prices(PageRequest()).unpriced
            #expect(unpriced.map(\.model) == [model] && unpriced[0].requests == 2)
            func set(_ model: String, _ usd: Double, recompute: Bool = false) async throws
                -> PriceChange
            {
                try await store.set(
                    Price(
                        model: model, validFrom: at(150),
                        rates: Price.Rates(input: usd, output: usd), source: .set),
                    recompute: recompute)
            }
            let change = try await set(model, 3)
            #expect(change.priced == 1 && change.recomputed == 0)
            #expect(try await store.figures().pricedUSD == 1.25 + 3)
            #expect(try await store.figures().unpricedRequests == 1)
            // What was computed with a price of its time stays, unless asked otherwise.
            #expect(try await set("gpt-5", 7).priced == 0)
            #expect(try await store.figures().pricedUSD == 4.25)
            #expect(try await set("gpt-5", 7, recompute: true).recomputed == 1)
            #expect(try await store.figures().pricedUSD == 10)
            // From now on it holds.
            try await store.commit(
                usage: [UsageLine(time: 300, model: "gpt-5", tokens: [1_000_000, 0, 0, 0, 0])])
            #expect(try await store.figures().pricedUSD == 17)
            let listed = try await store.prices(PageRequest(limit: 1_000)).prices.rows
            #expect(listed.count == BuiltInPrices.all.count + 2)
        }
    }

    /// Costs and versions survive a restart, and so does what a file said.
    @Test func pricesOutliveTheProcess() async throws {
        try await withStorePath { path in
            for run in 0..<2 {
                let store = try await SQLiteStore(path: path, hostName: "here")
                let file = Price(
                    model: "m", rates: Price.Rates(input: 1, output: 2), source: .file)
                try await store.adopt(filePrices: [file])
                if run == 0 {
                    try await store.commit(
                        usage: [UsageLine(model: "m", tokens: [0, 0, 0, 0, 1_000_000])])
                }
                #expect(try await store.figures().costUSD == 2)
                let count = try await store.prices(PageRequest(limit: 1_000)).prices.rows.count
                #expect(count == BuiltInPrices.all.count + 1)
                await store.close()
            }
        }
    }

    @Test func callsOutliveTheirRows() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(time: 0, message: "m", tokens: [9, 0, 0, 0, 0]),
                UsageLine(time: 0, message: "m", tokens: [5, 0, 0, 0, 0], isFinal: true),
            ])
            let policy = RetentionPolicy()
            let later = Timestamp.seconds(policy.eventsSeconds + 1)
            let report = try await store.retain(policy, at: later)
            #expect(report.usageRows == 2 && report.usageCalls == 0)
            #expect(try await store.figures().tokens.input == 5)
            let told = try await store.reconcile(ReconcileQuery(range: everything, callsMax: 5))
            #expect(told.callsWithoutRows == 1 && told[.naiveSum].tokens.input == 5)
            let end = try await store.retain(policy, at: .seconds(policy.usageSeconds + 1))
            #expect(end.usageCalls == 1)
            #expect(try await store.figures().requests == 0)
        }
    }
}
