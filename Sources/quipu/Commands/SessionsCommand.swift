import ArgumentParser
import QuipuModel
import QuipuProtocol

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "Coding sessions, the most recent first.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only these: active, idle or ended.")
    var state: String?

    func run() throws {
        var params = Params()
        params.set("state", state)
        range.add(to: &params)
        page.add(to: &params)
        conditions.add(to: &params)
        try global.ask(.sessionsList, params) { reply, screen in
            let table = SessionRows.table(reply["sessions"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no sessions match; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

enum SessionRows {
    static func table(_ sessions: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("SESSION"), .word("STATE"), .word("STARTED"), .word("LAST ACTIVITY"),
            .number("CALLS"), .number("ERRORS"), .number("BLOCKED"), .text("TOOLS"),
        ])
        for session in sessions {
            let state = session["state"]?.string
            table.add([
                Table.Cell(session["session"]?.string ?? Units.absent, .bold),
                Table.Cell(state ?? Units.absent, Style.color(ofStatus: state)),
                Table.Cell(Units.ago(session["started"]?.string, now: now)),
                Table.Cell(Units.ago(session["last_activity"]?.string, now: now)),
                Outcome.count(session, "tool_count"), Outcome.errors(session),
                Outcome.count(session, "blocked"), Table.Cell(tools(session), .dim),
            ])
        }
        return table
    }

    static func tools(_ session: JSON) -> String {
        (session["tools"]?.members ?? [])
            .map { "\($0.name) \(Units.grouped($0.value.int ?? 0))" }
            .joined(separator: ", ")
    }
}
