import QuipuProtocol

/// Model calls in sum.
struct UsageSum {
    var requests: Int64 = 0
    var tokens = Tokens()
    var costNanoUSD: Int64 = 0
    var unpricedRequests: Int64 = 0

    var json: JSON {
        [
            "requests": .int(requests),
            "tokens": [
                "input": .int(tokens.input), "cache_write_5m": .int(tokens.write5m),
                "cache_write_1h": .int(tokens.write1h), "cache_read": .int(tokens.read),
                "output": .int(tokens.output),
            ],
            "cost_nano_usd": .int(costNanoUSD), "unpriced_requests": .int(unpricedRequests),
        ]
    }

    mutating func add(_ call: UsageTold) {
        requests += 1
        tokens = tokens + call.tokens
        if let cost = call.tokens.costNanoUSD(model: call.model, isFast: call.isFast) {
            costNanoUSD += cost
        } else {
            unpricedRequests += 1
        }
    }
}

/// One model call as it really was.
struct UsageTold {
    var session: String
    var family: String
    var project: String
    var model: String
    var moment: Moment
    var tokens: Tokens
    var isFast = false
}

/// Tool calls in sum.
struct CallSum {
    var count: Int64 = 0
    var byStatus: [String: Int64] = [:]

    var json: JSON {
        .object(
            [JSON.Member("count", .int(count))]
                + ["ok", "error", "blocked", "running"].map {
                    JSON.Member($0, .int(byStatus[$0, default: 0]))
                })
    }
}

/// One tool call as it really was.
struct CallTold {
    var session: String
    var project: String
    var tool: String
    var status: String
    var category: String?
    var moment: Moment
    var path: String?
    var access: String?
}

/// A file and what tools did to it.
struct FileSum {
    var reads: Int64 = 0
    var writes: Int64 = 0
    var edits: Int64 = 0
    var sessions: Set<String> = []

    var json: JSON {
        [
            "reads": .int(reads), "writes": .int(writes), "edits": .int(edits),
            "sessions": .int(Int64(sessions.count)),
        ]
    }
}

struct SessionSum {
    var project: String
    var family: String
    var agent: String
    var first: Moment
    var last: Moment
    var prompts: Int64 = 0
    var calls = CallSum()
    var tools: [String: Int64] = [:]
    var usage = UsageSum()

    var json: JSON {
        [
            "project": .string(project), "family": .string(family), "agent": .string(agent),
            "first": .string(first.rfc3339), "last": .string(last.rfc3339),
            "prompts": .int(prompts), "calls": calls.json, "usage": usage.json,
            "tools": .object(
                tools.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .int($0.value)) }),
        ]
    }
}

/// What really happened, counted as it is made and not as it is logged.
struct Truth {
    let zone: Zone
    private(set) var sessions: [String: SessionSum] = [:]
    private(set) var usage = UsageSum()
    /// What a reader gets that adds up every row that tells a usage.
    private(set) var naive = Tokens()
    private var usageBy: [String: [String: UsageSum]] = [:]
    private var tools: [String: CallSum] = [:]
    private var callsByProject: [String: CallSum] = [:]
    private var callsByDay: [String: CallSum] = [:]
    private var promptsByDay: [String: Int64] = [:]
    private var categories: [String: Int64] = [:]
    private var files: [String: FileSum] = [:]
    private var tasks: [String: String] = [:]
    private var other: [String: Int64] = [:]

    init(zone: Zone) { self.zone = zone }

    mutating func began(
        _ session: String, family: String, project: String, agent: String, at moment: Moment
    ) {
        sessions[session] = SessionSum(
            project: project, family: family, agent: agent, first: moment, last: moment)
    }

    /// Something of the session was logged.
    mutating func saw(_ session: String, at moment: Moment) {
        guard var sum = sessions[session] else { return }
        sum.first = min(sum.first, moment)
        sum.last = max(sum.last, moment)
        sessions[session] = sum
    }

    mutating func prompt(_ session: String, at moment: Moment) {
        saw(session, at: moment)
        sessions[session]?.prompts += 1
        promptsByDay[zone.date(of: moment), default: 0] += 1
    }

    mutating func called(_ call: CallTold) {
        saw(call.session, at: call.moment)
        func count(_ sum: inout CallSum) {
            sum.count += 1
            sum.byStatus[call.status, default: 0] += 1
        }
        count(&tools[call.tool, default: CallSum()])
        count(&callsByProject[call.project, default: CallSum()])
        count(&callsByDay[zone.date(of: call.moment), default: CallSum()])
        if var session = sessions[call.session] {
            count(&session.calls)
            session.tools[call.tool, default: 0] += 1
            sessions[call.session] = session
        }
        if let category = call.category { categories[category, default: 0] += 1 }
        guard let path = call.path else { return }
        var file = files[path, default: FileSum()]
        switch call.access {
        case "read": file.reads += 1
        case "write": file.writes += 1
        default: file.edits += 1
        }
        file.sessions.insert(call.session)
        files[path] = file
    }

    mutating func used(_ call: UsageTold) {
        saw(call.session, at: call.moment)
        usage.add(call)
        sessions[call.session]?.usage.add(call)
        let keys = [
            "model": call.model, "project": call.project, "family": call.family,
            "day": zone.date(of: call.moment),
        ]
        for (name, key) in keys {
            usageBy[name, default: [:]][key, default: UsageSum()].add(call)
        }
    }

    /// A row tells these tokens, whether or not another one does.
    mutating func told(_ tokens: Tokens) { naive = naive + tokens }

    mutating func task(_ id: String, _ status: String) { tasks[id] = status }

    mutating func count(_ what: String) { other[what, default: 0] += 1 }
}

extension Truth {
    func json(_ facts: [JSON.Member]) -> JSON {
        let all = tools.values.reduce(into: CallSum()) { sum, tool in
            sum.count += tool.count
            sum.byStatus.merge(tool.byStatus, uniquingKeysWith: +)
        }
        var byStatus: [String: Int64] = [:]
        for status in tasks.values { byStatus[status, default: 0] += 1 }
        let members: [JSON.Member] = [
            JSON.Member("zone", .string(zone.name)),
            JSON.Member("calls", all.json),
            JSON.Member("tools", Truth.object(tools, \.json)),
            JSON.Member("calls_by_project", Truth.object(callsByProject, \.json)),
            JSON.Member("calls_by_day", Truth.object(callsByDay, \.json)),
            JSON.Member("prompts_by_day", Truth.object(promptsByDay, JSON.int)),
            JSON.Member("error_categories", Truth.object(categories, JSON.int)),
            JSON.Member("usage", usage.json),
            JSON.Member(
                "usage_naive",
                [
                    "input": .int(naive.input), "cache_write_5m": .int(naive.write5m),
                    "cache_write_1h": .int(naive.write1h), "cache_read": .int(naive.read),
                    "output": .int(naive.output),
                ]),
            JSON.Member("usage_by", Truth.object(usageBy) { Truth.object($0, \.json) }),
            JSON.Member("sessions", Truth.object(sessions, \.json)),
            JSON.Member("tasks_by_status", Truth.object(byStatus, JSON.int)),
            JSON.Member("tasks", Truth.object(tasks, JSON.string)),
            JSON.Member("files", Truth.object(files, \.json)),
            JSON.Member("other", Truth.object(other, JSON.int)),
        ]
        return .object(facts + members)
    }

    private static func object<Value>(
        _ values: [String: Value], _ json: (Value) -> JSON
    ) -> JSON {
        .object(values.sorted { $0.key < $1.key }.map { JSON.Member($0.key, json($0.value)) })
    }
}
