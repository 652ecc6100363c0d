import ArgumentParser
import QuipuModel
import QuipuProtocol

struct ErrorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errors", abstract: "What failed, newest first, with its error text.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only of this kind; may be repeated.")
    var kind: [String] = []

    @Option(help: "Only of this name, such as the tool's; may be repeated.")
    var name: [String] = []

    @Option(help: "Only in this session; may be repeated.")
    var session: [String] = []

    @Option(help: "Only in this project, a path; may be repeated.")
    var project: [String] = []

    @Option(
        help: """
            Only of this category: permission, not_found, timeout, syntax, network, git, validation, \
            resource, command_not_found, unknown.
            """)
    var category: String?

    func run() throws {
        var params = Params()
        params.set("kind", kind)
        params.set("name", name)
        params.set("session", session)
        range.add(to: &params)
        page.add(to: &params)
        params.set("project", project)
        conditions.add(to: &params, "error_category", category)
        try global.ask(.errorsList, params) { reply, screen in
            let table = ErrorRows.table(reply["errors"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no errors")
            screen.tellOfMore(reply)
        }
    }
}

enum ErrorRows {
    static func table(_ errors: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .word("TIME (UTC)"), .text("KIND").rank(3), .text("NAME"), .word("CATEGORY").rank(1),
            .number("DURATION").rank(4), .text("SESSION").rank(2), .text("ERROR"),
        ])
        for event in errors {
            table.add([
                Table.Cell(Units.clock(event["time"]?.string, now: now), .dim),
                Table.Cell(event["kind"]?.string ?? Units.absent),
                Table.Cell(event["name"]?.string ?? Units.absent, .bold),
                Table.Cell(event["error_category"]?.string ?? Units.absent),
                Table.Cell(EventRows.duration(event["duration_ms"])),
                Table.Cell(event["session"]?.string ?? Units.absent, .dim),
                EventRows.detail(event),
            ])
        }
        return table
    }
}
