internal import QuipuModel

/// Reads what a line says of a task besides the event that it is.
struct TaskReader {
    private let document: JSONDocument
    private let context: SourceContext
    private let zone: ZoneRules

    init(_ document: JSONDocument, _ context: SourceContext, zone: ZoneRules) {
        self.document = document
        self.context = context
        self.zone = zone
    }

    /// Every known member, in the order of preference within its field. Those of the line beat
    /// those in its `attributes`.
    private static let names: [(StaticString, TaskField)] = [
        ("name", .name), ("task_subject", .name), ("subject", .name), ("title", .name),
        ("description", .description), ("task_description", .description),
        ("user", .user), ("user_id", .user),
        ("model", .model),
        ("workspace", .workspace), ("cwd", .workspace),
        ("agent_type", .agentType), ("last_agent_type", .agentType),
        ("teammate_name", .agentType),
        ("phase", .phase), ("current_phase", .phase), ("phase_number", .phaseNumber),
        ("result", .result), ("error", .error), ("message", .message),
    ]

    private static let words: [(StaticString, TaskStatus)] = [
        ("pending", .pending), ("created", .pending), ("queued", .pending), ("todo", .pending),
        ("running", .running), ("started", .running), ("starting", .running),
        ("in_progress", .running), ("active", .running),
        ("completed", .completed), ("complete", .completed), ("done", .completed),
        ("ok", .completed), ("success", .completed), ("succeeded", .completed),
        ("failed", .failed), ("failure", .failed), ("error", .failed), ("errored", .failed),
        ("stopped", .stopped), ("cancelled", .stopped), ("canceled", .stopped),
        ("aborted", .stopped), ("killed", .stopped),
    ]

    /// `task` or `agent_status` for a row of the tables that an agent's dashboard keeps, which has
    /// no other mark.
    static func kind(of document: JSONDocument) -> Bytes? {
        guard document.index(named: "task_id") != nil, document.index(.tool) == nil,
            let status = document.text(.status)
        else { return nil }
        if document.index(named: "created_at") != nil, document.index(named: "description") != nil {
            return Bytes("task")
        }
        let isStatus = (["started", "tool_call", "completed", "failed"] as [StaticString])
            .contains { status.equals($0) }
        return isStatus && document.text(.message) != nil ? Bytes("agent_status") : nil
    }

    /// Adds the change to the batch. `event` is the line's, which has a task.
    func read(_ event: inout EventRecord, into builder: inout BatchBuilder) {
        var change = TaskChange()
        // The name of a status line is the status line's.
        let isNamed = event.kind.count == "task".utf8.count
        var ranks = InlineArray<12, Int>(repeating: .max)
        var times = Times()
        // The attributes first: what the line itself says replaces them.
        var status: Bytes?
        if let attributes = document.index(.attributes), document.members[attributes].isObject,
            let inner = document.children(of: attributes)
        {
            for member in inner where document.index(.status) == nil {
                if member.nameBytes.equals("status") { status = member.nonEmptyText }
            }
            for member in inner { take(member, isNamed, &change, &ranks, &times, &builder) }
        }
        ranks = InlineArray(repeating: .max)
        for member in document.members {
            take(member, isNamed, &change, &ranks, &times, &builder)
        }
        status = document.text(.status) ?? status
        if event.timeIsArrival, let time = times.updated ?? times.created {
            event.time = time
            event.timeIsArrival = false
        }
        change.lineOffset = event.lineOffset
        change.time = event.time
        change.created = times.created
        change.task = event.task
        change[.session] = event.session
        setStatus(of: &change, status)
        builder.batch.taskChanges.append(change)
    }

    private struct Times {
        var created: Timestamp?
        var updated: Timestamp?
    }

    private func take(
        _ member: Member, _ isNamed: Bool, _ change: inout TaskChange,
        _ ranks: inout InlineArray<12, Int>, _ times: inout Times, _ builder: inout BatchBuilder
    ) {
        let name = member.nameBytes
        if name.equals("created_at") || name.equals("created") {
            times.created = member.time(in: zone) ?? times.created
        } else if name.equals("updated_at") {
            times.updated = member.time(in: zone) ?? times.updated
        } else if let rank = Self.names.firstIndex(where: { name.equals($0.0) }) {
            let field = Self.names[rank].1
            guard rank <= ranks[field.rawValue], isNamed || field != .name,
                let text = text(of: member)
            else { return }
            ranks[field.rawValue] = rank
            change[field] = builder.append(
                text: text, bytesMax: Limits.taskTextBytesMax, isJSON: member.stringText == nil)
        }
    }

    /// Text as it is, everything else as the line has it; nil for what says nothing.
    private func text(of member: Member) -> Bytes? {
        if let text = member.stringText { return text.isEmpty ? nil : text }
        let isValue = member.numberValue != nil || member.isObject || member.isArray
        return isValue || member.boolValue != nil ? document.valueText(member) : nil
    }

    private func setStatus(of change: inout TaskChange, _ word: Bytes?) {
        if case .hook(let hook) = EventShape(document, context) {
            // Claude Code counts the tasks of each session from 1.
            change.isOfSession = document.text(.task)?.allSatisfy(\.isDigit) ?? true
            change.status = hook.status == .ok ? .completed : .pending
            return
        }
        guard let word else { return }
        if word.equals("tool_call") {
            change.status = .running
            change.statusIsImplied = true
        } else {
            change.status = Self.words.first { word.equalsIgnoringCase($0.0) }?.1
        }
    }
}

extension BatchBuilder {
    /// Whether an event tells of a task: its kind is `task` or `agent_status`, and it names one.
    @inline(__always)
    func isTaskLine(_ event: EventRecord) -> Bool {
        guard event.kind.count == 4 || event.kind.count == 12, !event.task.isNone else {
            return false
        }
        return batch.bytes.withUnsafeBytes {
            let kind = $0.part(event.kind.range.lowerBound, event.kind.range.upperBound)
            return kind.equals("task") || kind.equals("agent_status")
        }
    }
}
