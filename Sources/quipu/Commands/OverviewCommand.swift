import ArgumentParser
import QuipuProtocol

struct OverviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overview",
        abstract: "Errors, tasks, cost, requests, tool calls and sessions at a glance.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions

    func run() throws {
        var params = Params()
        range.add(to: &params)
        try global.ask(.overview, params) { reply, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(reply))
        }
    }
}
