import ArgumentParser
import QuipuModel
import QuipuProtocol

struct TasksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks", abstract: "Tasks of agents, the newest change first.",
        subcommands: [TasksListCommand.self, TasksActivityCommand.self],
        defaultSubcommand: TasksListCommand.self)
}

struct TasksListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Which tasks there are, and how they stand.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only these: pending, running, completed, failed or stopped. (default: all)")
    var status: String?

    @Option(help: "Only in this workspace.")
    var workspace: String?

    @Option(help: "Only of this user.")
    var user: String?

    @Option(help: "Only with this model.")
    var model: String?

    @Option(help: "Only of agents of this type.")
    var agentType: String?

    func run() throws {
        var params = Params()
        params.set("status", status)
        range.add(to: &params)
        page.add(to: &params)
        let columns = [
            ("workspace", workspace), ("user", user), ("model", model), ("agent_type", agentType),
        ]
        let named = columns.compactMap { name, value in
            value.map { Condition(members: [JSON.Member(name, .string($0))]) }
        }
        let conditions = conditions.conditions + named
        if !conditions.isEmpty { params.set("where", Condition.join(conditions)) }
        try global.ask(.tasksList, params) { reply, screen in
            let table = TaskRows.table(reply["tasks"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no tasks match; --since 7d looks further back")
            if !table.rows.isEmpty { screen.write(TaskRows.totals(reply)) }
            screen.tellOfMore(reply)
        }
    }
}

struct TasksActivityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activity", abstract: "What happened to tasks, newest first.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions

    @Option(help: "Only to this one.")
    var task: String?

    func run() throws {
        var params = Params()
        params.set("task", task)
        range.add(to: &params)
        page.add(to: &params)
        try global.ask(.tasksActivity, params) { reply, screen in
            let table = TaskRows.activity(reply["activity"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no activity; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

enum TaskRows {
    static func table(_ tasks: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .text("TASK"), .word("STATUS"), .text("NAME"), .word("UPDATED"),
            .number("DURATION"), .text("WORKSPACE"), .text("MODEL"), .text("AGENT"),
            .text("DETAIL"),
        ])
        for task in tasks {
            let error = task["error"]?.string
            let detail = error ?? task["message"]?.string ?? task["description"]?.string
            table.add([
                cell(task, "task", .bold), status(task), cell(task, "name"),
                Table.Cell(Units.ago(task["updated"]?.string, now: now)),
                Table.Cell(EventRows.duration(task["duration_ms"])),
                cell(task, "workspace", .dim), cell(task, "model", .dim),
                cell(task, "agent_type", .dim),
                Table.Cell(detail ?? Units.absent, error == nil ? .dim : .red),
            ])
        }
        return table
    }

    static func activity(_ lines: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .word("TIME (UTC)"), .text("TASK"), .word("STATUS"), .text("MESSAGE"),
        ])
        for line in lines {
            let text = line["message"]?.string ?? line["error"]?.string ?? line["name"]?.string
            table.add([
                Table.Cell(Units.clock(line["time"]?.string, now: now), .dim),
                cell(line, "task", .bold), status(line), Table.Cell(text ?? Units.absent),
            ])
        }
        return table
    }

    /// One line: how many there are of each status.
    static func totals(_ reply: JSON) -> [String] {
        let counts = (reply["counts"]?.members ?? []).filter { $0.name != "total" }
        let total = Units.grouped(reply["counts"]?["total"]?.int ?? 0, "task")
        let words = counts.map { "\(Units.grouped($0.value.int ?? 0)) \($0.name)" }
        let rate = reply["success_rate_percent"]?.double.map { ", \(Units.percent($0)) success" }
        return ["", "\(total): \(words.joined(separator: ", "))\(rate ?? "")"]
    }

    private static func status(_ row: JSON) -> Table.Cell {
        let word = row["status"]?.string
        return Table.Cell(word ?? Units.absent, Style.color(ofStatus: word))
    }

    private static func cell(_ row: JSON, _ name: String, _ color: Style.Color? = nil) -> Table.Cell
    {
        Table.Cell(row[name]?.string ?? Units.absent, color)
    }
}
