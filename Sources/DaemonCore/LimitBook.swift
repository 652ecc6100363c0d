internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore
internal import Synchronization

/// Limits and what is spent of each, in memory: whoever asks before each tool call must not wait
/// for a disk.
///
/// Nothing is ever reset. What is spent is kept by the period that it was spent in, and each limit
/// looks at its own period that holds now.
final class LimitBook: Sendable {
    fileprivate struct Entry {
        var limit: SpendLimit
        var calendar: ZonedCalendar
        /// By the start of the period, seconds since 1970.
        var spent: [Int64: Double] = [:]
        /// Of a limit that each session has for itself.
        var spentBySession: [String: Double] = [:]
        /// When somebody was last warned, by session where it has one.
        var warned: [String: Timestamp] = [:]

        func period(holding time: Timestamp) -> Range<Int64>? {
            limit.period.span.map { calendar.span($0, holding: time) }
        }
    }

    private let entries = Mutex<[Entry]>([])

    /// Reads everything anew. No commit may run meanwhile.
    func load(from store: any Store, now: Timestamp) async throws(StoreError) {
        var loaded: [Entry] = []
        for limit in try await store.limits() {
            var entry = Entry(limit: limit, calendar: try ZonedCalendar(zone: limit.timeZone))
            if let period = entry.period(holding: now) {
                // Clocks of other machines may run ahead: the next period has begun for them.
                for start in [period.lowerBound, period.upperBound] {
                    let range = try Self.range(entry, holding: start)
                    entry.spent[start] = try await store.spent(by: limit.scope, in: range)
                }
            } else {
                entry.spentBySession = try await store.spentBySession(in: limit.scope)
            }
            loaded.append(entry)
        }
        let fresh = loaded
        entries.withLock { entries in
            let old = entries
            entries = fresh
            for index in entries.indices {
                let known = old.first {
                    $0.limit.scope == entries[index].limit.scope
                        && $0.limit.period == entries[index].limit.period
                }
                entries[index].warned = known?.warned ?? [:]
            }
        }
    }

    private static func range(
        _ entry: Entry, holding second: Int64
    ) throws(StoreError) -> TimeRange {
        let period = entry.period(holding: .seconds(second)) ?? 0..<1
        return TimeRange(since: .seconds(period.lowerBound), until: .seconds(period.upperBound))
    }

    /// Takes in what commits changed. Returns what somebody should be warned of: once an hour for
    /// each limit that is nearly used up.
    func apply(_ changes: [SpendChange], now: Timestamp) -> [JSON] {
        guard !changes.isEmpty else { return [] }
        return entries.withLock { entries in
            var alerts: [JSON] = []
            for index in entries.indices {
                let scope = entries[index].limit.scope
                let own = changes.filter { $0.belongs(to: scope) }
                guard !own.isEmpty else { continue }
                entries[index].add(own, now: now)
                alerts += entries[index].warnings(Set(own.map { $0.session ?? "" }), now: now)
            }
            return alerts
        }
    }

    /// The limits that bind whoever asks.
    func check(_ question: LimitQuestion, now: Timestamp) -> LimitVerdict {
        entries.withLock { entries in
            LimitVerdict(
                limits: entries.compactMap { entry in
                    guard entry.binds(question) else { return nil }
                    return entry.state(session: question.session, now: now)
                })
        }
    }

    /// All limits. One that each session has for itself stands for the session that spent most.
    func list(now: Timestamp) -> [LimitState] {
        entries.withLock { entries in
            entries.map { entry in
                let most = entry.spentBySession.max { $0.value < $1.value }?.key
                return entry.state(session: most, now: now)
            }
        }
    }
}

extension LimitBook.Entry {
    fileprivate mutating func add(_ changes: [SpendChange], now: Timestamp) {
        for change in changes {
            if let start = period(holding: change.time)?.lowerBound {
                spent[start, default: 0] += change.usd
            } else if let session = change.session {
                spentBySession[session, default: 0] += change.usd
            }
        }
        // What is over is of no limit's interest any more.
        if let current = period(holding: now)?.lowerBound {
            spent = spent.filter { $0.key >= current }
        }
        if spentBySession.count > Limits.spendSessionsMax {
            let kept = spentBySession.sorted { $0.value > $1.value }
                .prefix(Limits.spendSessionsMax / 2)
            spentBySession = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
        }
    }

    fileprivate func binds(_ question: LimitQuestion) -> Bool {
        if limit.period == .session, question.session == nil { return false }
        return switch limit.scope.kind {
        case .all: true
        case .user: question.user == limit.scope.name
        case .project: question.project == limit.scope.name
        case .session: question.session == limit.scope.name
        }
    }

    fileprivate func state(session: String?, now: Timestamp) -> LimitState {
        guard let period = period(holding: now) else {
            let usd = session.flatMap { spentBySession[$0] } ?? 0
            return LimitState(limit: limit, spentUSD: max(0, usd), resets: nil)
        }
        return LimitState(
            limit: limit, spentUSD: max(0, spent[period.lowerBound] ?? 0),
            resets: .seconds(period.upperBound))
    }

    fileprivate mutating func warnings(_ sessions: Set<String>, now: Timestamp) -> [JSON] {
        let pause = Limits.spendWarningSeconds * 1_000_000
        // Who may be warned again need not be remembered.
        warned = warned.filter { now.microseconds - $0.value.microseconds < pause }
        var alerts: [JSON] = []
        for session in limit.period == .session ? sessions.sorted() : [""] {
            let name = session.isEmpty ? nil : session
            let state = state(session: name, now: now)
            guard state.isWarning, warned[session] == nil else { continue }
            warned[session] = now
            alerts.append(state.alert(session: name))
        }
        return alerts
    }
}
