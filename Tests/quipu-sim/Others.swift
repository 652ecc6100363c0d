import QuipuProtocol

extension World {
    /// A line of a log of costs: one for each session of an agent that logs nothing else.
    func logCost(at moment: Moment) {
        let session = uuid()
        let model = pick(["claude-sonnet-4-6", "claude-opus-5"])
        let tokens = Tokens(input: int(100...90_000), output: int(10...9_000))
        truth.began(session, family: session, project: "", agent: "cost_log", at: moment)
        truth.used(
            UsageTold(
                session: session, family: session, project: "", model: model, moment: moment,
                tokens: tokens))
        truth.told(tokens)
        let cost = Double(tokens.costNanoUSD(model: model, isFast: false) ?? 0) / 1e9
        files.line(
            "metrics/costs.jsonl",
            [
                "timestamp": .string(moment.rfc3339), "session_id": .string(session),
                "model": .string(model), "input_tokens": .int(tokens.input),
                "output_tokens": .int(tokens.output), "estimated_cost_usd": .number(cost),
            ])
    }

    /// A task's life, told by an application's events.
    func runTask(in project: Project, at moment: Moment) {
        let task = "T-\(shortID())"
        var now = moment
        func tell(_ status: String, _ more: [JSON.Member] = []) {
            let facts: [JSON.Member] = [
                .init("description", .string("Makes \(project.name) better")),
                .init("workspace", .string(project.directory)), .init("model", "claude-sonnet-5"),
                .init("agent_type", "code_agent"),
            ]
            files.line(
                "logs/tasks/tasks.jsonl",
                [
                    "event": "task", "task": .string(task), "status": .string(status),
                    "time": .string(now.rfc3339), "attributes": .object(facts + more),
                ])
            truth.task(task, status)
            truth.count("task_lines")
            now += int(.minute...(2 * .hour))
        }
        tell("pending")
        guard !chance(4) else { return }
        tell("running", [.init("phase", "implementation")])
        guard !chance(8) else { return }
        switch int(0...9) {
        case 0: tell("failed", [.init("error", "the tests do not pass")])
        case 1: tell("stopped")
        default: tell("completed", [.init("result", "merged")])
        }
    }
}
