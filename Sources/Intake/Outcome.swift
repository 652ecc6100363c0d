internal import CSimdJSON
internal import QuipuModel

/// What a line says about how things went. Only members count that exist to say it; never the word
/// "error" somewhere in a text.
struct Outcome {
    /// What the status member says.
    let word: EventStatus?
    let isBlocked: Bool
    let isSuccess: Bool
    /// The line itself says that it failed.
    let isError: Bool
    /// The tool's response says so.
    let responseIsError: Bool

    init(_ document: JSONDocument) {
        word = document.text(.status).flatMap(Outcome.status)
        isBlocked =
            word == .blocked || document[.isBlocked]?.boolValue == true
            || document.text(.decision).flatMap(Outcome.status) == .blocked
        isSuccess = document[.success]?.boolValue == true
        isError =
            document[.hasError]?.boolValue == true || document[.success]?.boolValue == false
            || document[.isInterrupt]?.boolValue == true
            || document[.error].map { Outcome.tellsError($0) } == true || word == .error
            || document[.exitCode].map { Outcome.isFailure(exitCode: $0) } == true
        responseIsError =
            document.index(.result).map { Outcome.isError(response: $0, document) } ?? false
    }

    private static func isError(response index: Int, _ document: JSONDocument) -> Bool {
        guard document.members[index].isObject, let children = document.children(of: index) else {
            return false
        }
        return children.contains { member in
            let name = member.nameBytes
            if name.equals("is_error") || name.equals("isError") || name.equals("has_error")
                || name.equals("interrupted")
            {
                return member.boolValue == true
            }
            if name.equals("success") { return member.boolValue == false }
            return name.equals("error") && tellsError(member)
        }
    }

    /// Some loggers write all of their members as strings.
    private static func isFailure(exitCode: Member) -> Bool {
        if let text = exitCode.stringText {
            return text.contains { $0.isDigit && $0 != UInt8(ascii: "0") }
        }
        return exitCode.numberValue.map { $0 != 0 } ?? false
    }

    /// A member named `error` that says more than that there was none.
    private static func tellsError(_ member: Member) -> Bool {
        if let text = member.stringText { return !text.isEmpty }
        let isContainer = member.isObject || member.isArray
        return member.boolValue ?? (isContainer && member.value_end - member.value_start > 2)
    }

    private static let words: [(StaticString, EventStatus)] = [
        ("ok", .ok), ("success", .ok), ("succeeded", .ok), ("completed", .ok), ("passed", .ok),
        ("error", .error), ("failed", .error), ("failure", .error),
        ("running", .running), ("starting", .running), ("started", .running),
        ("allowed", .running), ("in_progress", .running),
        ("blocked", .blocked), ("block", .blocked), ("denied", .blocked), ("deny", .blocked),
    ]

    private static func status(_ text: Bytes) -> EventStatus? {
        words.first { text.equalsIgnoringCase($0.0) }?.1
    }
}
