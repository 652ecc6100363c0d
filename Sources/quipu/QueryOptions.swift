import ArgumentParser
import QuipuProtocol

struct RangeOptions: ParsableArguments {
    @Option(help: "From when: a time or a span back from now. (default: 24h)")
    var since: String?

    @Option(help: "Until when, exclusive. (default: no end)")
    var until: String?

    func add(to params: inout Params) {
        params.setTime("since", since)
        params.setTime("until", until)
    }
}

struct PageOptions: ParsableArguments {
    @Option(
        name: [.customShort("n"), .long], help: "At most this many rows. (default: 100)")
    var limit: Int?

    @Option(help: "Go on where the page before ended.")
    var cursor: String?

    func add(to params: inout Params) {
        params.set("limit", limit.map { .int(Int64($0)) })
        params.set("cursor", cursor)
    }
}

struct WhereOptions: ParsableArguments {
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only where this holds; may be repeated.",
            discussion: """
                PATH=VALUE, PATH!=VALUE, PATH>N, PATH>=N, PATH<N, PATH<=N, PATH~PATTERN (% and _ stand \
                for anything), or the protocol's JSON object. Paths are columns or attributes: \
                provider=aws, tool_input.file_path~%.swift.
                """,
            valueName: "condition"))
    var conditions: [Condition] = []

    func add(to params: inout Params) {
        if !conditions.isEmpty { params.set("where", Condition.join(conditions)) }
    }

    /// With one condition more, where there is a value for it.
    func add(to params: inout Params, _ path: String, _ value: String?) {
        var all = self
        if let value, let more = Condition(argument: "\(path)=\(value)") {
            all.conditions.append(more)
        }
        all.add(to: &params)
    }
}

/// Which events: shorthand for the columns that are asked for most.
struct EventFilterOptions: ParsableArguments {
    @Option(help: "Only of this kind, such as tool_use or prompt; may be repeated.")
    var kind: [String] = []

    @Option(help: "Only of this name, such as the tool's; may be repeated.")
    var name: [String] = []

    @Option(
        help: "Only with this status: ok, error, running, blocked, or null (none); may be repeated."
    )
    var status: [String] = []

    @Option(help: "Only of this session; may be repeated.")
    var session: [String] = []

    @Option(help: "Only of this task; may be repeated.")
    var task: [String] = []

    @OptionGroup var conditions: WhereOptions

    func add(to params: inout Params) {
        params.set("kind", kind)
        params.set("name", name)
        params.set("status", status.map { $0 == "null" ? .null : .string($0) })
        params.set("session", session)
        params.set("task", task)
        conditions.add(to: &params)
    }
}
