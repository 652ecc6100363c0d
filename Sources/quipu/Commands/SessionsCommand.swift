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

    @Option(help: "Only in this project, a path; may be repeated.")
    var project: [String] = []

    @Option(help: "Only of this user; may be repeated.")
    var user: [String] = []

    func run() throws {
        var params = Params()
        params.set("state", state)
        params.set("project", project)
        params.set("user", user)
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
    /// Where there is little room, the columns of the highest ranks go first.
    static func table(_ sessions: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("SESSION"), .text("TITLE").rank(5), .path("PROJECT").rank(3), .word("STATE"),
            .word("STARTED").rank(6), .word("LAST ACTIVITY"), .number("CALLS"), .number("ERRORS"),
            .number("BLOCKED").rank(4), .number("FILES").rank(7), .number("TOKENS").rank(1),
            .number("COST").rank(1), .text("TOOLS").rank(2),
        ])
        for session in sessions {
            let state = session["state"]?.string
            table.add([
                Table.Cell(session["session"]?.string ?? Units.absent, .bold),
                Table.Cell(session["title"]?.string ?? Units.absent),
                Table.Cell(session["project"]?.string ?? Units.absent),
                Table.Cell(state ?? Units.absent, Style.color(ofStatus: state)),
                Table.Cell(Units.ago(session["started"]?.string, now: now)),
                Table.Cell(Units.ago(session["last_activity"]?.string, now: now)),
                Outcome.count(session, "tool_count"), Outcome.errors(session),
                Outcome.count(session, "blocked"), Outcome.count(session, "file_count"),
                tokens(session["tokens"]), cost(session["cost_usd"]),
                Table.Cell(tools(session), .dim),
            ])
        }
        if sessions.count > 1 { table.add(total(sessions)) }
        return table
    }

    private static func total(_ sessions: [JSON]) -> [Table.Cell] {
        func sum(_ name: String) -> Table.Cell {
            let sum = sessions.reduce(Int64(0)) { $0.addingCount($1[name]?.int ?? 0) }
            return Table.Cell(Units.grouped(sum), .bold)
        }
        let totals = sessions.compactMap { total(ofTokens: $0["tokens"]) }
        let tokens = totals.isEmpty ? nil : totals.reduce(Int64(0)) { $0.addingCount($1) }
        let costs = sessions.compactMap { $0["cost_usd"]?.double }
        return [
            Table.Cell("TOTAL", .bold), "", "", "", "", "", sum("tool_count"), sum("errors"),
            sum("blocked"), sum("file_count"),
            Table.Cell(tokens.map(Units.grouped) ?? Units.absent, .bold),
            Table.Cell(
                costs.isEmpty
                    ? Units.absent : Units.value(costs.reduce(0, +), named: "cost_usd"), .bold),
            "",
        ]
    }

    private static func tokens(_ tokens: JSON?) -> Table.Cell {
        Table.Cell(total(ofTokens: tokens).map(Units.grouped) ?? Units.absent)
    }

    /// The buckets have nothing in common.
    private static func total(ofTokens tokens: JSON?) -> Int64? {
        tokens?.members.map { $0.reduce(0) { $0.addingCount($1.value.int ?? 0) } }
    }

    private static func cost(_ cost: JSON?) -> Table.Cell {
        Table.Cell(cost?.double.map { Units.value($0, named: "cost_usd") } ?? Units.absent)
    }

    static func tools(_ session: JSON) -> String {
        (session["tools"]?.members ?? [])
            .map { "\($0.name) \(Units.grouped($0.value.int ?? 0))" }
            .joined(separator: ", ")
    }
}
