internal import CSimdJSON
internal import QuipuModel

extension LineFormat {
    /// Rows of `~/.claude/projects/**/*.jsonl`, also copied elsewhere.
    static let claudeTranscript = LineFormat(
        recognizes: { document, context in
            guard document.text(.type) != nil, document.text(.hook) == nil else { return false }
            return context.writer == .claude || document.index(.uuid) != nil
                || document[.message]?.isObject == true
                || document.index(named: "sessionId") != nil
        },
        read: { $0.takeTranscriptRow($1) })
}

extension LineDecoder {
    fileprivate mutating func takeTranscriptRow(_ place: LinePlace) {
        guard let type = document.text(.type) else { return builder.countBlank() }
        let attachment = document.index(named: "attachment").flatMap { document.children(of: $0) }
        if TranscriptPrefilter.isSilent(type: type, attachment: attachment?.text("type")) {
            return builder.countBlank()
        }
        var records = LineRecords(place)
        readRow(&records.event, place)
        if type.equals("assistant") {
            takeAssistantRow(&records)
        } else if type.equals("user") {
            takeUserRow(&records)
        } else if type.equals("system") {
            takeSystemRow(&records)
        } else if attachment != nil {
            takeHookRun(&records)
        } else if let title = document.sessionTitle {
            document.place("summary", "title", "aiTitle", "customTitle")
            var event = records.event
            event.kind = builder.literal("session_title")
            event.name = builder.append(text: title, to: .name)
            addWhole(event, &records)
        } else {
            var event = records.event
            event.kind = builder.appendKind(type)
            event.name = builder.column(document.text(.subtype), .name)
            addWhole(event, &records)
        }
        builder.extras.removeAll(keepingCapacity: true)
    }

    /// What rows of all types have in common.
    private mutating func readRow(_ event: inout EventRecord, _ place: LinePlace) {
        let source = place.origin.context
        if let index = document.index(.time), let time = document.members[index].time(in: zone) {
            event.time = time
            event.timeIsArrival = false
            document.places[index] = .column
        }
        event.session = builder.session(document.text(.session), or: source)
        event.agent = builder.column(document.text(.agent), .agent)
        event.context.project = builder.column(document.text(.project), .project)
        event.context.branch = builder.column(document.text(.branch), .branch)
        event.context.agentID = builder.column(document.text(.agentID), .agentID)
        builder.complete(&event.context, from: source)
        for role in [Role.type, .session, .agent, .project, .branch, .agentID, .uuid] {
            if let index = document.index(role) { document.places[index] = .column }
        }
        document.place(
            "parentUuid", "logicalParentUuid", "session_id", "isSidechain", "userType",
            "entrypoint", "version", "slug", "requestId", "sourceToolAssistantUUID", "costUSD")
    }

    /// Adds an event that a row tells as a whole, with all its members that no column holds.
    private mutating func addWhole(_ event: EventRecord, _ records: inout LineRecords) {
        var event = event
        if let uuid = document.text(.uuid) { event.identity = builder.append(text: uuid) }
        if let time = document[.time], !event.timeIsArrival {
            builder.keepTimeText(time, document)
        }
        (event.attributes, event.payload) = builder.appendMembers(of: &document, merging: nil)
        records.add(event, to: &builder)
    }

    // MARK: Assistant

    private mutating func takeAssistantRow(_ records: inout LineRecords) {
        guard let index = document.index(.message), let message = document.children(of: index)
        else { return addPlain("assistant", &records) }
        document.places[index] = .column
        let model = message.text("model")
        let isSynthetic = model?.equals("<synthetic>") == true
        records.event.context.model = isSynthetic ? .none : builder.column(model, .model)
        let usage = readUsage(message)
        let isError =
            document.index(named: "isApiErrorMessage")
            .map { document.members[$0].boolValue == true } ?? false
        let blocks = message.place(of: "content").flatMap { document.children(of: $0, level: 1) }
        let spoken = blocks.map { readSpeech($0, of: message) } ?? Speech()
        if spoken.isEmpty == false || spoken.calls == 0 {
            var event = records.event
            event.kind = builder.literal(isError ? "api_error" : "assistant")
            if isError {
                event.status = .error
                event.name = builder.column(document.text(.error), .name)
                event.error = builder.column(spoken.text ?? document.text(.error))
                document.place("isApiErrorMessage", "error")
            }
            addExtra("stop_reason", message["stop_reason"])
            addExtra("message_id", message["id"])
            addWhole(event, &records)
        }
        if let blocks, spoken.calls > 0 {
            let id = message["id"].map {
                builder.appendShared("message_id", document.valueText($0))
            }
            for place in blocks.indices where blocks[place].isObject {
                guard let block = document.children(of: place, level: 2),
                    block.text("type")?.hasSuffix("tool_use") == true
                else { continue }
                addCall(block, shared: id ?? .none, &records)
            }
        }
        if let usage { records.add(usage, to: &builder) }
    }

    private struct Speech {
        var text: Bytes?
        var isEmpty = true
        var calls = 0
    }

    /// Puts what the model said and thought into `extras`, and counts its calls of tools.
    private mutating func readSpeech(_ blocks: Members, of message: Members) -> Speech {
        var speech = Speech()
        var texts = 0
        for place in blocks.indices where blocks[place].isObject {
            guard let block = document.children(of: place, level: 2), let type = block.text("type")
            else { continue }
            if type.hasSuffix("tool_use") {
                speech.calls += 1
            } else if type.equals("text"), let member = block["text"] {
                texts += 1
                speech.isEmpty = false
                guard speech.text == nil else { continue }
                speech.text = member.nonEmptyText
                addExtra("text", member)
            } else if type.equals("thinking"), let text = block["thinking"]?.nonEmptyText,
                !text.isEmpty
            {
                speech.isEmpty = false
                addExtra("thinking", block["thinking"], isLarge: true)
            }
        }
        // Rows of several texts are rare; then all of it stays as it is.
        if texts > 1 { addExtra("content", message["content"], isLarge: true) }
        return speech
    }

    private mutating func addExtra(
        _ name: StaticString, _ member: Member?, isLarge: Bool = false
    ) {
        guard let member else { return }
        let isThere = builder.extras.contains { $0.name.utf8Start == name.utf8Start }
        if isThere { return }
        builder.extras.append(
            ExtraMember(name: name, value: document.valueText(member), isLarge: isLarge))
    }

    /// The opening half of a tool call. Its attributes are those of all calls of the row.
    private mutating func addCall(
        _ block: Members, shared: Slice, _ records: inout LineRecords
    ) {
        var event = records.event
        event.kind = builder.literal("tool_use")
        event.half = .opening
        event.status = .running
        event.name = builder.column(block.text("name"), .name)
        event.toolUseID = builder.column(block.text("id"))
        builder.extras.removeAll(keepingCapacity: true)
        if let index = block.place(of: "input") {
            addExtra("tool_input", block[index], isLarge: true)
            if let tool = block.text("name"), case let access = FileTool.access(of: tool),
                access != .none, let path = document.children(of: index, level: 3)?.filePath
            {
                event.access = access
                event.path = builder.append(text: path)
            }
        }
        event.attributes = shared
        event.payload = builder.appendExtras().payload
        records.add(event, to: &builder)
    }

    /// What the row says of the model call's usage.
    private mutating func readUsage(_ message: Members) -> UsageRecord? {
        guard let index = message.place(of: "usage"),
            let members = document.children(of: index, level: 1), !members.isEmpty
        else { return nil }
        var usage = UsageRecord()
        usage.tokens.input = members.count("input_tokens")
        usage.tokens.output = members.count("output_tokens")
        usage.tokens.cacheRead = members.count("cache_read_input_tokens")
        usage.isFast = members.text("speed")?.equals("fast") == true
        usage.isBatch = members.text("service_tier")?.equals("batch") == true
        let written = members.count("cache_creation_input_tokens")
        usage.tokens.cacheWrite5m = written
        if let place = members.place(of: "cache_creation"),
            let split = document.children(of: place, level: 2)
        {
            usage.tokens.splitCacheWrite(
                total: members["cache_creation_input_tokens"] == nil ? nil : written,
                for5m: split.count("ephemeral_5m_input_tokens"),
                for1h: split.count("ephemeral_1h_input_tokens"))
        }
        usage.messageID = builder.column(message.text("id"))
        usage.requestID = builder.column(
            document.index(named: "requestId").flatMap { document.members[$0].nonEmptyText })
        usage.isFinal = message["stop_reason"] != nil
        usage.isSidechain = document.isTrue("isSidechain")
        usage.isSynthetic = message.text("model")?.equals("<synthetic>") == true
        if let cost = document.index(named: "costUSD") {
            usage.statedCostUSD = document.members[cost].cost
        }
        return usage
    }

    // MARK: User

    private mutating func takeUserRow(_ records: inout LineRecords) {
        guard let index = document.index(.message), let message = document.children(of: index),
            let content = message.place(of: "content")
        else { return addPlain("user", &records) }
        document.places[index] = .column
        var text = message[content].nonEmptyText
        if text != nil {
            addExtra("prompt", message[content])
        } else if let blocks = document.children(of: content, level: 1) {
            text = takeResults(blocks, &records)
        }
        guard records.isEmpty else { return }
        document.place("toolUseResult")
        var event = records.event
        // What a subagent is told was written by the one that started it.
        let isPrompt =
            text.map(TranscriptText.isPrompt) == true && !document.isTrue("isMeta")
            && !document.isTrue("isCompactSummary") && !document.isTrue("isSidechain")
        event.kind = builder.literal(isPrompt ? "prompt" : "user")
        addWhole(event, &records)
    }

    /// Adds the closing halves of tool calls; the first text goes to `extras` and is returned.
    private mutating func takeResults(
        _ blocks: Members, _ records: inout LineRecords
    ) -> Bytes? {
        var text: Bytes?
        let isAlone = blocks.count == 1
        for place in blocks.indices where blocks[place].isObject {
            guard let block = document.children(of: place, level: 2), let type = block.text("type")
            else { continue }
            if type.hasSuffix("tool_result") {
                addResult(block, isAlone: isAlone, &records)
            } else if type.equals("text"), text == nil, let member = block["text"] {
                text = member.nonEmptyText
                addExtra("prompt", member)
            }
        }
        return text
    }

    /// The closing half of a tool call.
    private mutating func addResult(
        _ block: Members, isAlone: Bool, _ records: inout LineRecords
    ) {
        var event = records.event
        event.kind = builder.literal("tool_use")
        event.half = .closing
        event.status = block["is_error"]?.boolValue == true ? .error : .ok
        event.toolUseID = builder.column(block.text("tool_use_id"))
        let content = block.place(of: "content")
        if event.status == .error, let content {
            event.error = builder.column(resultText(block, content))
        }
        builder.extras.removeAll(keepingCapacity: true)
        var response = content.map { block[$0] }
        if isAlone, let index = document.index(named: "toolUseResult"),
            document.members[index].valueKind != QUIPU_JSON_NULL
        {
            response = document.members[index]
            readToolResult(index, &event)
        }
        addExtra("tool_response", response, isLarge: true)
        (event.attributes, event.payload) = builder.appendExtras()
        records.add(event, to: &builder)
    }

    /// The text of a result, which is a string or begins a list of blocks.
    private func resultText(_ block: Members, _ index: Int) -> Bytes? {
        if let text = block[index].nonEmptyText { return text }
        guard let parts = document.children(of: index, level: 3), let first = parts.first,
            first.isObject
        else { return nil }
        return document.children(of: 0, level: 4)?.text("text")
    }

    /// What the client keeps of a tool's result for itself.
    private func readToolResult(_ index: Int, _ event: inout EventRecord) {
        if let text = document.members[index].stringText {
            if text.equals("User rejected tool use") { event.status = .blocked }
            return
        }
        // The lists of the row's content end here.
        guard document.members[index].isObject,
            let result = document.children(of: index)
        else { return }
        for name in ["durationMs", "totalDurationMs", "duration_ms"] as [StaticString] {
            if let duration = result[name]?.microseconds {
                event.durationMicroseconds = duration
                break
            }
        }
        if result["interrupted"]?.boolValue == true { event.status = .error }
    }

    // MARK: Everything else

    private mutating func takeSystemRow(_ records: inout LineRecords) {
        var event = records.event
        let subtype = document.text(.subtype)
        document.place("subtype", "durationMs", "isMeta")
        event.durationMicroseconds =
            document.index(named: "durationMs").flatMap { document.members[$0].microseconds } ?? -1
        if subtype?.equals("turn_duration") == true {
            event.kind = builder.literal("turn")
        } else if subtype?.equals("compact_boundary") == true {
            event.kind = builder.literal("compact")
            let facts = document.index(named: "compactMetadata").flatMap {
                document.children(of: $0)
            }
            event.name = builder.column(facts?.text("trigger"), .name)
            event.durationMicroseconds = facts?["durationMs"]?.microseconds ?? -1
        } else if subtype?.equals("api_error") == true {
            event.kind = builder.literal("api_error")
            event.status = .error
            event.error = builder.column(apiErrorText())
        } else if let subtype {
            event.kind = builder.appendKind(subtype)
        } else {
            event.kind = builder.literal("system")
        }
        addWhole(event, &records)
    }

    /// The error of a row of that type: a text, or an object with one somewhere inside.
    private func apiErrorText() -> Bytes? {
        guard let index = document.index(.error) else { return nil }
        if let text = document.members[index].nonEmptyText { return text }
        var level = 0
        var place = index
        while level < 4, let members = document.children(of: place, level: level) {
            if let text = members.text("message") { return text }
            guard let inner = members.place(of: "error") else { return nil }
            if let text = members[inner].nonEmptyText { return text }
            place = inner
            level += 1
        }
        return nil
    }

    /// A run of a hook, as the client writes it down.
    private mutating func takeHookRun(_ records: inout LineRecords) {
        guard let index = document.index(named: "attachment"),
            let attachment = document.children(of: index)
        else { return addPlain("attachment", &records) }
        var event = records.event
        event.kind = builder.literal("hook")
        event.name = builder.column(
            attachment.text("hookName") ?? attachment.text("hookEvent"), .name)
        event.toolUseID = builder.column(attachment.text("toolUseID"))
        event.durationMicroseconds = attachment["durationMs"]?.microseconds ?? -1
        if let type = attachment.text("type") {
            event.status =
                type.equals("hook_blocking_error")
                ? .blocked : type.hasSuffix("_error") ? .error : .ok
            if event.status != .ok {
                event.error = builder.column(
                    attachment.text("stderr") ?? attachment.text("content"))
            }
        }
        if let uuid = document.text(.uuid) { event.identity = builder.append(text: uuid) }
        (event.attributes, event.payload) = builder.appendMembers(of: &document, merging: index)
        records.add(event, to: &builder)
    }

    private mutating func addPlain(_ kind: StaticString, _ records: inout LineRecords) {
        var event = records.event
        event.kind = builder.literal(kind)
        addWhole(event, &records)
    }
}

/// Texts that stand where people's prompts do.
enum TranscriptText {
    /// Not what the client puts there: commands, their output, notices.
    static func isPrompt(_ text: Bytes) -> Bool {
        !text.hasPrefix("<command-") && !text.hasPrefix("<local-command-")
            && !text.hasPrefix("<bash-") && !text.hasPrefix("<task-notification>")
            && !text.hasPrefix("<system-reminder>") && !text.hasPrefix("[Request interrupted")
            && !text.hasPrefix("Caveat: The messages below were generated")
    }
}

extension JSONDocument {
    fileprivate var sessionTitle: Bytes? {
        guard let type = text(.type),
            type.equals("summary") || type.hasSuffix("-title")
        else { return nil }
        for name in ["summary", "title", "aiTitle", "customTitle"] as [StaticString] {
            if let index = index(named: name), let text = members[index].nonEmptyText {
                return text
            }
        }
        return nil
    }

    fileprivate func isTrue(_ name: StaticString) -> Bool {
        index(named: name).map { members[$0].boolValue == true } ?? false
    }

    /// Leaves members out of the attributes.
    mutating func place(_ names: StaticString...) {
        for index in members.indices
        where places[index] == .attributes
            && names.contains(where: { members[index].nameBytes.equals($0) })
        {
            places[index] = .column
        }
    }
}

extension TokenCounts {
    /// Splits what was written to the cache. Parts that do not add up to a known total yield to it.
    mutating func splitCacheWrite(total: Int64?, for5m: Int64, for1h: Int64) {
        let total = total ?? (for5m + for1h)
        cacheWrite1h = min(for1h, total)
        cacheWrite5m = total - cacheWrite1h
    }
}

extension Member {
    /// US dollars; nil when the member is none.
    var cost: Double? {
        guard let value = numberValue, value.isFinite, value >= 0 else { return nil }
        return value
    }
}
