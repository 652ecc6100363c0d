import ArgumentParser
import QuipuClient
import QuipuModel
import QuipuProtocol

struct CostBlocksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocks",
        abstract: "Five-hour windows: what was used, how fast, and what it comes to.",
        discussion: "A block begins with the UTC hour of its first call. Times are UTC.")

    @OptionGroup var options: CostOptions

    @Flag(help: "Only the block that runs now.")
    var active = false

    @Flag(help: "Only the last three days.")
    var recent = false

    @Option(help: "Tokens that a block may use, or max: the most that one ever did.")
    var tokenLimit: String?

    @Option(help: "A block's length in hours. (default: 5)")
    var sessionLength: Int?

    func validate() throws {
        if let tokenLimit, tokenLimit != "max", Int64(tokenLimit) == nil {
            throw ValidationError("--token-limit takes a number or max")
        }
    }

    func run() throws {
        try reportingFailure {
            var client = try Client(path: options.global.places.querySocket)
            var screen = Screen.standard()
            var params = self.params
            if tokenLimit == "max" {
                let all = try client.call(.costsBlocks, params.json)["blocks"]?.array ?? []
                let most = all.filter { $0["active"] != true }
                    .compactMap { $0["total_tokens"]?.int }.max()
                if let most, most > 0 { params.set("token_limit", .int(most)) }
            }
            let answer = try client.call(Method.costsBlocks.rawValue, params.json)
            if options.global.json {
                screen.write(json: answer.text)
            } else {
                let blocks = (answer.result["blocks"]?.array ?? []).filter {
                    !active || $0["active"] == true
                }
                BlockRows.show(blocks, on: &screen)
            }
            try screen.flush()
        }
    }

    private var params: Params {
        var options = options
        if recent { options.since = "3d" }
        var params = options.params(takesZone: false)
        params.set("session_hours", sessionLength.map { .int(Int64($0)) })
        params.set("token_limit", tokenLimit.flatMap { Int64($0) }.map(JSON.int))
        return params
    }
}

enum BlockRows {
    static func show(_ blocks: [JSON], on screen: inout Screen) {
        var table = Table([
            .word("Block Start"), .word("State"), .text("Models").rank(1), .number("Tokens"),
            .number("Cost (USD)"),
        ])
        for block in blocks { table.add(cells(block, now: screen.now)) }
        if let width = screen.tableColumns { table = table.dropping(toFit: width) }
        screen.show(table, orElse: "no model calls match")
        for block in blocks where block["active"] == true {
            screen.write("")
            screen.write(outlook(block))
        }
    }

    private static func cells(_ block: JSON, now: Timestamp) -> [Table.Cell] {
        let start = block["start"]?.string ?? ""
        let began = Table.Cell("\(start.prefix(10)) \(start.dropFirst(11).prefix(5))")
        if block["gap"] == true {
            return [began, Table.Cell("gap, " + span(block), .dim), "", "", ""]
        }
        let models = (block["models"]?.array ?? []).compactMap(\.string).map(ModelText.short)
        let isActive = block["active"] == true
        let state = isActive ? "active, \(left(block, now: now)) left" : "ended"
        return [
            began, Table.Cell(state, isActive ? .green : .dim),
            Table.Cell(models.joined(separator: ", ")),
            Table.Cell(Units.grouped(block["total_tokens"]?.int ?? 0)),
            Table.Cell(CostRows.cost(block), .bold),
        ]
    }

    static func left(_ block: JSON, now: Timestamp) -> String {
        guard let end = block["end"]?.string.flatMap(Timestamp.init(rfc3339:)) else {
            return Units.absent
        }
        return hours((end.microseconds - now.microseconds) / 60_000_000)
    }

    private static func span(_ block: JSON) -> String {
        guard let start = block["start"]?.string.flatMap(Timestamp.init(rfc3339:)),
            let end = block["end"]?.string.flatMap(Timestamp.init(rfc3339:))
        else { return Units.absent }
        return hours((end.microseconds - start.microseconds) / 60_000_000)
    }

    /// `2h 45m`, `45m`
    static func hours(_ minutes: Int64) -> String {
        let minutes = max(0, minutes)
        return minutes < 60 ? "\(minutes)m" : "\(minutes / 60)h \(minutes % 60)m"
    }

    private static func outlook(_ block: JSON) -> [String] {
        var lines: [String] = []
        if let rate = block["burn_rate"], let tokens = rate["tokens_per_minute"]?.double {
            let usd = rate["cost_usd_per_hour"]?.double ?? 0
            lines.append("burn rate    \(Units.number(tokens)) tokens/min, \(Money.text(usd))/h")
        }
        if let projection = block["projection"], let tokens = projection["total_tokens"]?.int {
            let usd = projection["cost_usd"]?.double ?? 0
            lines.append(
                "projection   \(Units.grouped(tokens)) tokens, \(Money.text(usd)) at the block's end"
            )
        }
        if let limit = block["token_limit"], let percent = limit["used_percent"]?.double {
            let status = limit["status"]?.string ?? ""
            lines.append(
                "token limit  \(Units.percent(percent)) of \(Units.grouped(limit["limit"]?.int ?? 0)): "
                    + status)
        }
        return lines
    }
}
