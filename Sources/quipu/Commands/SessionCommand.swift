import ArgumentParser
import QuipuModel
import QuipuProtocol

struct SessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "One session and its timeline.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var page: PageOptions

    @Argument(help: "The session's id.")
    var id: String

    @Flag(help: "The timeline's newest events first.")
    var newestFirst = false

    func run() throws {
        var params = Params()
        params.set("session", id)
        if newestFirst { params.set("order", "desc") }
        page.add(to: &params)
        try global.ask(.sessionsGet, params) { reply, screen in
            SessionView.show(reply, on: &screen)
        }
    }
}

enum SessionView {
    static func show(_ reply: JSON, on screen: inout Screen) {
        let facts: Set<String> = ["timeline", "next_cursor", "files", "subagents"]
        let summary = (reply.members ?? []).filter { !facts.contains($0.name) && $0.value != .null }
        screen.write(Outline(now: screen.now, style: screen.style).lines(.object(summary)))
        section("subagents", SubagentRows.table, reply["subagents"], on: &screen)
        section("files", FileRows.table, reply["files"], on: &screen)
        screen.write("")
        let table = EventRows.table(reply["timeline"]?.array ?? [], now: screen.now)
        screen.show(table, orElse: "no events on this page")
        screen.tellOfMore(reply)
    }

    private static func section(
        _ title: String, _ table: ([JSON], Timestamp) -> Table, _ rows: JSON?,
        on screen: inout Screen
    ) {
        guard let rows = rows?.array, !rows.isEmpty else { return }
        screen.write("")
        screen.write(screen.style.paint(title, .bold))
        screen.show(table(rows, screen.now), orElse: "")
    }
}

enum SubagentRows {
    static func table(_ subagents: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("SUBAGENT"), .word("STARTED"), .word("LAST ACTIVITY"), .number("EVENTS"),
            .number("CALLS"), .number("ERRORS"),
        ])
        for subagent in subagents {
            let name = subagent["agent_id"]?.string ?? subagent["session"]?.string
            table.add([
                Table.Cell(name ?? Units.absent, .bold),
                Table.Cell(Units.ago(subagent["started"]?.string, now: now)),
                Table.Cell(Units.ago(subagent["last_activity"]?.string, now: now)),
                Outcome.count(subagent, "event_count"), Outcome.count(subagent, "tool_count"),
                Outcome.errors(subagent),
            ])
        }
        return table
    }
}
