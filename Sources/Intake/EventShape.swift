internal import QuipuModel

/// Who wrote a line, as far as it decides what its members mean.
enum EventShape {
    case hook(Hook)
    /// A hook that this version does not know, by the name in the line.
    case unknownHook(Bytes)
    /// One run of a hook, as DevStream logs it.
    case hookRun(EventStatus)
    /// An application's event: its `event` member.
    case application(Bytes)
    case log

    var isToolCall: Bool {
        if case .hook(let hook) = self, case .tool = hook.title { true } else { false }
    }

    init(_ document: JSONDocument, _ context: SourceContext) {
        if let name = document.text(.hookEvent) {
            self = Hook.known(name).map(EventShape.hook) ?? .unknownHook(name)
        } else if let status = EventShape.hookRunStatus(document) {
            self = .hookRun(status)
        } else if let name = document.text(.hook), let hook = Hook.known(name) {
            self = .hook(hook)
        } else if let name = document.text(.event) {
            self = EventShape.hook(event: name).map(EventShape.hook) ?? .application(name)
        } else if let hook = context.hook {
            self = .hook(hook)
        } else if let type = document.text(.type), let hook = Hook.known(type) {
            self = .hook(hook)
        } else if let hook = EventShape.toolCall(document) {
            self = .hook(hook)
        } else if let kind = TaskReader.kind(of: document) {
            self = .application(kind)
        } else {
            self = .log
        }
    }

    private static func hookRunStatus(_ document: JSONDocument) -> EventStatus? {
        guard let event = document.text(.event), event.hasPrefix("hook_") else { return nil }
        if event.equals("hook_start") { return .running }
        if event.equals("hook_success") { return .ok }
        if event.equals("hook_error") { return .error }
        return nil
    }

    private static func hook(event: Bytes) -> Hook? {
        if event.equals("tool_start") { return .toolStart }
        if event.equals("tool_complete") { return .toolEnd }
        return Hook.known(event)
    }

    /// A tool call that does not say which half of it this is.
    private static func toolCall(_ document: JSONDocument) -> Hook? {
        guard document.text(.tool) != nil else { return nil }
        if document.index(.result) != nil || document.index(.hasError) != nil
            || document.index(named: "output_length") != nil
        {
            return .toolEnd
        }
        return document.index(.input) != nil ? .toolStart : nil
    }
}
