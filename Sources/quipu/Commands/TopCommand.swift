import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "What happens now, over the whole terminal: rates, tools, sessions, errors, lag.",
        discussion: """
            Keys: q quits, p pauses, s sorts the tools by calls, failures or time, + and - change the interval, \
            ? helps.

            Rates are those of the last interval, tools those of the last hour, sessions those of the last \
            half hour, errors those of the last day.

            Without a terminal it prints one frame, as with --once. With --json: the answers that a frame is \
            made of, by method, as one line.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(
        help: ArgumentHelp("From one look to the next, 0.1 to 3600.", valueName: "seconds"))
    var interval = 2.0

    @Flag(help: "Print one frame after one interval, and end.")
    var once = false

    func validate() throws {
        guard (0.1...3_600).contains(interval) else {
            throw ValidationError("--interval is from 0.1 to 3600 seconds")
        }
    }

    private var intervalMs: Int64 { Int64((interval * 1_000).rounded()) }

    func run() throws {
        try reportingFailure {
            // Before the terminal is taken: who is not there at all is told in the usual words.
            var client = try Client(path: global.places.querySocket)
            let first = try TopSample.take(asking: &client)
            var screen = Screen.standard()
            if global.json {
                screen.write(first.json.text)
                return try screen.flush()
            }
            let isPossible = screen.isTerminal && ProcessFacts.isTerminal(0)
            guard !once, isPossible, let size = Terminal.size() else {
                return try printFrame(after: first, asking: &client, on: &screen)
            }
            var loop = try TopLoop(
                state: TopState(sample: first, size: size, intervalMs: intervalMs),
                style: screen.style, socket: global.places.querySocket)
            try loop.run()
        }
    }

    private func printFrame(
        after first: TopSample, asking client: inout Client, on screen: inout Screen
    ) throws {
        let columns = screen.tableColumns ?? TopFrame.columnsDefault
        var state = TopState(
            sample: first, size: TerminalSize(columns: columns, rows: 0), intervalMs: intervalMs)
        try pause()
        let now = MonotonicClock.microseconds()
        _ = state.handle(.answered(.success(try TopSample.take(asking: &client))), now: now)
        let frame = TopFrame(state: state, now: .now, style: screen.style)
        screen.write(frame.lines(columns: columns, rows: nil))
        try screen.flush()
    }

    private func pause() throws(SystemError) {
        let until = MonotonicClock.microseconds() + intervalMs * 1_000
        var poller = try Poller(eventsPerWait: 1)
        while true {
            let left = (until - MonotonicClock.microseconds() + 999) / 1_000
            guard left > 0 else { return }
            try poller.wait(milliseconds: Int32(clamping: left)) { _ in }
        }
    }
}
