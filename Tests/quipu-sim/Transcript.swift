import QuipuProtocol

/// Writes rows of a transcript as Claude Code does.
struct Transcript {
    let world: World
    let project: Project
    let path: String
    var session: String
    let branch: String
    var agent: Subagent?
    private(set) var rows: [[JSON.Member]] = []
    private var parent: String?

    init(
        _ world: World, _ project: Project, session: String, branch: String,
        agent: Subagent? = nil
    ) {
        self.world = world
        self.project = project
        self.session = session
        self.branch = branch
        self.agent = agent
        let folder = "claude/projects/\(project.slug)/\(session)"
        path = agent.map { "\(folder)/subagents/agent-\($0.id).jsonl" } ?? folder + ".jsonl"
    }

    mutating func add(_ type: String, at moment: Moment, _ more: [JSON.Member]) {
        let uuid = world.uuid()
        var members: [JSON.Member] = [
            .init("parentUuid", .optional(parent)), .init("isSidechain", .bool(agent != nil)),
        ]
        if let agent { members.append(.init("agentId", .string(agent.id))) }
        members += [
            .init("userType", "external"), .init("cwd", .string(project.directory)),
            .init("sessionId", .string(session)), .init("version", "2.1.212"),
            .init("gitBranch", .string(branch)), .init("type", .string(type)),
        ]
        members += more
        members += [
            .init("uuid", .string(uuid)), .init("timestamp", .string(moment.rfc3339)),
        ]
        parent = uuid
        put(members)
    }

    /// A row as it stands, also one that was copied.
    mutating func put(_ members: [JSON.Member]) {
        rows.append(members)
        world.files.line(path, .object(members))
    }

    mutating func addPrompt(_ text: String, at moment: Moment) {
        add(
            "user", at: moment,
            [.init("message", ["role": "user", "content": .string(text)])])
    }

    mutating func addResult(_ call: PlannedCall, at moment: Moment) {
        guard call.status != "running" else { return }
        let isError = call.status != "ok"
        let text =
            call.error
            ?? (call.status == "blocked" ? "Permission to use it was denied." : call.text)
        let block: JSON = [
            "tool_use_id": .string(call.id), "type": "tool_result", "content": .string(text),
            "is_error": .bool(isError),
        ]
        add(
            "user", at: moment,
            [
                .init("message", ["role": "user", "content": [block]]),
                .init("toolUseResult", isError ? .string("Error: " + text) : call.output),
            ])
    }

    /// One model call: a row for each block of content, each of which repeats the usage as far as
    /// it was known.
    mutating func addModelCall(_ call: ModelCall, at moment: Moment) {
        for (index, block) in call.blocks.enumerated() {
            let isLast = index == call.blocks.count - 1
            var told = call.tokens
            if !isLast { told.output = min(told.output, Int64(index + 1) * 3) }
            if !isLast, call.startsLarge { (told.input, told.read) = (told.input + told.read, 0) }
            world.truth.told(told)
            var message: [JSON.Member] = [
                .init("model", .string(call.model)), .init("id", .string(call.messageID)),
                .init("type", "message"), .init("role", "assistant"),
                .init("content", [block]),
                .init("stop_reason", isLast ? .string(call.stopReason) : .null),
                .init("stop_sequence", .null),
            ]
            message.append(.init("usage", Transcript.usage(told, isFast: call.isFast)))
            var more = [JSON.Member("message", .object(message))]
            if let request = call.requestID {
                more.append(.init("requestId", .string(request)))
            }
            add("assistant", at: moment + Int64(index) * 400, more)
        }
    }

    private static func usage(_ tokens: Tokens, isFast: Bool) -> JSON {
        [
            "input_tokens": .int(tokens.input),
            "cache_creation_input_tokens": .int(tokens.write5m + tokens.write1h),
            "cache_read_input_tokens": .int(tokens.read),
            "cache_creation": [
                "ephemeral_5m_input_tokens": .int(tokens.write5m),
                "ephemeral_1h_input_tokens": .int(tokens.write1h),
            ],
            "output_tokens": .int(tokens.output), "service_tier": "standard",
            "speed": isFast ? "fast" : "standard",
        ]
    }

    /// A row that the client wrote by itself: no model was asked.
    mutating func addAPIError(at moment: Moment) {
        let usage = Transcript.usage(Tokens(), isFast: false)
        add(
            "assistant", at: moment,
            [
                .init(
                    "message",
                    [
                        "model": "<synthetic>", "id": .string(world.uuid()), "type": "message",
                        "role": "assistant", "stop_reason": "stop_sequence",
                        "content": [["type": "text", "text": "API Error: 529 overloaded"]],
                        "usage": usage,
                    ]),
                .init("isApiErrorMessage", true), .init("error", "server_error"),
            ])
        world.truth.count("api_error")
    }

    mutating func addTurnDuration(_ ms: Int64, at moment: Moment) {
        add(
            "system", at: moment,
            [.init("subtype", "turn_duration"), .init("durationMs", .int(ms))])
        world.truth.count("turn_duration")
    }

    mutating func addCompaction(at moment: Moment) {
        add(
            "system", at: moment,
            [
                .init("subtype", "compact_boundary"), .init("content", "Conversation compacted"),
                .init("compactMetadata", ["trigger": "auto", "preTokens": 155_000]),
            ])
        world.truth.count("compaction")
    }

    /// Rows that have no time and tell of no event.
    func addNoise() {
        world.files.line(
            path,
            [
                "type": "file-history-snapshot", "messageId": .string(world.uuid()),
                "snapshot": ["trackedFileBackups": [:]], "isSnapshotUpdate": false,
            ])
        world.files.line(
            path,
            ["type": "ai-title", "aiTitle": "A title", "sessionId": .string(session)])
    }
}

/// A call of a model before it is written.
struct ModelCall {
    var messageID: String
    var requestID: String?
    var model: String
    var tokens: Tokens
    var isFast: Bool
    /// The first rows hold cache reads as plain input, as some gateways tell them.
    var startsLarge: Bool
    var stopReason: String
    var blocks: [JSON]
}
