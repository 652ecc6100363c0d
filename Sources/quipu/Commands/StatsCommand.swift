import ArgumentParser
import QuipuProtocol

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "The daemon's own figures: rates, queues, latencies, memory.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.ask(.stats, Params()) { stats, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(stats))
        }
    }
}
