import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

struct StatuslineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statusline", abstract: "Claude Code's status line: costs at a glance.",
        discussion: """
            Reads Claude Code's JSON on standard input and prints one line. What the daemon does not say in \
            time is left out. In settings.json:

            {"statusLine":{"type":"command","command":"quipu statusline"}}
            """)

    @OptionGroup var global: GlobalOptions

    @Option(name: [.customShort("z"), .long], help: "Whose today: Europe/Berlin. (default: UTC)")
    var timezone: String?

    @Option(help: "How long to wait for the daemon at most.")
    var patienceMs = Limits.guardPatienceMs

    func run() throws {
        try reportingFailure {
            let bytes = try OwnedDescriptor(owning: 0).readAll(bytesMax: Limits.requestBytesMax)
            let input = (try? JSON.parse(bytes)) ?? [:]
            let answers = QuickQuestion(
                querySocket: global.places.querySocket, patienceMs: patienceMs
            ).ask(Statusline.questions(input, timeZone: timezone))
            var screen = Screen.standard()
            screen.write(
                Visible.text(Statusline.text(input, answers: answers ?? [], now: screen.now)))
            try screen.flush()
        }
    }
}

/// The line's parts; those that nobody can tell are left out.
enum Statusline {
    private static let contextTokensDefault: Int64 = 200_000

    static func questions(
        _ input: JSON, timeZone: String?
    ) -> [(method: QuipuProtocol.Method, params: JSON)] {
        var today = Params()
        today.set("since", "today")
        today.set("time_zone", timeZone)
        var session = Params()
        session.setTime("since", "0")
        let name = input["session_id"]?.string ?? ""
        session.set("where", ["session": .string(name)])
        return [
            (.costsSummary, session.json), (.costsSummary, today.json),
            (.costsBlocks, ["since": "5h"]),
        ]
    }

    static func text(_ input: JSON, answers: [JSON], now: Timestamp) -> String {
        func answer(_ index: Int) -> JSON {
            answers.indices.contains(index) ? answers[index] : .null
        }
        let model = input["model"]?["display_name"]?.string ?? input["model"]?["id"]?.string
        let block = answer(2)["blocks"]?.array?.first { $0["active"] == true }
        var costs: [String] = []
        if let usd = session(answer(0), input) { costs.append("\(Money.text(usd)) session") }
        if let usd = answer(1)["total"]?["cost_usd"]?.double {
            costs.append("\(Money.text(usd)) today")
        }
        if let block, let usd = block["cost_usd"]?.double {
            costs.append("\(Money.text(usd)) block (\(BlockRows.left(block, now: now)) left)")
        }
        var parts = ["🤖 " + (model ?? "unknown")]
        if !costs.isEmpty { parts.append("💰 " + costs.joined(separator: " / ")) }
        if let usd = block?["burn_rate"]?["cost_usd_per_hour"]?.double {
            parts.append("🔥 \(Money.text(usd))/hr")
        }
        if let context = context(input) { parts.append("🧠 " + context) }
        return parts.joined(separator: " | ")
    }

    /// What the daemon knows of the session, else what Claude Code says.
    private static func session(_ answer: JSON, _ input: JSON) -> Double? {
        let total = answer["total"]
        if total?["requests"]?.int ?? 0 > 0, let usd = total?["cost_usd"]?.double { return usd }
        return input["cost"]?["total_cost_usd"]?.double
    }

    /// `25,000 (12%)`
    private static func context(_ input: JSON) -> String? {
        guard let window = input["context_window"] else { return nil }
        let usage = window["current_usage"] ?? .null
        let names = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
        let counts = names.compactMap { usage[$0]?.int }
        let tokens =
            counts.isEmpty ? window["total_input_tokens"]?.int : counts.reduce(0) { $0 &+ $1 }
        guard let tokens, tokens >= 0 else { return nil }
        let size = window["context_window_size"]?.int ?? contextTokensDefault
        guard size > 0 else { return Units.grouped(tokens) }
        let percent = window["used_percentage"]?.double ?? 100 * Double(tokens) / Double(size)
        return "\(Units.grouped(tokens)) (\(Int64(max(0, min(percent, 1e6))))%)"
    }
}
