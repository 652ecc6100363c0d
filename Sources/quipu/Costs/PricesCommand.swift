import ArgumentParser
import QuipuModel
import QuipuProtocol

struct PricesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "What models cost, in USD per million tokens.",
        subcommands: [PricesListCommand.self, PricesSetCommand.self],
        defaultSubcommand: PricesListCommand.self)
}

struct PricesListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The prices in force, and models without one.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        var params = Params()
        params.set("limit", .int(Int64(Limits.rowsPerReplyMax)))
        try global.ask(.pricesList, params) { reply, screen in PriceRows.show(reply, on: &screen) }
    }
}

enum PriceRows {
    static func show(_ reply: JSON, on screen: inout Screen) {
        var table = Table([
            .text("Model"), .number("Input"), .number("Output"), .number("Write 5m"),
            .number("Write 1h"), .number("Read"), .text("Above").rank(2), .number("Fast").rank(3),
            .word("Valid From"), .word("Source").rank(1),
        ])
        for price in reply["prices"]?.array ?? [] {
            func rate(_ name: String) -> Table.Cell { Table.Cell(figure(price[name])) }
            let above = price["above"].map { above in
                "\(Units.number(above["tokens"]?.double ?? 0)): \(figure(above["input"])) / "
                    + figure(above["output"])
            }
            let fast = price["fast_multiplier"]?.double ?? 1
            table.add([
                Table.Cell(price["model"]?.string ?? Units.absent, .bold), rate("input"),
                rate("output"), rate("cache_write_5m"), rate("cache_write_1h"),
                rate("cache_read"), Table.Cell(above ?? ""),
                Table.Cell(fast == 1 ? "" : "× \(Units.number(fast))"),
                Table.Cell(String((price["valid_from"]?.string ?? Units.absent).prefix(10))),
                Table.Cell(price["source"]?.string ?? Units.absent, .dim),
            ])
        }
        if let width = screen.tableColumns { table = table.dropping(toFit: width) }
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
        for model in reply["unpriced"]?.array ?? [] {
            let name = Visible.text(model["model"]?.string ?? "calls that name no model")
            let count = model["requests"]?.int ?? 0
            screen.write(
                screen.style.paint(
                    "no price: \(name), \(Units.grouped(count, "call"))",
                    .yellow))
        }
        screen.tellOfMore(reply)
    }

    private static func figure(_ value: JSON?) -> String {
        value?.double.map(Units.number) ?? Units.absent
    }
}

struct PricesSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a model's price.",
        discussion: """
            Calls since then that had no price get their cost. Others keep the cost that they were computed \
            with, unless --recompute is given. For root, the daemon's user and members of admin_group.
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The model's name.") var model: String
    @Option(help: "Fresh input.") var input: FiniteNumber
    @Option(help: "Output.") var output: FiniteNumber
    @Option(name: .customLong("cache-write-5m"), help: "(default: 1.25 of the input)")
    var cacheWrite5m: FiniteNumber?
    @Option(name: .customLong("cache-write-1h"), help: "(default: 2 of the input)")
    var cacheWrite1h: FiniteNumber?
    @Option(help: "(default: 0.1 of the input)") var cacheRead: FiniteNumber?
    @Option(help: "Since when it holds. (default: ever)") var validFrom: String?
    @Option(help: "Where the figures are from.") var note: String?
    @Flag(help: "Also calls that have a cost.") var recompute = false

    func run() throws {
        var params = Params()
        params.set("model", model)
        params.set("input", input.json)
        params.set("output", output.json)
        params.set("cache_write_5m", cacheWrite5m?.json)
        params.set("cache_write_1h", cacheWrite1h?.json)
        params.set("cache_read", cacheRead?.json)
        params.setTime("valid_from", validFrom.map(CostOptions.date))
        params.set("note", note)
        if recompute { params.set("recompute", .bool(true)) }
        try global.ask(.pricesSet, params) { reply, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(reply))
        }
    }
}
