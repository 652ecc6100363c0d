import ArgumentParser
import QuipuModel
import QuipuProtocol

struct CostReconcileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Why another tool's total differs: the same calls under other rules.")

    @OptionGroup var options: CostOptions

    @Option(name: [.customShort("n"), .long], help: "Show so many calls. (default: 10)")
    var limit: Int?

    func run() throws {
        var params = options.params(takesZone: false)
        params.set("limit", limit.map { .int(Int64($0)) })
        try options.global.ask(.costsReconcile, params) { reply, screen in
            ReconcileRows.show(reply, on: &screen)
        }
    }
}

enum ReconcileRows {
    static func show(_ reply: JSON, on screen: inout Screen) {
        var table = Table([
            .word("Rule"), .number("Counted"), .number("Tokens"), .number("Cost (USD)"),
            .number("Against Ours"),
        ])
        for rule in reply["rules"]?.array ?? [] {
            let usd = rule["difference_usd"]?.double ?? 0
            table.add([
                Table.Cell(word(rule["rule"]?.string), .bold),
                Table.Cell(Units.grouped(rule["requests"]?.int ?? 0)),
                Table.Cell(Units.grouped(tokens(rule["tokens"]))),
                Table.Cell(Money.text(rule["cost_usd"]?.double ?? 0)),
                Table.Cell(usd > 0 ? "+" + Money.text(usd) : Money.text(usd)),
            ])
        }
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
        screen.write("")
        screen.write((reply["explanations"]?.array ?? []).compactMap(\.string))
        for call in reply["calls"]?.array ?? [] { show(call: call, on: &screen) }
    }

    private static func show(call: JSON, on screen: inout Screen) {
        screen.write("")
        let id = call["message_id"]?.string ?? "no message id"
        let excess = Units.grouped(call["excess_tokens"]?.int ?? 0)
        screen.write(
            screen.style.paint(Visible.text(id), .bold)
                + Visible.text(
                    "  \(call["model"]?.string ?? "unknown")  rows exceed the call by "
                        + "\(excess) tokens"))
        var table = Table([
            .word(""), .number("Input"), .number("Cache Create"), .number("Cache Read"),
            .number("Output"), .number("Offset"), .path("File"),
        ])
        for row in call["rows"]?.array ?? [] {
            let tokens = row["tokens"]
            func count(_ name: String) -> Int64 { tokens?[name]?.int ?? 0 }
            let counted = row["counted"] == true ? "counted" : ""
            table.add([
                Table.Cell(counted.isEmpty && row["final"] != true ? "partial" : counted, .green),
                Table.Cell(Units.grouped(count("input"))),
                Table.Cell(Units.grouped(count("cache_write_5m") + count("cache_write_1h"))),
                Table.Cell(Units.grouped(count("cache_read"))),
                Table.Cell(Units.grouped(count("output"))),
                Table.Cell(Units.grouped(row["source"]?["offset"]?.int ?? 0)),
                Table.Cell(row["source"]?["path"]?.string ?? Units.absent, .dim),
            ])
        }
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
    }

    private static func word(_ rule: String?) -> String {
        (rule ?? Units.absent).replacing("_", with: " ")
    }

    private static func tokens(_ counts: JSON?) -> Int64 {
        (counts?.members ?? []).reduce(0) { $0 + ($1.value.int ?? 0) }
    }
}
