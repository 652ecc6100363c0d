import QuipuModel
import QuipuProtocol
import QuipuStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct LimitBookTests {
    private func moment(_ text: String) throws -> Timestamp {
        try #require(Timestamp(rfc3339: text))
    }

    private func book(_ limits: [SpendLimit], now: Timestamp) async throws -> LimitBook {
        let store = try await SQLiteStore(path: nil, hostName: "here")
        for limit in limits { try await store.set(limit) }
        let book = LimitBook()
        try await book.load(from: store, now: now)
        await store.close()
        return book
    }

    private func spend(
        _ usd: Double, at time: Timestamp, session: String? = nil, user: String? = nil,
        project: String? = nil
    ) -> SpendChange {
        let start = time.bucket(seconds: SpendChange.seconds)
        return SpendChange(
            time: .seconds(start), session: session, project: project, user: user, usd: usd)
    }

    private static let all = SpendLimit.Scope(.all)

    /// The seed's bug: one reset of the day kept the week and the month from ever resetting.
    @Test func eachPeriodResetsOnItsOwn() async throws {
        var now = try moment("2026-11-20T12:00:00Z")
        let book = try await book(
            [.day, .week, .month].map {
                SpendLimit(scope: Self.all, period: $0, limitUSD: 1_000)
            }, now: now)
        var spentIn: [SpendLimit.Period: Double] = [:]
        var resets: [SpendLimit.Period: Timestamp] = [:]
        // A dollar every six hours for 100 days; what is told is what was spent since the reset.
        for _ in 0..<400 {
            let before = book.list(now: now)
            for state in before {
                if let known = resets[state.limit.period], known <= now {
                    spentIn[state.limit.period] = 0
                }
                resets[state.limit.period] = state.resets
            }
            _ = book.apply([spend(1, at: now)], now: now)
            for state in book.list(now: now) {
                spentIn[state.limit.period, default: 0] += 1
                #expect(state.spentUSD == spentIn[state.limit.period], "\(state) \(now.rfc3339)")
            }
            now = Timestamp(microseconds: now.microseconds + 6 * 3_600 * 1_000_000)
        }
        #expect(book.list(now: now).allSatisfy { $0.spentUSD <= 31 * 4 })
    }

    @Test func daysAreTheZones() async throws {
        let now = try moment("2026-10-25T12:00:00Z")
        let book = try await book(
            [SpendLimit(scope: Self.all, period: .day, limitUSD: 10, timeZone: "Europe/Berlin")],
            now: now)
        // 25 hours, from 22:00 to 23:00 UTC.
        let times = ["2026-10-24T21:59:00Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z"]
        for time in times { _ = book.apply([spend(1, at: try moment(time))], now: now) }
        let state = try #require(book.list(now: now).first)
        #expect(state.spentUSD == 2)
        #expect(state.resets?.rfc3339 == "2026-10-25T23:00:00.000Z")
    }

    @Test func limitsBindThoseTheyNameAlone() async throws {
        let now = try moment("2026-11-20T12:00:00Z")
        func scope(_ kind: SpendLimit.ScopeKind, _ name: String) -> SpendLimit.Scope {
            SpendLimit.Scope(kind, name)
        }
        let book = try await book(
            [
                SpendLimit(scope: scope(.user, "ada"), period: .day, limitUSD: 1),
                SpendLimit(scope: scope(.project, "/p"), period: .month, limitUSD: 5),
                SpendLimit(scope: Self.all, period: .session, limitUSD: 2),
            ], now: now)
        _ = book.apply(
            [
                spend(1, at: now, session: "s1", user: "ada", project: "/p"),
                spend(2.5, at: now, session: "s2", user: "bob", project: "/p"),
            ], now: now)
        func check(_ question: LimitQuestion) -> [Double] {
            book.check(question, now: now).limits.map(\.spentUSD)
        }
        #expect(check(LimitQuestion()).isEmpty)
        #expect(check(LimitQuestion(user: "ada")) == [1])
        #expect(!book.check(LimitQuestion(user: "ada"), now: now).isAllowed)
        #expect(check(LimitQuestion(user: "bob", session: "s1")) == [1])
        #expect(book.check(LimitQuestion(session: "s1"), now: now).isAllowed)
        #expect(!book.check(LimitQuestion(session: "s2"), now: now).isAllowed)
        #expect(check(LimitQuestion(project: "/p")) == [3.5])
        // A correction takes back.
        _ = book.apply([spend(-1, at: now, session: "s2", user: "bob", project: "/p")], now: now)
        #expect(book.check(LimitQuestion(session: "s2"), now: now).isAllowed)
    }

    @Test func warnsOnceAnHour() async throws {
        var now = try moment("2026-11-20T00:00:00Z")
        let book = try await book(
            [SpendLimit(scope: Self.all, period: .day, limitUSD: 10)], now: now)
        #expect(book.apply([spend(7.9, at: now)], now: now).isEmpty)
        let first = book.apply([spend(0.1, at: now)], now: now)
        #expect(first.map { $0["alert"] } == ["limit_warning"])
        #expect(first.first?["used_percent"] == 80)
        #expect(book.apply([spend(3, at: now)], now: now).isEmpty)
        var alerts = 0
        for _ in 0..<23 * 12 {
            now = Timestamp(microseconds: now.microseconds + 300 * 1_000_000)
            alerts += book.apply([spend(0.001, at: now)], now: now).count
        }
        #expect(alerts == 23)
    }
}
