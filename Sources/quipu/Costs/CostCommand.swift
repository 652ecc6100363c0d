import ArgumentParser
import QuipuClient
import QuipuModel
import QuipuProtocol

struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "What coding agents' model calls cost: by day, session, model, project.",
        discussion: """
            Costs are computed with the price that was valid at the call (quipu prices). A call is counted once, \
            however many lines and files tell of it. Calls of models without a known price are in no cost.
            """,
        subcommands: [
            CostDailyCommand.self, CostWeeklyCommand.self, CostMonthlyCommand.self,
            CostSessionCommand.self, CostModelCommand.self, CostProjectCommand.self,
            CostBlocksCommand.self, CostReconcileCommand.self,
        ],
        defaultSubcommand: CostDailyCommand.self)
}

/// What all reports of costs ask alike.
struct CostOptions: ParsableArguments {
    @OptionGroup var global: GlobalOptions

    @Option(
        help: """
            From when: a date (20261101), a time, a span back from now, today, this_week, this_month. (default: \
            all there is)
            """)
    var since: String?

    @Option(help: "Until when, exclusive. (default: no end)")
    var until: String?

    @Option(name: [.customShort("z"), .long], help: "Whose days: Europe/Berlin. (default: UTC)")
    var timezone: String?

    @Option(help: "Only of this project (a directory); may be repeated.")
    var project: [String] = []

    @Option(help: "Only of this model; may be repeated.")
    var model: [String] = []

    @Option(help: "Only of this session; may be repeated.")
    var session: [String] = []

    @OptionGroup var conditions: WhereOptions

    /// - Parameter takesZone: whether the method has days.
    func params(takesZone: Bool = true) -> Params {
        var params = Params()
        params.setTime("since", since.map(Self.date) ?? "0")
        params.setTime("until", until.map(Self.date))
        if takesZone { params.set("time_zone", timezone) }
        var own: [JSON.Member] = []
        for (name, values) in [("project", project), ("model", model), ("session", session)] {
            if !values.isEmpty { own.append(JSON.Member(name, .array(values.map(JSON.string)))) }
        }
        let more =
            conditions.conditions.isEmpty ? [] : Condition.join(conditions.conditions).members
        let members = own + (more ?? [])
        if !members.isEmpty { params.set("where", .object(members)) }
        return params
    }

    /// `20261101`, as ccusage takes dates, is 2026-11-01.
    static func date(_ text: String) -> String {
        guard text.utf8.count == 8, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return text
        }
        return "\(text.prefix(4))-\(text.dropFirst(4).prefix(2))-\(text.suffix(2))"
    }

    /// Groups and their total; with `breakdown`, also each group by model.
    func report(_ groupBy: String, _ heading: String, breakdown: Bool) throws {
        try reportingFailure {
            var client = try Client(path: global.places.querySocket)
            var screen = Screen.standard()
            var params = params()
            params.set("group_by", [groupBy])
            params.set("limit", .int(Int64(Limits.rowsPerReplyMax)))
            let answer = try client.call(Method.costsSummary.rawValue, params.json)
            if global.json {
                screen.write(json: answer.text)
            } else {
                var details: JSON?
                if breakdown, groupBy != "model" {
                    var params = self.params()
                    params.set("group_by", [groupBy, "model"])
                    params.set("limit", .int(Int64(Limits.rowsPerReplyMax)))
                    details = try client.call(.costsSummary, params.json)
                }
                CostRows(heading: heading, key: groupBy).show(
                    answer.result, details: details, on: &screen)
            }
            try screen.flush()
        }
    }
}

struct BreakdownOptions: ParsableArguments {
    @Flag(help: "Each row by model too.")
    var breakdown = false
}

struct CostDailyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daily", abstract: "By day; the default.")
    @OptionGroup var options: CostOptions
    @OptionGroup var breakdown: BreakdownOptions
    func run() throws { try options.report("day", "Date", breakdown: breakdown.breakdown) }
}

struct CostWeeklyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weekly", abstract: "By week, from Monday.")
    @OptionGroup var options: CostOptions
    @OptionGroup var breakdown: BreakdownOptions
    func run() throws { try options.report("week", "Week", breakdown: breakdown.breakdown) }
}

struct CostMonthlyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monthly", abstract: "By month.")
    @OptionGroup var options: CostOptions
    @OptionGroup var breakdown: BreakdownOptions
    func run() throws { try options.report("month", "Month", breakdown: breakdown.breakdown) }
}

struct CostSessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "By session, the most expensive first.")
    @OptionGroup var options: CostOptions
    @OptionGroup var breakdown: BreakdownOptions
    func run() throws { try options.report("session", "Session", breakdown: breakdown.breakdown) }
}

struct CostModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "By model, the most expensive first.")
    @OptionGroup var options: CostOptions
    func run() throws { try options.report("model", "Model", breakdown: false) }
}

struct CostProjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "By project, the most expensive first.")
    @OptionGroup var options: CostOptions
    @OptionGroup var breakdown: BreakdownOptions
    func run() throws { try options.report("project", "Project", breakdown: breakdown.breakdown) }
}
