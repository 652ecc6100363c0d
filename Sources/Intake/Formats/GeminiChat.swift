internal import CSimdJSON
internal import QuipuModel

extension LineFormat {
    /// `~/.gemini/tmp/*/chats/*.{json,jsonl}`: a whole chat with `messages`, or a message a line.
    static let geminiChat = LineFormat(
        recognizes: { document, context in
            if context.writer == .gemini { return true }
            if let type = document.text(.type) {
                return type.equals("gemini") && document[.tokens]?.isObject == true
            }
            return document.index(.session) != nil && document.index(named: "messages") != nil
                && document.index(named: "startTime") != nil
        },
        read: { $0.takeChat($1) })
}

extension LineDecoder {
    fileprivate mutating func takeChat(_ place: LinePlace) {
        var records = LineRecords(place)
        let source = place.origin.context
        builder.complete(&records.event.context, from: source)
        let messages = document.index(named: "messages").flatMap { index in
            document.members[index].isArray ? document.children(of: index) : nil
        }
        if let messages {
            records.event.session = builder.session(document.text(.session), or: source)
            for place in messages.indices where messages[place].isObject {
                if let message = document.children(of: place, level: 1) {
                    takeMessage(message, level: 2, &records)
                }
            }
        } else {
            records.event.session = builder.session(nil, or: source)
            if document.index(named: "startTime") != nil {
                takeHeader(&records)
            } else {
                takeMessage(document.members, level: 0, &records)
            }
        }
        builder.extras.removeAll(keepingCapacity: true)
        records.close(&builder)
    }

    /// What stands before the messages.
    private mutating func takeHeader(_ records: inout LineRecords) {
        var event = records.event
        event.kind = builder.literal("session")
        event.name = builder.literal("start")
        if let time = document.members["startTime"]?.time(in: zone) {
            event.time = time
            event.timeIsArrival = false
        }
        (event.attributes, event.payload) = builder.appendMembers(of: &document, merging: nil)
        records.add(event, to: &builder)
    }

    /// One message, whose members are the list at `level`.
    private mutating func takeMessage(
        _ message: Members, level: Int, _ records: inout LineRecords
    ) {
        guard let type = message.text("type") else { return }
        let chat = records.event
        defer { records.event = chat }
        if let time = message["timestamp"]?.time(in: zone) {
            records.event.time = time
            records.event.timeIsArrival = false
        }
        records.event.context.model = builder.column(message.text("model"), .model)
        var event = records.event
        event.identity = builder.column(message.text("id"))
        if type.equals("gemini") {
            event.kind = builder.literal("assistant")
        } else if type.equals("user") {
            event.kind = builder.literal("prompt")
        } else if type.equals("error") {
            event.kind = builder.literal("api_error")
            event.status = .error
            event.error = builder.column(message.text("content"))
        } else {
            event.kind = builder.appendKind(type)
        }
        builder.extras.removeAll(keepingCapacity: true)
        if let content = content(of: message, level: level) {
            builder.extras.append(
                ExtraMember(
                    name: type.equals("user") ? "prompt" : "text",
                    value: document.valueText(content)))
        }
        (event.attributes, event.payload) = builder.appendExtras()
        records.add(event, to: &builder)
        takeTokens(message, level: level, &records)
        if let place = message.place(of: "toolCalls"),
            let calls = document.children(of: place, level: level)
        {
            for place in calls.indices where calls[place].isObject {
                if let call = document.children(of: place, level: level + 1) {
                    takeCall(call, level: level + 2, &records)
                }
            }
        }
    }

    /// A message's text; the list of its parts where it has more than one.
    private func content(of message: Members, level: Int) -> Member? {
        guard let place = message.place(of: "content") else { return nil }
        guard let parts = document.children(of: place, level: level), parts.count == 1,
            let text = document.children(of: 0, level: level + 1)?["text"]
        else { return message[place] }
        return text
    }

    /// Input has what was read from the cache in it; thoughts are output.
    private mutating func takeTokens(
        _ message: Members, level: Int, _ records: inout LineRecords
    ) {
        guard let place = message.place(of: "tokens"),
            let tokens = document.children(of: place, level: level)
        else { return }
        var usage = UsageRecord()
        usage.messageID = builder.column(message.text("id"))
        let input = tokens.count("input")
        usage.tokens.cacheRead = Swift.min(tokens.count("cached"), input)
        usage.tokens.input = input - usage.tokens.cacheRead + tokens.count("tool")
        usage.tokens.output = tokens.count("output") + tokens.count("thoughts")
        usage.isFinal = true
        records.add(usage, to: &builder)
    }

    /// A call of a tool, which is told when it has ended.
    private mutating func takeCall(
        _ call: Members, level: Int, _ records: inout LineRecords
    ) {
        var event = records.event
        event.kind = builder.literal("tool_use")
        event.name = builder.column(call.text("name"), .name)
        event.toolUseID = builder.column(call.text("id"))
        let status = call.text("status")
        let access = call.text("name").map(FileTool.access) ?? .none
        if access != .none, let args = call.place(of: "args"),
            let path = document.children(of: args, level: level)?.filePath
        {
            event.access = access
            event.path = builder.append(text: path)
        }
        var opening = event
        opening.half = .opening
        opening.status = .running
        addCallHalf(opening, "tool_input", call["args"], &records)
        guard let status else { return }
        event.half = .closing
        if let time = call["timestamp"]?.time(in: zone) { event.time = time }
        event.status =
            status.equals("error") ? .error : status.equals("cancelled") ? .blocked : .ok
        if event.status == .error {
            event.error = builder.column(call.text("resultDisplay"))
        }
        addCallHalf(event, "tool_response", call["result"], &records)
    }

    private mutating func addCallHalf(
        _ half: EventRecord, _ name: StaticString, _ value: Member?, _ records: inout LineRecords
    ) {
        var event = half
        builder.extras.removeAll(keepingCapacity: true)
        if let value {
            builder.extras.append(
                ExtraMember(name: name, value: document.valueText(value), isLarge: true))
        }
        (event.attributes, event.payload) = builder.appendExtras()
        records.add(event, to: &builder)
    }
}
