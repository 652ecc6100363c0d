import ArgumentParser
import QuipuModel
import QuipuProtocol

struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "What may be spent, and what is spent of it.",
        subcommands: [
            LimitsListCommand.self, LimitsSetCommand.self, LimitsCheckCommand.self,
        ],
        defaultSubcommand: LimitsListCommand.self)
}

struct LimitsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All limits.")
    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.ask(.limitsList, Params()) { reply, screen in
            LimitRows.show(reply, on: &screen)
        }
    }
}

struct LimitsSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a limit, or take it away.",
        discussion: """
            Without --user, --project or --session the limit is for all together. A period of session is a limit \
            that each session has for itself. For root, the daemon's user and members of admin_group.
            """)

    @OptionGroup var global: GlobalOptions
    @Option(help: "What this user spends.") var user: String?
    @Option(help: "What is spent in this project (a directory).") var project: String?
    @Option(help: "What this session spends.") var session: String?
    @Option(help: "day, week, month or session.") var period: String
    @Option(help: "How much, in USD.") var usd: FiniteNumber?
    @Flag(help: "Take the limit away.") var none = false
    @Option(name: [.customShort("z"), .long], help: "Whose midnights. (default: UTC)")
    var timezone: String?

    func validate() throws {
        guard (usd == nil) == none else { throw ValidationError("either --usd or --none") }
        guard [user, project, session].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("one of --user, --project and --session")
        }
    }

    func run() throws {
        var scope: JSON = "all"
        for (name, value) in [("user", user), ("project", project), ("session", session)] {
            if let value { scope = .object([JSON.Member(name, .string(value))]) }
        }
        var params = Params()
        params.set("scope", scope)
        params.set("period", period)
        params.set("limit_usd", usd?.json ?? .null)
        params.set("time_zone", timezone)
        try global.ask(.limitsSet, params) { reply, screen in
            LimitRows.show(reply, on: &screen)
        }
    }
}

struct LimitsCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Whether somebody may go on; status 1 if not.")

    @OptionGroup var global: GlobalOptions
    @Option(help: "Who.") var user: String?
    @Option(help: "In which project (a directory).") var project: String?
    @Option(help: "In which session.") var session: String?

    func run() throws {
        var params = Params()
        params.set("user", user)
        params.set("project", project)
        params.set("session", session)
        func isAllowed(_ reply: JSON) -> Bool { reply["allowed"] != false }
        // Also with --json: scripts go by the status.
        let reply = try global.ask(.limitsCheck, params) { reply, screen in
            screen.write(isAllowed(reply) ? "allowed" : "not allowed")
            LimitRows.show(reply, on: &screen)
        }
        if !isAllowed(reply) { throw ExitStatus.failed }
    }
}

enum LimitRows {
    static func show(_ reply: JSON, on screen: inout Screen) {
        var table = Table([
            .text("Whose"), .word("Period"), .number("Limit"), .number("Spent"), .number("Used"),
            .word("Resets"),
        ])
        for limit in reply["limits"]?.array ?? [] {
            let used = limit["used_percent"]?.double ?? 0
            let color: Style.Color =
                used >= 100 ? .red : limit["warning"] == true ? .yellow : .green
            table.add([
                Table.Cell(whose(limit["scope"]), .bold),
                Table.Cell(limit["period"]?.string ?? Units.absent),
                Table.Cell(Money.text(limit["limit_usd"]?.double ?? 0)),
                Table.Cell(Money.text(limit["spent_usd"]?.double ?? 0)),
                Table.Cell(Units.percent(used), color),
                Table.Cell(Units.ago(limit["resets"]?.string, now: screen.now)),
            ])
        }
        screen.show(table, orElse: "no limits; quipu limits set --period day --usd 100")
    }

    static func whose(_ scope: JSON?) -> String {
        guard let member = scope?.members?.first else { return "all" }
        return "\(member.name) \(member.value.string ?? "")"
    }
}
