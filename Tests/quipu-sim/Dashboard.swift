import QuipuProtocol

/// A session as an agent's dashboard logged it: two files of lines without ids, times in whole
/// seconds, and lines that are equal though they tell of different calls.
struct DashboardSession {
    let world: World
    let project: Project

    func run(at start: Moment) {
        let session = world.uuid()
        let folder = "logs/\(project.name)/sessions/\(session)"
        world.truth.began(session, family: session, project: "", agent: "dashboard", at: start)
        var now = start / 1_000 * 1_000
        for _ in 0..<world.int(3...25) {
            now += world.int(1...90) * .second
            let tool = world.pick(["Bash", "Read", "Glob", "Edit", "Grep"])
            // Some are started together.
            let together = world.chance(10) ? world.int(2...4) : 1
            for _ in 0..<together { call(tool, session, folder, at: now) }
        }
    }

    private func call(_ tool: String, _ session: String, _ folder: String, at now: Moment) {
        let kind = world.int(0...99)
        let status = kind < 4 ? "blocked" : kind < 12 ? "error" : "ok"
        let started = String(now.rfc3339.prefix(19)) + "Z"
        world.files.line(
            folder + "/pre_tool_use.jsonl",
            [
                "timestamp": .string(started), "tool": .string(tool),
                "parameters": ["description": "one of several"],
                "status": status == "blocked" ? "blocked" : "starting",
            ])
        world.truth.called(
            CallTold(
                session: session, project: "", tool: tool, status: status,
                category: status == "error" ? "unknown" : nil, moment: now))
        guard status != "blocked" else { return }
        let ended = now + world.int(0...3) * .second
        world.files.line(
            folder + "/post_tool_use.jsonl",
            [
                "timestamp": .string(String(ended.rfc3339.prefix(19)) + ".000000Z"),
                "agent": "unknown", "tool": .string(tool), "output_length": 0,
                "has_error": .bool(status == "error"),
            ])
        world.truth.saw(session, at: ended)
    }
}
