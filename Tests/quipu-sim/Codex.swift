import QuipuProtocol

/// A session of Codex: a rollout whose counters only grow, are told again without having grown, and
/// are copied whole into the rollouts of its forks.
struct CodexSession {
    private let world: World
    private let project: Project
    private let session: String
    private let family: String
    private let model: String
    private let path: String
    private var lines: [JSON] = []
    private var now: Moment
    private var total = CodexTotal()

    init(_ world: World, _ project: Project, at moment: Moment, parent: CodexSession? = nil) {
        self.world = world
        self.project = project
        session = world.uuid()
        family = parent?.family ?? session
        model = world.pick(["gpt-5-codex", "gpt-5.2-codex"])
        now = moment
        let day = CivilTime(moment).date.replacing("-", with: "/")
        let stamp = moment.rfc3339.prefix(19).replacing(":", with: "-")
        path = "codex/sessions/\(day)/rollout-\(stamp)-\(session).jsonl"
        total = parent?.total ?? CodexTotal()
        world.truth.began(
            session, family: family, project: project.directory, agent: "codex", at: moment)
        addMeta(parent: parent?.session)
        // The copies carry the time of the copying.
        for line in parent?.lines ?? [] { put(line.replacing("timestamp", stampNow)) }
    }

    mutating func run() {
        for _ in 0..<world.int(1...4) {
            now += world.int(20_000...(20 * .minute))
            turn()
        }
        if world.chance(10) {
            for line in lines {
                world.files.line(
                    path.replacing("codex/sessions", with: "codex/archived_sessions"), line)
            }
            world.truth.count("codex_archived")
        }
        guard family == session, world.chance(20) else { return }
        var fork = CodexSession(world, project, at: now + 5 * .minute, parent: self)
        fork.run()
        world.truth.count("codex_forks")
    }

    private var stampNow: JSON { .string(now.rfc3339) }

    private mutating func put(_ line: JSON) {
        lines.append(line)
        world.files.line(path, line)
    }

    private mutating func add(_ type: String, _ payload: JSON) {
        put(["timestamp": stampNow, "type": .string(type), "payload": payload])
    }

    private mutating func addMeta(parent: String?) {
        var members: [JSON.Member] = [
            .init("id", .string(session)), .init("timestamp", stampNow),
            .init("cwd", .string(project.directory)), .init("originator", "codex_cli_rs"),
            .init("cli_version", "0.98.0"), .init("source", "cli"),
            .init("model_provider", "openai"),
        ]
        if let parent { members.append(.init("forked_from_id", .string(parent))) }
        add("session_meta", .object(members))
    }

    private mutating func turn() {
        add(
            "turn_context",
            ["cwd": .string(project.directory), "model": .string(model), "effort": "medium"])
        let text = world.text(world.int(20...200))
        // The same prompt twice: as what the person typed, and as what the model is told.
        add("event_msg", ["type": "user_message", "message": .string(text)])
        add(
            "response_item",
            [
                "type": "message", "role": "user",
                "content": [["type": "input_text", "text": .string(text)]],
            ])
        world.truth.prompt(session, at: now)
        addTokenCount(isKnown: false)
        for _ in 0..<world.int(1...5) {
            now += world.int(1_000...9_000)
            let calls = (0..<world.int(0...2)).map { _ in world.id("call_") }
            for call in calls { use(call) }
            grow()
            for _ in 0..<(world.chance(30) ? 2 : 1) { addTokenCount(isKnown: true) }
        }
        now += .second
        add("event_msg", ["type": "agent_message", "message": "Done."])
        world.truth.saw(session, at: now)
    }

    private mutating func use(_ call: String) {
        add(
            "response_item",
            [
                "type": "function_call", "name": "shell", "call_id": .string(call),
                "arguments": "{\"command\":[\"bash\",\"-lc\",\"ls\"]}",
            ])
        world.truth.called(
            CallTold(
                session: session, project: project.directory, tool: "shell", status: "ok",
                moment: now))
        now += world.int(20...2_000)
        add(
            "response_item",
            [
                "type": "function_call_output", "call_id": .string(call),
                "output":
                    "{\"output\":\"a\\nb\\n\",\"metadata\":{\"exit_code\":0,\"duration_seconds\":0.1}}",
            ])
    }

    private mutating func grow() {
        var more = CodexTotal()
        more.input = world.int(500...20_000)
        more.cached = world.int(0...more.input)
        more.output = world.int(20...2_000)
        more.reasoning = world.int(0...more.output)
        total.add(more)
        world.truth.used(
            UsageTold(
                session: session, family: family, project: project.directory, model: model,
                moment: now,
                tokens: Tokens(
                    input: more.input - more.cached, read: more.cached, output: more.output)))
        last = more
    }

    private var last = CodexTotal()

    private mutating func addTokenCount(isKnown: Bool) {
        let info: JSON =
            isKnown
            ? [
                "total_token_usage": total.json, "last_token_usage": last.json,
                "model_context_window": 272_000,
            ] : .null
        add(
            "event_msg",
            [
                "type": "token_count", "info": info,
                "rate_limits": [
                    "primary": ["used_percent": 12.5, "window_minutes": 300],
                    "secondary": ["used_percent": 3.0, "window_minutes": 10_080],
                ],
            ])
    }
}

/// Codex counts what was cached as part of the input, and reasoning as part of the output.
struct CodexTotal {
    var input: Int64 = 0
    var cached: Int64 = 0
    var output: Int64 = 0
    var reasoning: Int64 = 0

    mutating func add(_ more: CodexTotal) {
        input += more.input
        cached += more.cached
        output += more.output
        reasoning += more.reasoning
    }

    var json: JSON {
        [
            "input_tokens": .int(input), "cached_input_tokens": .int(cached),
            "output_tokens": .int(output), "reasoning_output_tokens": .int(reasoning),
            "total_tokens": .int(input + output),
        ]
    }
}

extension JSON {
    fileprivate func replacing(_ name: String, _ value: JSON) -> JSON {
        guard let members else { return self }
        return .object(members.map { $0.name == name ? JSON.Member(name, value) : $0 })
    }
}
