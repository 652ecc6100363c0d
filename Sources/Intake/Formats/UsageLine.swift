internal import QuipuModel

extension LineFormat {
    /// One model call on one line: `{"usage":"MODEL",…}` as programs send it, and the cost log of
    /// hooks, which names the model `model`.
    static let usage = LineFormat(
        recognizes: { document, _ in
            if document.text(.usage) != nil {
                return document.index(.inputTokens) != nil || document.index(.outputTokens) != nil
                    || UsageLine.others.contains { document.members.place(of: $0) != nil }
            }
            return document[.inputTokens]?.numberValue != nil
                && document[.outputTokens]?.numberValue != nil && document.index(.model) != nil
                && document.index(.uuid) == nil && document.index(.tool) == nil
        },
        read: { $0.takeUsageLine($1) })
}

private enum UsageLine {
    /// Members of which a usage without input and output must have one.
    static let others: [StaticString] = [
        "cost_usd", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    ]
    static let cacheRead: [StaticString] = ["cache_read_tokens", "cache_read_input_tokens"]
    static let cacheWrite5m: [StaticString] = [
        "cache_write_5m_tokens", "cache_creation_tokens", "cache_creation_input_tokens",
    ]
    static let cacheWrite1h: [StaticString] = ["cache_write_1h_tokens"]
    static let cost: [StaticString] = ["cost_usd", "estimated_cost_usd", "cost", "total_cost_usd"]
}

extension LineDecoder {
    /// Why a line that says it is a model call is none that could be counted: what cannot be read
    /// would be 0, and limits of spending would not see it.
    var usageProblem: RejectReason? {
        guard document.text(.usage) != nil else { return nil }
        let counts = [
            document[.inputTokens], document[.outputTokens], first(UsageLine.cacheRead),
            first(UsageLine.cacheWrite5m), first(UsageLine.cacheWrite1h),
        ]
        let areCounts = counts.allSatisfy { $0 == nil || $0?.count != nil }
        let cost = first(UsageLine.cost)
        return areCounts && (cost == nil || cost?.cost != nil) ? nil : .valueInvalid
    }

    fileprivate mutating func takeUsageLine(_ place: LinePlace) {
        var records = LineRecords(place)
        let source = place.origin.context
        if let time = document[.time]?.time(in: zone) {
            records.event.time = time
            records.event.timeIsArrival = false
        }
        records.event.session = builder.session(plain(.session), or: source)
        records.event.task = builder.column(plain(.task), .task)
        let model = document.text(.usage) ?? document.text(.model)
        records.event.context.model = builder.column(model, .model)
        records.event.context.project = builder.column(plain(.project), .project)
        records.event.context.branch = builder.column(plain(.branch), .branch)
        records.event.context.agentID = builder.column(plain(.agentID), .agentID)
        records.event.context.user = builder.column(plain(.user), .user)
        builder.complete(&records.event.context, from: source)
        var usage = UsageRecord()
        usage.messageID = builder.column(first(["id", "message_id"])?.nonEmptyText)
        usage.requestID = builder.column(first(["request_id", "requestId"])?.nonEmptyText)
        usage.requestType = builder.column(plain(.requestType), .requestType)
        usage.tokens.input = document[.inputTokens]?.count ?? 0
        usage.tokens.output = document[.outputTokens]?.count ?? 0
        usage.tokens.cacheRead = first(UsageLine.cacheRead)?.count ?? 0
        usage.tokens.cacheWrite5m = first(UsageLine.cacheWrite5m)?.count ?? 0
        usage.tokens.cacheWrite1h = first(UsageLine.cacheWrite1h)?.count ?? 0
        usage.statedCostUSD = first(UsageLine.cost)?.cost
        usage.isFinal = true
        usage.isFast = first(["speed"])?.stringText?.equals("fast") == true
        usage.isBatch = first(["service_tier"])?.stringText?.equals("batch") == true
        records.add(usage, to: &builder)
    }

    /// The text of the member that has a role; a number as it stands in the line.
    private func plain(_ role: Role) -> Bytes? {
        guard let member = document[role] else { return nil }
        return member.nonEmptyText
            ?? (member.numberValue == nil ? nil : document.valueText(member))
    }

    private func first(_ names: [StaticString]) -> Member? {
        for name in names {
            if let member = document.members[name] { return member }
        }
        return nil
    }
}
