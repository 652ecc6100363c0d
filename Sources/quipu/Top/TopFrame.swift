import Platform
import QuipuModel
import QuipuProtocol

/// One picture of `quipu top`: what is known in, lines of text out.
struct TopFrame {
    var state: TopState
    var now: Timestamp
    var style: Style

    /// Where nothing says how wide it may be.
    static let columnsDefault = 120
    /// From so many columns on rates and lag stand side by side.
    private static let wideColumns = 72
    /// From so many rows on rates and lag have a line for each figure.
    private static let tallRows = 18

    /// - Parameter rows: nil for as many as it takes, and no line of keys.
    func lines(columns: Int, rows: Int?) -> [String] {
        guard let rows else { return top(columns, isTall: true) + panels(columns, rows: nil) }
        if state.showsHelp { return Array(TopHelp.lines(columns, style).prefix(rows)) }
        let top = top(columns, isTall: rows >= TopFrame.tallRows)
        // The keys are worth a row where there is one to spare.
        let keys = rows > top.count + 4 ? [TopHelp.keys(state, columns, style)] : []
        let room = rows - top.count - keys.count
        let panels = panels(columns, rows: max(0, room))
        let gap = [String](repeating: "", count: max(0, room - panels.count))
        return Array((top + panels + (keys.isEmpty ? [] : gap) + keys).prefix(rows))
    }

    // MARK: The top

    private func top(_ columns: Int, isTall: Bool) -> [String] {
        var lines = [header(columns)]
        for problem in problems.prefix(2) {
            var line = ScreenLine(width: columns, style: style)
            line.add(problem, .red)
            lines.append(line.text)
        }
        let figures = TopFigures(state: state, now: now)
        guard columns >= TopFrame.wideColumns, isTall else {
            return lines + figures.brief(columns, style)
        }
        return lines + figures.beside(columns, style)
    }

    private func header(_ columns: Int) -> String {
        var right = ScreenLine(width: columns, style: style)
        if state.isPaused {
            right.add("PAUSED", .yellow)
        } else {
            right.add("every \(Units.duration(ms: Double(state.intervalMs)))", .dim)
        }
        right.add(" \(state.sample.time.rfc3339.dropFirst(11).prefix(8)) UTC", .dim)
        var line = ScreenLine(width: columns, style: style)
        line.add("quipu top", .bold)
        if let trouble = state.trouble {
            line.add("  quipud does not answer, trying again: \(trouble)", .red)
            return line.text
        }
        let (health, stats) = (state.sample[.health], state.sample[.stats])
        let status = health["status"]?.string ?? Units.absent
        line.add("  " + status, Style.color(ofStatus: status) ?? .green)
        let words = [
            health["mode"]?.string ?? "", figure("up", health, "uptime_s"),
            figure("memory", stats, "rss_bytes"),
            figure("database", health["database"], "size_bytes"),
            health["version"]?.string.map { "version \($0)" } ?? "",
        ]
        let room = columns - right.columns - 2
        for word in words where !word.isEmpty && line.columns + word.count + 2 <= room {
            line.add("  " + word)
        }
        guard line.columns + right.columns < columns else { return line.text }
        line.pad(to: columns - right.columns)
        return line.text + right.text
    }

    private func figure(_ title: String, _ object: JSON?, _ name: String) -> String {
        object?[name]?.double.map { "\(title) \(Units.value($0, named: name))" } ?? ""
    }

    /// What a person should do something about.
    private var problems: [String] {
        var problems = state.sample[.health]["problems"]?.array?.compactMap(\.string) ?? []
        if state.sample[.ledger]["balanced"] == false {
            problems.append("the ledger does not balance: quipu ledger")
        }
        if state.sample[.health]["agents"]?.array?.isEmpty == true {
            problems.append("no agent is connected: nothing comes in")
        }
        let refusals = state.sample.refusals.sorted { $0.key.rawValue < $1.key.rawValue }
        return problems + refusals.map { "\($0.key.rawValue): \($0.value)" }
    }

    // MARK: The panels

    private func panels(_ columns: Int, rows: Int?) -> [String] {
        let panels = [
            TopPanels.tools(state), TopPanels.sessions(state, now: now),
            TopPanels.errors(state, now: now),
        ]
        // Where not all have room: what failed is worth more than who is at work.
        let heights = TopPanels.share(
            rows, wanted: panels.map(\.rows), giveUpFirst: [1, 2, 0])
        return zip(panels, heights).flatMap { panel, height in
            panel.lines(columns: columns, rows: height, style: style)
        }
    }
}

/// What the keys do.
enum TopHelp {
    static func keys(_ state: TopState, _ columns: Int, _ style: Style) -> String {
        var line = ScreenLine(width: columns, style: style)
        let keys = [
            ("q", "quit"), ("?", "help"), ("p", state.isPaused ? "go on" : "pause"),
            ("s", "sort"), ("+ -", "interval"),
        ]
        for (key, word) in keys where line.columns + key.count + word.count + 3 <= columns {
            line.add(line.columns == 0 ? "" : "  ")
            line.add(key, .bold)
            line.add(" " + word, .dim)
        }
        return line.text
    }

    private static let rows: [(key: String, words: String)] = [
        ("q", "quit; so do Ctrl-C and Ctrl-D"),
        ("p", "pause: the picture stands still; again: it goes on"),
        ("s", "sort the tools by calls, by failures, by time"),
        ("+ -", "a longer interval, a shorter one"),
        ("?", "this help; any key closes it"),
        ("", ""),
        ("rates", "over the last interval, with those before as bars"),
        ("tools", "of the last hour; time is calls that ended times their average"),
        ("sessions", "active: at most 5 min without an event; idle: at most 30 min"),
        ("errors", "of the last day, the newest first"),
        ("queue", "what the daemon has taken and not yet committed"),
        ("spool", "datagrams that the agent keeps and the daemon has not acknowledged"),
        ("behind", "logs with bytes that are not in the database yet"),
    ]

    static func lines(_ columns: Int, _ style: Style) -> [String] {
        var title = ScreenLine(width: columns, style: style)
        title.add("quipu top", .bold)
        return [title.text, ""]
            + rows.flatMap { row in
                wrapped(row.words, max(1, columns - keyColumns)).enumerated().map { index, words in
                    var line = ScreenLine(width: columns, style: style)
                    line.add(index == 0 ? row.key : "", .bold)
                    line.pad(to: keyColumns)
                    line.add(words)
                    return line.text
                }
            }
    }

    private static let keyColumns = 10

    private static func wrapped(_ words: String, _ columns: Int) -> [String] {
        var lines = [""]
        for word in words.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= columns {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
