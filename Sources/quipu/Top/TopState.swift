import Platform
import QuipuClient

/// What `quipu top` knows and shows. Everything that happens comes in as an event with the moment;
/// what is to be done goes out as actions.
struct TopState: Equatable {
    enum Sort: String, CaseIterable {
        case calls, failures, time
    }

    enum Event {
        case key(TopKey)
        case answered(Result<TopSample, ClientError>)
        case resized(TerminalSize)
        /// The process went on after it was stopped.
        case resumed
        /// What `nextAskMilliseconds` told is over.
        case due
    }

    enum Action: Equatable {
        case ask, draw
        /// Draw, whatever the terminal shows now.
        case repaint
        /// Draw on a terminal that others may have had.
        case retake
        case suspend, quit
    }

    private(set) var size: TerminalSize
    private(set) var intervalMs: Int64
    private(set) var sort = Sort.calls
    private(set) var isPaused = false
    private(set) var showsHelp = false
    private(set) var sample: TopSample
    private(set) var rates: TopRates?
    /// One for each interval, the newest last; nil where nothing is known.
    private(set) var history: [TopRates?] = []
    /// Why there was no answer the last time.
    private(set) var trouble: String?
    private var isAsking = false
    private var nextAskMicroseconds: Int64

    static let intervalsMs: ClosedRange<Int64> = 100...3_600_000
    private static let intervalStepsMs: [Int64] = [
        100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000,
    ]
    private static let historyMax = 500
    /// Rates need two samples, and who has just come does not wait long for the second.
    private static let firstIntervalMs: Int64 = 1_000
    /// A daemon that is back is seen soon, however long the interval is.
    private static let retryMsMax: Int64 = 1_000

    init(sample: TopSample, size: TerminalSize, intervalMs: Int64) {
        self.sample = sample
        self.size = size
        self.intervalMs = intervalMs
        nextAskMicroseconds =
            sample.microseconds + min(intervalMs, TopState.firstIntervalMs) * 1_000
    }

    /// How long nothing is to be done of itself; nil: until something happens.
    func waitMilliseconds(now: Int64) -> Int32? {
        guard !isAsking, !isPaused else { return nil }
        return Int32(clamping: max(0, (nextAskMicroseconds - now + 999) / 1_000))
    }

    mutating func handle(_ event: Event, now: Int64) -> [Action] {
        switch event {
        case .key(let key): return handle(key, now: now)
        case .answered(let result):
            isAsking = false
            // What was on its way when the picture was to stand still is not shown.
            guard !isPaused else { return [] }
            take(result, now: now)
            return [.draw]
        case .resized(let size):
            self.size = size
            return [.repaint]
        case .resumed: return [.retake]
        case .due:
            guard waitMilliseconds(now: now) == 0 else { return [] }
            return ask(now: now)
        }
    }

    private mutating func handle(_ key: TopKey, now: Int64) -> [Action] {
        switch key {
        case .end: return [.quit]
        case .quit:
            guard showsHelp else { return [.quit] }
            showsHelp = false
        case .suspend: return [.suspend]
        case .repaint: return [.repaint]
        case .help: showsHelp.toggle()
        case .other:
            guard showsHelp else { return [] }
            showsHelp = false
        case .pause:
            isPaused.toggle()
            if !isPaused { return [.draw] + ask(now: now) }
        case .sort:
            let all = Sort.allCases
            let index = all.firstIndex(of: sort) ?? 0
            sort = all[(index + 1) % all.count]
        case .slower:
            let next = TopState.intervalStepsMs.first { $0 > intervalMs }
            setInterval(next ?? intervalMs, now: now)
        case .faster:
            let next = TopState.intervalStepsMs.last { $0 < intervalMs }
            setInterval(next ?? intervalMs, now: now)
        }
        return [.draw]
    }

    private mutating func setInterval(_ milliseconds: Int64, now: Int64) {
        intervalMs = milliseconds
        nextAskMicroseconds = min(nextAskMicroseconds, now + milliseconds * 1_000)
    }

    private mutating func ask(now: Int64) -> [Action] {
        guard !isAsking else { return [] }
        isAsking = true
        nextAskMicroseconds = now + intervalMs * 1_000
        return [.ask]
    }

    private mutating func take(_ result: Result<TopSample, ClientError>, now: Int64) {
        switch result {
        case .failure(let error):
            trouble = error.description
            rates = nil
            nextAskMicroseconds = min(
                nextAskMicroseconds, now + TopState.retryMsMax * 1_000)
        case .success(let next):
            rates = TopRates(from: sample, to: next)
            let known = sample.answers
            sample = next
            // What was refused this time stays as it was, and the reason is shown.
            for method in next.refusals.keys { sample.answers[method] = known[method] }
            trouble = nil
        }
        history.append(rates)
        if history.count > TopState.historyMax { history.removeFirst() }
    }
}
