import ArgumentParser
import QuipuModel
import QuipuProtocol

struct ToolsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tools", abstract: "Each tool: calls, outcomes and durations.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only this tool; may be repeated.")
    var name: [String] = []

    @Option(help: "Only in this session; may be repeated.")
    var session: [String] = []

    @Option(help: "Only for this task; may be repeated.")
    var task: [String] = []

    func run() throws {
        var params = Params()
        params.set("name", name)
        params.set("session", session)
        params.set("task", task)
        range.add(to: &params)
        page.add(to: &params)
        conditions.add(to: &params)
        try global.ask(.toolsStats, params) { reply, screen in
            let table = ToolRows.table(reply["tools"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no tool calls match; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

enum ToolRows {
    static func table(_ tools: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("TOOL"), .number("CALLS"), .number("OK"), .number("ERRORS"),
            .number("BLOCKED"), .number("RUNNING"), .number("SUCCESS"), .number("P50"),
            .number("P90"), .number("P99"), .number("MAX"), .word("LAST USED"),
        ])
        for tool in tools {
            let durations = ["p50", "p90", "p99", "max"].map { name in
                Table.Cell(EventRows.duration(tool["duration_ms"]?[name]))
            }
            table.add(
                [
                    Table.Cell(tool["name"]?.string ?? Units.absent, .bold),
                    Outcome.count(tool, "count"), Outcome.count(tool, "ok"),
                    Outcome.errors(tool), Outcome.count(tool, "blocked"),
                    Outcome.count(tool, "running"), Outcome.success(tool),
                ] + durations + [
                    Table.Cell(Units.ago(tool["last_used"]?.string, now: now), .dim)
                ])
        }
        return table
    }
}
