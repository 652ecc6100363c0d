import QuipuProtocol

/// Writes what Claude Code's hooks are told, in the way that a project logs it.
struct HookLog {
    let world: World
    let project: Project
    let session: String
    /// The file of an event below the project's logs.
    private let place: (String) -> String
    private let isArray: Bool
    private let hasTime: Bool

    init(_ world: World, _ project: Project, session: String) {
        self.world = world
        self.project = project
        self.session = session
        let folder = "logs/\(project.name)"
        isArray = project.style == .hookArrays
        hasTime = !isArray
        switch project.style {
        case .hooksByEvent: place = { "\(folder)/\($0).jsonl" }
        case .hookArrays: place = { "\(folder)/\($0).json" }
        default: place = { _ in "\(folder)/hooks.jsonl" }
        }
    }

    private func log(
        _ file: String, _ hook: String, at moment: Moment, _ more: [JSON.Member],
        agent: Subagent? = nil
    ) {
        var members: [JSON.Member] = hasTime ? [.init("timestamp", .string(moment.rfc3339))] : []
        members += [
            .init("session_id", .string(session)),
            .init(
                "transcript_path",
                .string("/home/dev/.claude/projects/\(project.slug)/\(session).jsonl")),
            .init("cwd", .string(project.directory)), .init("hook_event_name", .string(hook)),
            .init("permission_mode", "default"),
        ]
        if let agent {
            members += [
                .init("agent_id", .string(agent.id)), .init("agent_type", .string(agent.type)),
            ]
        }
        let path = place(file)
        if isArray {
            world.files.element(path, .object(members + more))
        } else {
            world.files.line(path, .object(members + more))
        }
    }

    func sessionBegan(source: String, at moment: Moment) {
        // Of an array without times nobody could tell which day it was.
        guard hasTime else { return }
        log("session_start", "SessionStart", at: moment, [.init("source", .string(source))])
        world.truth.count("session_start")
    }

    func sessionEnded(at moment: Moment) {
        guard hasTime else { return }
        log("session_end", "SessionEnd", at: moment, [.init("reason", "prompt_input_exit")])
        world.truth.count("session_end")
        world.truth.saw(session, at: moment)
    }

    private func members(_ call: PlannedCall) -> [JSON.Member] {
        [
            .init("tool_name", .string(call.tool)), .init("tool_input", call.input),
            .init("tool_use_id", .string(call.id)),
        ]
    }

    func before(_ call: PlannedCall, at moment: Moment, agent: Subagent?) {
        log("pre_tool_use", "PreToolUse", at: moment, members(call), agent: agent)
    }

    func after(_ call: PlannedCall, at moment: Moment, agent: Subagent?) {
        let duration = JSON.Member("duration_ms", .int(call.durationMs))
        switch call.status {
        case "running": return
        case "blocked":
            log(
                "permission_denied", "PermissionDenied", at: moment,
                members(call) + [.init("reason", "not allowed here")], agent: agent)
        case "error":
            log(
                "post_tool_use_failure", "PostToolUseFailure", at: moment,
                members(call) + [
                    .init("error", .optional(call.error)), .init("is_interrupt", false), duration,
                ], agent: agent)
        default:
            log(
                "post_tool_use", "PostToolUse", at: moment,
                members(call) + [.init("tool_response", call.output), duration], agent: agent)
        }
    }
}

/// A helper that a session started.
struct Subagent {
    var id: String
    var type: String
}
