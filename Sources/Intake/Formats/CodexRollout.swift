internal import CSimdJSON
internal import QuipuModel

extension LineFormat {
    /// Lines of `~/.codex/sessions/**/rollout-<time>-<session>.jsonl`: `{timestamp,type,payload}`.
    static let codexRollout = LineFormat(
        recognizes: { document, _ in
            guard document[.payload]?.isObject == true, document.index(.time) != nil,
                let type = document.text(.type)
            else { return false }
            return CodexRollout.types.contains { type.equals($0) }
        },
        read: { $0.takeRolloutLine($1) })
}

private enum CodexRollout {
    static let types: [StaticString] = [
        "session_meta", "turn_context", "response_item", "event_msg", "compacted",
    ]
    /// Said twice, or streamed, or not meant to be read.
    static let silent: [StaticString] = [
        "reasoning", "agent_reasoning", "agent_reasoning_delta", "agent_reasoning_raw_content",
        "agent_reasoning_section_break", "agent_message_delta", "exec_command_output_delta",
        "message", "ghost_snapshot", "item_started", "item_completed", "raw_response_item",
    ]
}

extension LineDecoder {
    fileprivate mutating func takeRolloutLine(_ place: LinePlace) {
        var records = LineRecords(place)
        let source = place.origin.context
        guard let index = document.index(.payload), let payload = document.children(of: index),
            let type = document.text(.type)
        else { return builder.countBlank() }
        if let time = document[.time]?.time(in: zone) {
            records.event.time = time
            records.event.timeIsArrival = false
        }
        let isMeta = type.equals("session_meta")
        // A fork's file begins with its parent's lines, which name the parent.
        let own = source.session.isEmpty && isMeta ? payload.text("id") : nil
        records.event.session = builder.session(own, or: source)
        builder.complete(&records.event.context, from: source)
        for role in [Role.time, .type] {
            if let place = document.index(role) { document.places[place] = .column }
        }
        if isMeta || type.equals("turn_context") {
            takeContext(payload, isMeta: isMeta, index, &records)
        } else if type.equals("event_msg") {
            takeEventMessage(payload, index, &records)
        } else if type.equals("response_item") {
            takeResponseItem(payload, &records)
        } else {
            addRollout("compact", index, &records)
        }
        builder.extras.removeAll(keepingCapacity: true)
        records.close(&builder)
    }

    /// The line's payload as an event's attributes.
    private mutating func addRollout(
        _ kind: StaticString?, _ index: Int, _ records: inout LineRecords
    ) {
        var event = records.event
        if let kind { event.kind = builder.literal(kind) }
        event.identity = identity(index)
        (event.attributes, event.payload) = builder.appendMembers(of: &document, merging: index)
        records.add(event, to: &builder)
    }

    private static let identityBytesMax = 256

    /// Rows have no ids; but copies, archived or in forks, tell the same at the same time.
    private mutating func identity(_ payload: Int) -> Slice {
        guard let index = document.index(.time), let time = document.members[index].stringText
        else { return .none }
        let start = builder.batch.bytes.count
        builder.write(time)
        let text = document.valueText(document.members[payload])
        builder.write(text.part(0, Swift.min(text.count, Self.identityBytesMax)))
        return Slice(offset: start, count: builder.batch.bytes.count - start)
    }

    /// Whether a session's own first line names it, and not the copy of its parent's.
    private func isOwn(_ id: Bytes, _ records: LineRecords) -> Bool {
        let session = records.event.session
        if session.isNone { return true }
        return builder.batch.bytes.withUnsafeBytes {
            $0.part(session.range.lowerBound, session.range.upperBound).equals(id)
        }
    }

    /// Lines that say of the session where it works, and with which model.
    private mutating func takeContext(
        _ payload: Members, isMeta: Bool, _ index: Int, _ records: inout LineRecords
    ) {
        if isMeta, let id = payload.text("id"), !isOwn(id, records) {
            var event = records.event
            event.kind = builder.literal("session")
            event.name = builder.literal("fork")
            event.context.parent = builder.append(text: id, to: .parent)
            return records.add(event, to: &builder)
        }
        records.event.context.project = builder.column(payload.text("cwd"), .project)
        records.event.context.model = builder.column(payload.text("model"), .model)
        records.event.context.parent = builder.column(payload.text("forked_from_id"), .parent)
        if isMeta { records.event.name = builder.literal("start") }
        if let place = payload.place(of: "git"),
            let git = document.children(of: place, level: 1)
        {
            records.event.context.branch = builder.column(git.text("branch"), .branch)
        }
        addRollout(isMeta ? "session" : "turn_context", index, &records)
    }

    private mutating func takeEventMessage(
        _ payload: Members, _ index: Int, _ records: inout LineRecords
    ) {
        guard let type = payload.text("type") else { return }
        if type.equals("token_count") {
            takeTokenCount(payload, &records)
        } else if type.equals("user_message") {
            addRollout("prompt", index, &records)
        } else if type.equals("agent_message") {
            addRollout("assistant", index, &records)
        } else if type.equals("error") || type.equals("stream_error") {
            records.event.status = .error
            records.event.error = builder.column(payload.text("message"))
            addRollout("api_error", index, &records)
        } else if type.equals("context_compacted") {
            addRollout("compact", index, &records)
        } else if !CodexRollout.silent.contains(where: { type.equals($0) }) {
            records.event.kind = builder.appendKind(type)
            addRollout(nil, index, &records)
        }
    }

    /// Sums over the session so far. Input that was read from the cache is part of the input, what
    /// was thought is part of the output.
    private mutating func takeTokenCount(_ payload: Members, _ records: inout LineRecords) {
        guard let info = payload.place(of: "info"),
            let figures = document.children(of: info, level: 1),
            let total = figures.place(of: "total_token_usage"),
            let tokens = document.children(of: total, level: 2)
        else { return }
        var usage = UsageRecord()
        let input = tokens.count("input_tokens")
        usage.tokens.cacheRead = Swift.min(tokens.count("cached_input_tokens"), input)
        usage.tokens.input = input - usage.tokens.cacheRead
        usage.tokens.output = tokens.count("output_tokens")
        usage.isCumulative = true
        usage.isFinal = true
        records.add(usage, to: &builder)
    }

    // MARK: Tools

    private mutating func takeResponseItem(_ payload: Members, _ records: inout LineRecords) {
        guard let type = payload.text("type") else { return }
        if type.hasSuffix("_call_output") {
            addOutput(payload, &records)
        } else if type.hasSuffix("_call") {
            addRolloutCall(payload, &records)
        }
    }

    private mutating func addRolloutCall(_ payload: Members, _ records: inout LineRecords) {
        var event = records.event
        event.kind = builder.literal("tool_use")
        event.half = .opening
        event.status = .running
        event.name = builder.column(payload.text("name") ?? payload.text("type"), .name)
        event.toolUseID = builder.column(payload.text("call_id") ?? payload.text("id"))
        let input = payload["arguments"] ?? payload["input"] ?? payload["action"]
        if let input {
            builder.extras.append(
                ExtraMember(name: "tool_input", value: document.valueText(input), isLarge: true))
        }
        (event.attributes, event.payload) = builder.appendExtras()
        records.add(event, to: &builder)
    }

    private mutating func addOutput(_ payload: Members, _ records: inout LineRecords) {
        var event = records.event
        event.kind = builder.literal("tool_use")
        event.half = .closing
        event.status = .ok
        event.toolUseID = builder.column(payload.text("call_id"))
        if let place = payload.place(of: "output") {
            let output = payload[place]
            if let text = output.stringText {
                let outcome = CodexOutput(text)
                event.durationMicroseconds = outcome.durationMicroseconds
                if outcome.exitCode != 0 {
                    event.status = .error
                    event.error = builder.append(text: text)
                }
            } else if document.children(of: place, level: 1)?["success"]?.boolValue == false {
                event.status = .error
            }
            builder.extras.append(
                ExtraMember(
                    name: "tool_response", value: document.valueText(output), isLarge: true))
        }
        (event.attributes, event.payload) = builder.appendExtras()
        records.add(event, to: &builder)
    }
}

/// What a command's output says of how it ended: lines before it (`Exit code: 1`, `Wall time: 0.2
/// seconds`), or the metadata of a JSON object.
struct CodexOutput {
    private(set) var exitCode = 0
    private(set) var durationMicroseconds: Int64 = -1

    init(_ text: Bytes) {
        if text.hasPrefix("Exit code: ") {
            exitCode = Int(CodexOutput.number(text, at: 11) ?? 0)
            let line = text.find(0x0a, from: 0) + 1
            if line < text.count, text.part(line, text.count).hasPrefix("Wall time: ") {
                take(seconds: CodexOutput.number(text, at: line + 11))
            }
        } else if text.hasPrefix("{\"output\":") {
            exitCode = Int(CodexOutput.member("\"exit_code\":", text) ?? 0)
            take(seconds: CodexOutput.member("\"duration_seconds\":", text))
        }
    }

    private mutating func take(seconds: Double?) {
        guard let seconds, seconds >= 0, seconds < 1e9 else { return }
        durationMicroseconds = Int64((seconds * 1e6).rounded())
    }

    /// The number behind the last such name.
    private static func member(_ name: StaticString, _ text: Bytes) -> Double? {
        // The metadata stands at the end, behind the output.
        var start = max(0, text.count - 200)
        var found: Double?
        while start < text.count {
            start = text.find(UInt8(ascii: "\""), from: start)
            guard start < text.count else { break }
            if text.part(start, text.count).hasPrefix(name) {
                found = number(text, at: start + name.utf8CodeUnitCount)
            }
            start += 1
        }
        return found
    }

    private static func number(_ text: Bytes, at start: Int) -> Double? {
        var end = start
        while end < text.count, text[end].isDigit || text[end] == 0x2e || text[end] == 0x2d {
            end += 1
        }
        let value = NumberText.parse(text.part(start, end))
        return abs(value) < 1e9 ? value : nil
    }
}
