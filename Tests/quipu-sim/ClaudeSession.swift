import QuipuProtocol

/// One session of Claude Code: what happens in it, and all that is written about it.
struct ClaudeSession {
    private let world: World
    private let project: Project
    private let session: String
    /// The session that its history comes from; its own id without one.
    private let family: String
    private let model: String
    private let branch: String
    private let hasRequestIDs: Bool
    private let hooks: HookLog
    private var transcript: Transcript
    private var now: Moment
    private var cached: Int64 = 0

    init(_ world: World, _ project: Project, at moment: Moment) {
        self.init(world, project, at: moment, family: nil)
        hooks.sessionBegan(source: "startup", at: moment)
    }

    private init(_ world: World, _ project: Project, at moment: Moment, family: String?) {
        self.world = world
        self.project = project
        session = world.uuid()
        self.family = family ?? session
        let models = [
            "claude-opus-5", "claude-opus-5", "claude-sonnet-5", "claude-sonnet-5",
            "claude-sonnet-4-6", "claude-haiku-4-5-20251001",
        ]
        model = world.chance(4) ? Prices.unknownModel : world.pick(models)
        branch = world.pick(["main", "main", "feature/import", "fix-42"])
        hasRequestIDs = model != Prices.unknownModel && !world.chance(10)
        now = moment
        hooks = HookLog(world, project, session: session)
        transcript = Transcript(world, project, session: session, branch: branch)
        world.truth.began(
            session, family: self.family, project: project.directory, agent: "claude", at: moment)
    }

    // MARK: Running

    mutating func run() {
        transcript.addNoise()
        work()
        if world.chance(12) { fork() }
    }

    private mutating func work() {
        for _ in 0..<world.int(1...5) {
            now += world.int(20_000...(25 * .minute))
            turn()
        }
        if world.chance(4) {
            // Killed while a tool ran: nothing closes the call, nothing ends the session.
            var call = world.planCall(in: project)
            while call.path != nil || call.status != "ok" { call = world.planCall(in: project) }
            call.status = "running"
            call.category = nil
            modelCall([call])
            use(call, agent: nil)
        } else {
            now += .second
            hooks.sessionEnded(at: now)
        }
    }

    private mutating func turn() {
        let began = now
        transcript.addPrompt(world.text(world.int(10...400)), at: now)
        world.truth.prompt(session, at: now)
        for _ in 0..<world.int(1...6) {
            if world.chance(3) { transcript.addAPIError(at: now + .second) }
            if world.chance(7) {
                delegate()
            } else {
                let calls = (0..<world.int(1...2)).map { _ in world.planCall(in: project) }
                modelCall(calls)
                for call in calls { use(call, agent: nil) }
            }
        }
        modelCall([])
        now += .second
        transcript.addTurnDuration(now - began, at: now)
        if world.chance(5) {
            transcript.addCompaction(at: now + 200)
            cached = 12_000
        }
    }

    /// A call is logged before and after it runs, and its result goes into the transcript.
    private mutating func use(_ call: PlannedCall, agent: Subagent?) {
        now += 30
        hooks.before(call, at: now, agent: agent)
        world.truth.called(
            CallTold(
                session: session, project: project.directory, tool: call.tool, status: call.status,
                category: call.category, moment: now, path: call.path, access: call.access))
        guard call.status != "running" else { return }
        now += call.durationMs
        hooks.after(call, at: now, agent: agent)
        now += 15
        if agent == nil { transcript.addResult(call, at: now) }
        world.truth.saw(session, at: now)
    }

    // MARK: Models

    private mutating func plan(_ calls: [PlannedCall], in context: Int64) -> ModelCall {
        let text: JSON = ["type": "text", "text": .string(world.text(world.int(20...800)))]
        var blocks = calls.isEmpty || world.chance(60) ? [text] : []
        if world.chance(20) {
            blocks.insert(["type": "thinking", "thinking": "…", "signature": "c2ln"], at: 0)
        }
        blocks += calls.map {
            ["type": "tool_use", "id": .string($0.id), "name": .string($0.tool), "input": $0.input]
        }
        let written = world.int(200...6_000)
        let writesHour = world.chance(30)
        let tokens = Tokens(
            input: world.int(2...400), write5m: writesHour ? 0 : written,
            write1h: writesHour ? written : 0, read: context, output: world.int(40...3_000))
        return ModelCall(
            messageID: world.id("msg_"), requestID: hasRequestIDs ? world.id("req_") : nil,
            model: model, tokens: tokens, isFast: model == "claude-opus-5" && world.chance(6),
            startsLarge: model == Prices.unknownModel,
            stopReason: calls.isEmpty ? "end_turn" : "tool_use", blocks: blocks)
    }

    private mutating func modelCall(_ calls: [PlannedCall]) {
        now += world.int(1_500...20_000)
        let call = plan(calls, in: cached)
        cached = min(cached + call.tokens.write5m + call.tokens.write1h, 150_000)
        transcript.addModelCall(call, at: now)
        count(call, at: now)
        now += Int64(call.blocks.count) * 400
        if call.requestID != nil, world.chance(2) { replay(call) }
    }

    /// The truth takes the call on the day when its last row was written.
    private func count(_ call: ModelCall, at moment: Moment) {
        world.truth.used(
            UsageTold(
                session: session, family: family, project: project.directory, model: call.model,
                moment: moment + Int64(call.blocks.count - 1) * 400, tokens: call.tokens,
                isFast: call.isFast))
    }

    /// A question aside repeats the last answer in a file of its own, under another request.
    private func replay(_ call: ModelCall) {
        var copy = call
        copy.requestID = world.id("req_")
        copy.blocks = [call.blocks[call.blocks.count - 1]]
        var aside = Transcript(
            world, project, session: session, branch: branch,
            agent: Subagent(id: world.shortID(), type: "aside"))
        aside.addModelCall(copy, at: now)
        world.truth.count("replayed")
    }

    // MARK: Helpers

    /// Hands work to a subagent, which writes a file of its own.
    private mutating func delegate() {
        let agent = Subagent(id: world.shortID(), type: world.pick(["Explore", "reviewer"]))
        var call = PlannedCall(
            id: world.id("toolu_"), tool: "Agent",
            input: [
                "prompt": .string(world.text(200)), "description": "Looks around",
                "subagent_type": .string(agent.type),
            ],
            output: .null, text: "It found what it looked for.", durationMs: 0)
        modelCall([call])
        now += 30
        let began = now
        hooks.before(call, at: began, agent: nil)
        var file = Transcript(world, project, session: session, branch: branch, agent: agent)
        file.addPrompt("Look around.", at: now)
        var context: Int64 = 0
        for step in 0..<world.int(1...4) {
            now += world.int(1_000...8_000)
            let used = [world.planCall(in: project)]
            let model = plan(used, in: context)
            context += model.tokens.write5m + model.tokens.write1h
            file.addModelCall(model, at: now)
            count(model, at: now)
            now += Int64(model.blocks.count) * 400
            for call in used {
                use(call, agent: agent)
                file.addResult(call, at: now)
            }
            if step == 0 { world.truth.count("subagents") }
        }
        now += 50
        call.durationMs = now - began
        // This usage is the helper's own, and told by its rows.
        call.output = [
            "status": "completed", "agentId": .string(agent.id), "totalTokens": 4_711,
            "content": [["type": "text", "text": "It found what it looked for."]],
            "usage": ["input_tokens": 4_000, "output_tokens": 711],
        ]
        hooks.after(call, at: now, agent: nil)
        transcript.addResult(call, at: now + 15)
        now += 15
        world.truth.called(
            CallTold(
                session: session, project: project.directory, tool: "Agent", status: "ok",
                moment: began))
        world.truth.saw(session, at: now)
    }

    // MARK: Forks

    /// A second session that begins with a copy of this one's rows. A resumed one keeps the id that
    /// the rows had; a forked one writes its own over it.
    private mutating func fork() {
        let isFork = world.chance(50)
        let start = now + world.int(.minute...(3 * .hour))
        var next = ClaudeSession(world, project, at: start, family: family)
        next.cached = cached
        for var row in transcript.rows {
            if isFork, let index = row.firstIndex(where: { $0.name == "sessionId" }) {
                row[index].value = .string(next.session)
            }
            next.transcript.put(row)
            if let tokens = Tokens(row: .object(row)) { world.truth.told(tokens) }
        }
        next.hooks.sessionBegan(source: isFork ? "fork" : "resume", at: start)
        next.work()
        world.truth.count(isFork ? "forks" : "resumed")
    }
}

extension Tokens {
    /// What a row tells; nil when it tells none.
    fileprivate init?(row: JSON) {
        guard let usage = row["message"]?["usage"] else { return nil }
        func count(_ json: JSON?) -> Int64 { json?.int ?? 0 }
        let writes = usage["cache_creation"]
        self.init(
            input: count(usage["input_tokens"]),
            write5m: count(writes?["ephemeral_5m_input_tokens"]),
            write1h: count(writes?["ephemeral_1h_input_tokens"]),
            read: count(usage["cache_read_input_tokens"]), output: count(usage["output_tokens"]))
    }
}
