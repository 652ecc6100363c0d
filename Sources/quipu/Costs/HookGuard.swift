import QuipuClient
import QuipuModel
import QuipuProtocol

/// Stops a coding agent that has passed a spending limit, through its own hook.
struct HookGuard {
    var user: String?
    /// How long the hook waits for the daemon.
    var patienceMs = Limits.guardPatienceMs

    /// Claude Code's decision to stop; nil when there is none to make, whatever the reason.
    func decision(_ input: [UInt8], querySocket: String) -> JSON? {
        var params = Params()
        params.set("user", user)
        params.set("session", Self.member("session_id", input))
        params.set("project", Self.member("cwd", input))
        let answers = QuickQuestion(querySocket: querySocket, patienceMs: patienceMs)
            .ask([(.limitsCheck, params.json)])
        guard let answer = answers?.first, answer["allowed"] == false else { return nil }
        return Self.stop(
            event: Self.member("hook_event_name", input), reason: Self.reason(answer))
    }

    /// Before a tool's use it is the use that is refused; anywhere else the whole run ends.
    static func stop(event: String?, reason: String) -> JSON {
        guard event == "PreToolUse" else {
            return ["continue": false, "stopReason": .string(reason)]
        }
        return [
            "hookSpecificOutput": [
                "hookEventName": "PreToolUse", "permissionDecision": "deny",
                "permissionDecisionReason": .string(reason),
            ]
        ]
    }

    /// `Spending limit passed: user ada has spent $101.20 of $100.00 this day; resets 2026-…`
    static func reason(_ answer: JSON) -> String {
        let passed = (answer["limits"]?.array ?? []).filter {
            ($0["used_percent"]?.double ?? 0) >= 100
        }
        let parts = passed.map { limit in
            let spent = Money.text(limit["spent_usd"]?.double ?? 0)
            let bound = Money.text(limit["limit_usd"]?.double ?? 0)
            let resets = limit["resets"]?.string.map { "; resets \($0)" } ?? ""
            return "\(LimitRows.whose(limit["scope"])): \(spent) of \(bound) per "
                + "\(limit["period"]?.string ?? "period")\(resets)"
        }
        return "Spending limit passed. " + parts.joined(separator: ". ")
    }

    /// A member of the input that is a string. The input may be large: the rest is not read.
    private static func member(_ name: String, _ input: [UInt8]) -> String? {
        guard let range = JSON.rangeOfMember(name, in: input),
            let text = (try? JSON.parse(Array(input[range])))?.string, !text.isEmpty
        else { return nil }
        return text
    }
}
