import ArgumentParser
import QuipuModel
import QuipuProtocol

struct TaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "One task: how it stands, its activity and its tool calls.",
        subcommands: [TaskShowCommand.self, TaskPutCommand.self],
        defaultSubcommand: TaskShowCommand.self)
}

struct TaskShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One task with all that happened for it.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The task's id.")
    var id: String

    @Option(help: "Whose task, where sessions number their tasks.")
    var session: String?

    @Option(
        name: [.customShort("n"), .long],
        help: "At most this many rows of each list: the newest. (default: 100)")
    var limit: Int?

    func run() throws {
        var params = Params()
        params.set("task", id)
        params.set("session", session)
        params.set("limit", limit.map { .int(Int64($0)) })
        try global.ask(.tasksGet, params) { TaskView.show($0, on: &$1) }
    }
}

struct TaskPutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Make a task or change it; what is not given stays.",
        discussion: "For root, the daemon's user and members of admin_group.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The task's id.")
    var id: String

    @Option(help: "pending, running, completed, failed or stopped.")
    var status: String?
    @Option var name: String?
    @Option var description: String?
    @Option var user: String?
    @Option var session: String?
    @Option var model: String?
    @Option var workspace: String?
    @Option var agentType: String?
    @Option var phase: String?
    @Option var phaseNumber: Int?
    @Option var result: String?
    @Option var error: String?
    @Option(help: "A line for its activity.")
    var message: String?
    @Option(help: "When it was so. (default: now)")
    var time: String?

    func run() throws {
        var params = Params()
        params.set("task", id)
        let texts = [
            ("status", status), ("name", name), ("description", description), ("user", user),
            ("session", session), ("model", model), ("workspace", workspace),
            ("agent_type", agentType), ("phase", phase), ("result", result), ("error", error),
            ("message", message),
        ]
        for (name, text) in texts { params.set(name, text) }
        params.set("phase_number", phaseNumber.map { .int(Int64($0)) })
        params.setTime("time", time)
        try global.ask(.tasksPut, params) { reply, screen in
            screen.write(TaskView.outline(reply, screen))
        }
    }
}

enum TaskView {
    private static let lists: Set<String> = ["activity", "tools", "timeline", "documents"]

    static func outline(_ task: JSON, _ screen: Screen) -> [String] {
        let facts = (task.members ?? []).filter {
            !lists.contains($0.name) && $0.value != .null
        }
        return Outline(now: screen.now, style: screen.style).lines(.object(facts))
    }

    static func show(_ task: JSON, on screen: inout Screen) {
        func rows(_ name: String) -> [JSON] { task[name]?.array ?? [] }
        screen.write(outline(task, screen))
        let tables = [
            TaskRows.activity(rows("activity"), now: screen.now),
            ToolRows.table(rows("tools"), now: screen.now),
            EventRows.table(rows("timeline"), now: screen.now),
            DocumentRows.table(rows("documents"), now: screen.now),
        ]
        for table in tables where !table.rows.isEmpty {
            screen.write("")
            screen.write(table.lines(width: screen.tableColumns, style: screen.style))
        }
    }
}
