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

    @Option(help: "Only in this project, a path; may be repeated.")
    var project: [String] = []

    @Option(help: "Only under this model; may be repeated.")
    var model: [String] = []

    @Option(help: "First those with the most calls, errors, or the slowest. (default: calls)")
    var order: String?

    func run() throws {
        var params = Params()
        params.set("name", name)
        params.set("session", session)
        params.set("task", task)
        params.set("project", project)
        params.set("model", model)
        params.set("order", order)
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
    private static let counts = ["count", "ok", "errors", "blocked", "running"]

    static func table(_ tools: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("TOOL"), .number("CALLS"), .number("OK").rank(6), .number("ERRORS"),
            .number("BLOCKED").rank(4), .number("RUNNING").rank(7), .number("SUCCESS"),
            .number("P50"), .number("P90").rank(3), .number("P99").rank(5), .number("MAX").rank(2),
            .word("LAST USED").rank(1), .text("ERRORS ARE").rank(8),
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
                    Table.Cell(Units.ago(tool["last_used"]?.string, now: now), .dim),
                    Table.Cell(categories(tool), .dim),
                ])
        }
        if tools.count > 1 { table.add(total(tools)) }
        return table
    }

    /// Durations of all tools together are nobody's.
    private static func total(_ tools: [JSON]) -> [Table.Cell] {
        let sums = counts.map { name in tools.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
        let ended = sums[1] + sums[2]
        let success =
            ended == 0 ? Units.absent : Units.percent(100 * Double(sums[1]) / Double(ended))
        return [Table.Cell("TOTAL", .bold)]
            + sums.map { Table.Cell(Units.grouped($0), .bold) }
            + [Table.Cell(success, .bold), "", "", "", "", "", ""]
    }

    /// `timeout 3, permission 1`, the most frequent first.
    private static func categories(_ tool: JSON) -> String {
        (tool["errors_by_category"]?.members ?? [])
            .map { (name: $0.name, count: $0.value.int ?? 0) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
            .map { "\($0.name) \(Units.grouped($0.count))" }
            .joined(separator: ", ")
    }
}
