import ArgumentParser
import QuipuClient
import QuipuProtocol

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Follow what happens, as it happens.",
        discussion: "With --json: one notification's data a line.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var filter: EventFilterOptions

    @Option(
        help: ArgumentHelp(
            "Joined by commas: events, metrics, insights, alerts, actions, stats.",
            valueName: "words"))
    var topics = "events"

    @Option(name: [.customShort("n"), .long], help: "Begin with this many events of before.")
    var lines = 10

    func validate() throws {
        guard (0...10_000).contains(lines) else {
            throw ValidationError("--lines is from 0 to 10000")
        }
    }

    private var topicWords: [String] { topics.split(separator: ",").map(String.init) }

    func run() throws {
        try reportingFailure {
            var client = try Client(path: global.places.querySocket)
            var params = Params()
            params.set("topics", .array(topicWords.map(JSON.string)))
            filter.add(to: &params)
            // Subscribed first, so that nothing falls between what was and what comes.
            _ = try client.call(.subscribe, params.json)
            var screen = Screen.standard()
            var shown = Int64.min
            if topicWords.contains("events"), lines > 0 {
                for event in try recent(asking: &client) {
                    shown = max(shown, event["seq"]?.int ?? shown)
                    try show(event, topic: "events", on: &screen)
                }
            }
            let lastRecent = shown
            client.endWhenUnread(output: 1)
            while let notification = try client.nextNotification() {
                if let missed = notification["missed"]?.int, missed > 0 {
                    Diagnostics.write("quipu: too slow, missed \(missed)")
                }
                let data = notification["data"] ?? .null
                let topic = notification["topic"]?.string ?? ""
                let isShown = topic == "events" && (data["seq"]?.int ?? .max) <= lastRecent
                // An older event may come again because it was completed.
                if isShown, data["status"] == "running" { continue }
                try show(data, topic: topic, on: &screen)
            }
            throw ClientError.disconnected
        }
    }

    /// The newest events of the last day, oldest first.
    private func recent(asking client: inout Client) throws -> [JSON] {
        var params = Params()
        filter.add(to: &params)
        params.set("limit", .int(Int64(lines)))
        return try client.call(.eventsQuery, params.json)["events"]?.array?.reversed() ?? []
    }

    private func show(_ data: JSON, topic: String, on screen: inout Screen) throws {
        if global.json {
            screen.write(json: Array(data.text.utf8))
        } else {
            screen.write(TailLine.text(data, topic: topic, screen: screen))
        }
        try screen.flush()
    }
}

enum TailLine {
    static func text(_ data: JSON, topic: String, screen: Screen) -> String {
        switch topic {
        case "events": return event(data, screen)
        case "metrics": return cut(metric(data), screen)
        default: return cut("\(topic)  \(Visible.text(data.text))", screen)
        }
    }

    /// `15:17:20.000  render_ms  timer  40 samples  avg 42.3 ms  max 86 ms  provider=aws`
    private static func metric(_ data: JSON) -> String {
        let name = data["metric"]?.string ?? Units.absent
        let count = data["count"]?.double ?? 0
        func figure(_ title: String, _ value: Double?) -> String {
            value.map { "\(title) \(Units.value($0, named: name))" } ?? ""
        }
        let average = count > 0 ? data["sum"]?.double.map { $0 / count } : nil
        let words = [
            Units.clock(data["time"]?.string, now: .now), name, data["type"]?.string ?? "",
            "\(Units.number(count)) samples", figure("avg", average),
            figure("max", data["max"]?.double), TagText.words(data["tags"]),
        ]
        return Visible.text(words.filter { !$0.isEmpty }.joined(separator: "  "))
    }

    private static func event(_ data: JSON, _ screen: Screen) -> String {
        let style = screen.style
        let time = Units.clock(data["time"]?.string, now: .now)
        let status = EventRows.status(data)
        let words: [(String, Style.Color?)] = [
            (time, .dim), (data["kind"]?.string ?? Units.absent, nil),
            (data["name"]?.string ?? "", .bold), (status.text, status.color),
            (data["duration_ms"]?.double.map { Units.duration(ms: $0) } ?? "", nil),
        ]
        let detail = EventRows.detail(data)
        var line = ""
        var columns = 0
        for (word, color) in words + [(detail.text, detail.color)] where !word.isEmpty {
            let visible = Visible.text(word)
            let left = (screen.tableColumns ?? .max) - columns
            guard left > 0 else { break }
            let shown = Visible.cut(visible, to: left)
            line += (line.isEmpty ? "" : "  ") + style.paint(shown, color)
            columns += Visible.columns(shown) + 2
        }
        return line
    }

    private static func cut(_ text: String, _ screen: Screen) -> String {
        screen.tableColumns.map { Visible.cut(text, to: $0) } ?? text
    }
}
