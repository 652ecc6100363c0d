import Platform
import QuipuClient
import QuipuModel

/// Carries out what `TopState` decides, on one terminal, until somebody wants to see no more.
struct TopLoop {
    private var state: TopState
    private let style: Style
    private let signals: SignalDescriptor
    private let feed: TopFeed

    private enum Source: UInt64 {
        case keys, signals, answers
    }

    /// To be made before any thread is started.
    init(state: TopState, style: Style, socket: String) throws(SystemError) {
        self.state = state
        self.style = style
        signals = try SignalDescriptor([.interrupt, .terminate, .hangup, .resize, .resume])
        feed = try TopFeed(socket: socket)
    }

    /// Ends with `q`, Ctrl-C, a signal, or the terminal; gives it back in any case.
    mutating func run() throws(SystemError) {
        try feed.start()
        var poller = try Poller(eventsPerWait: 4)
        try poller.add(0, .read, token: Source.keys.rawValue)
        try poller.add(signals.raw, .read, token: Source.signals.rawValue)
        try poller.add(feed.answered.raw, .read, token: Source.answers.rawValue)
        var screen: FullScreen? = try FullScreen()
        var actions = [TopState.Action.draw]
        while true {
            for action in actions where try !carryOut(action, on: &screen) { return }
            var ready: Set<UInt64> = []
            let milliseconds = state.waitMilliseconds(now: MonotonicClock.microseconds())
            try poller.wait(milliseconds: milliseconds) { ready.insert($0.token) }
            let now = MonotonicClock.microseconds()
            actions = []
            for event in try events(ready, on: screen) {
                guard let event else { return }
                actions += state.handle(event, now: now)
            }
        }
    }

    /// What happened; nil stands for the end.
    private func events(
        _ ready: Set<UInt64>, on screen: borrowing FullScreen?
    ) throws(SystemError) -> [TopState.Event?] {
        var events: [TopState.Event?] = [.due]
        if ready.contains(Source.signals.rawValue) {
            while let signal = signals.next() {
                switch signal {
                case .interrupt, .terminate, .hangup, .user1: return [nil]
                case .resume: events.append(.resumed)
                case .resize: break
                }
                // A terminal may have changed while nobody looked.
                if let size = Terminal.size() { events.append(.resized(size)) }
            }
        }
        if ready.contains(Source.answers.rawValue) {
            events += feed.take().map { .answered($0) }
        }
        if ready.contains(Source.keys.rawValue) {
            let bytes = try screen?.keys() ?? []
            if bytes.isEmpty { return [nil] }
            events += TopKey.parse(bytes).map { .key($0) }
        }
        return events
    }

    /// False at the end.
    private func carryOut(
        _ action: TopState.Action, on screen: inout FullScreen?
    ) throws(SystemError) -> Bool {
        switch action {
        case .quit: return false
        case .ask: feed.ask()
        case .repaint:
            screen?.forget()
            try draw(on: &screen)
        case .draw: try draw(on: &screen)
        case .retake:
            try screen?.retake()
            try draw(on: &screen)
        case .suspend:
            screen = nil
            Terminal.suspend()
            screen = try FullScreen()
            try draw(on: &screen)
        }
        return true
    }

    private func draw(on screen: inout FullScreen?) throws(SystemError) {
        let frame = TopFrame(state: state, now: .now, style: style)
        try screen?.draw(frame.lines(columns: state.size.columns, rows: state.size.rows))
    }
}
