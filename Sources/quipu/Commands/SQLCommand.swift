import ArgumentParser
import QuipuProtocol

struct SQLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "One SELECT over the views of the database.",
        discussion: """
            Views: events, sessions, tasks, tools, tools_hourly, series, metrics_10s (1m, 1h, 1d), ledger, \
            files. Their columns show with: quipu sql 'SELECT * FROM tools LIMIT 1'

            Filter by the columns that end in _us (microseconds since 1970), which have an index:

              quipu sql "SELECT name, count(*) FROM events
                         WHERE time_us > (unixepoch() - 3600) * 1000000 GROUP BY name"
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The SELECT.")
    var query: String

    @Option(help: "Rows at most (1 to 10000).")
    var limit: Int?

    func run() throws {
        var params = Params()
        params.set("query", .string(query))
        params.set("limit", limit.map { JSON.int(Int64($0)) })
        try global.ask(.sql, params) { reply, screen in
            let columns = reply["columns"]?.array?.compactMap(\.string) ?? []
            let rows = reply["rows"]?.array?.compactMap(\.array) ?? []
            var table = Table(
                columns.indices.map { index in
                    let isNumber = rows.contains { $0[index].isNumber }
                    return isNumber ? .number(columns[index]) : .text(columns[index])
                })
            for row in rows { table.add(row.map { Table.Cell(Self.text($0)) }) }
            screen.show(table, orElse: "no rows")
            if reply["truncated"] == true {
                Diagnostics.write("there are more rows; --limit shows up to 10000")
            }
        }
    }

    private static func text(_ value: JSON) -> String {
        switch value {
        case .null: Units.absent
        case .string(let text): text
        default: value.text
        }
    }
}

extension JSON {
    fileprivate var isNumber: Bool { int != nil || double != nil }
}
