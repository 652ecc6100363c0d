import QuipuModel
import QuipuProtocol

/// A list of `quipu top` under its title.
struct TopPanel {
    var title: String
    var table: Table
    /// What stands there instead of no rows.
    var empty: String

    private static let headRows = 2

    /// Rows of the screen that show all of it.
    var rows: Int { table.rows.isEmpty ? 2 : TopPanel.headRows + table.rows.count }

    /// - Parameter rows: nil for all.
    func lines(columns: Int, rows: Int?, style: Style) -> [String] {
        if rows == 0 { return [] }
        let room = rows.map { max(0, $0 - TopPanel.headRows) } ?? table.rows.count
        var shown = table
        shown.rows = Array(table.rows.prefix(room))
        let count =
            shown.rows.count < table.rows.count
            ? "\(shown.rows.count) of \(table.rows.count)" : ""
        let rule = rule(count, columns, style)
        if table.rows.isEmpty {
            var line = ScreenLine(width: columns, style: style)
            line.add(empty, .dim)
            return Array([rule, line.text].prefix(rows ?? 2))
        }
        let lines = shown.dropping(toFit: columns).lines(width: columns, style: style)
        return Array(([rule] + lines).prefix(rows ?? lines.count + 1))
    }

    /// `── tools, last hour, by calls ───── 6 of 14 ──`
    private func rule(_ count: String, _ columns: Int, _ style: Style) -> String {
        var line = ScreenLine(width: columns, style: style)
        line.add("── ", .dim)
        line.add(title, .bold)
        let room = columns - line.columns - 1
        let tail = count.isEmpty ? "" : " \(count) ──"
        let end = tail.count < room ? tail : ""
        let dashes = String(repeating: "─", count: max(0, room - end.count))
        line.addWhole(" " + dashes + end, .dim)
        return line.text
    }
}

enum TopPanels {
    static func tools(_ state: TopState) -> TopPanel {
        var table = Table([
            .text("TOOL").least(12), .number("CALLS").least(6), .number("FAILED").least(6),
            .number("RUNNING").rank(5), .number("P50").least(8).rank(1),
            .number("P90").least(8).rank(2), .number("P99").least(8).rank(4),
            .number("TIME").least(9).rank(3),
        ])
        for tool in sorted(state.sample[.toolsStats]["tools"]?.array ?? [], by: state.sort) {
            let durations = ["p50", "p90", "p99"].map { name in
                Table.Cell(EventRows.duration(tool["duration_ms"]?[name]))
            }
            let time = timeMs(tool).map { Units.duration(ms: $0) } ?? Units.absent
            let running = tool["running"]?.int ?? 0
            table.add(
                [
                    Table.Cell(tool["name"]?.string ?? Units.absent, .bold),
                    Outcome.count(tool, "count"), Outcome.errors(tool),
                    Table.Cell(Units.grouped(running), running > 0 ? .cyan : nil),
                ] + durations + [Table.Cell(time)])
        }
        return TopPanel(
            title: "tools, last hour, by \(state.sort.rawValue)", table: table,
            empty: "no tool calls")
    }

    private static func sorted(_ tools: [JSON], by sort: TopState.Sort) -> [JSON] {
        func worth(_ tool: JSON) -> Double {
            switch sort {
            case .calls: tool["count"]?.double ?? 0
            case .failures: tool["errors"]?.double ?? 0
            case .time: timeMs(tool) ?? 0
            }
        }
        // The daemon's own order stands among equals, so that rows do not change places by chance.
        return tools.enumerated()
            .sorted { (-worth($0.element), $0.offset) < (-worth($1.element), $1.offset) }
            .map(\.element)
    }

    /// What the calls that ended took together.
    private static func timeMs(_ tool: JSON) -> Double? {
        let ended = (tool["ok"]?.double ?? 0) + (tool["errors"]?.double ?? 0)
        return tool["duration_ms"]?["avg"]?.double.map { $0 * ended }
    }

    static func sessions(_ state: TopState, now: Timestamp) -> TopPanel {
        let sessions = state.sample[.sessionsList]["sessions"]?.array ?? []
        var table = Table([
            .text("SESSION").least(12), .word("STATE").rank(2), .word("LAST EVENT").least(10),
            .number("EVENTS").least(6).rank(3), .number("CALLS").least(6),
            .number("ERRORS").least(6).rank(1), .number("BLOCKED").rank(4),
            .text("TOOLS").rank(5),
        ])
        for session in sessions {
            let state = session["state"]?.string
            table.add([
                Table.Cell(session["session"]?.string ?? Units.absent, .bold),
                Table.Cell(state ?? Units.absent, Style.color(ofStatus: state)),
                Table.Cell(Units.ago(session["last_activity"]?.string, now: now)),
                Outcome.count(session, "event_count"), Outcome.count(session, "tool_count"),
                Outcome.errors(session), Outcome.count(session, "blocked"),
                Table.Cell(SessionRows.tools(session), .dim),
            ])
        }
        let active = sessions.filter { $0["state"] == "active" }.count
        let more = state.sample[.sessionsList]["next_cursor"]?.string == nil ? "" : "+"
        return TopPanel(
            title: "sessions, \(active)\(active == sessions.count ? more : "") active",
            table: table, empty: "none in the last half hour")
    }

    static func errors(_ state: TopState, now: Timestamp) -> TopPanel {
        var table = Table([
            .word("AGO").least(6), .text("NAME").least(8), .text("SESSION").rank(1), .text("ERROR"),
        ])
        for event in state.sample[.errorsList]["errors"]?.array ?? [] {
            table.add([
                Table.Cell(age(event, now: now), .dim),
                Table.Cell(event["name"]?.string ?? event["kind"]?.string ?? Units.absent, .bold),
                Table.Cell(event["session"]?.string ?? Units.absent, .dim),
                Table.Cell(event["error"]?.string ?? "no text", .red),
            ])
        }
        return TopPanel(title: "errors, newest first", table: table, empty: "none in the last day")
    }

    private static func age(_ event: JSON, now: Timestamp) -> String {
        let text = Units.ago(event["time"]?.string, now: now)
        return text.hasSuffix(" ago") ? String(text.dropLast(4)) : text
    }

    // MARK: Room

    /// A panel with fewer rows shows nothing: title, headings, one row.
    private static let rowsMin = 3

    /// The rows of each panel. Those that have no room at all go in the order of `giveUpFirst`; the
    /// rest take turns until they have what they want.
    static func share(_ rows: Int?, wanted: [Int], giveUpFirst: [Int]) -> [Int] {
        guard let rows else { return wanted }
        var given = wanted.map { min($0, rowsMin) }
        for index in giveUpFirst.dropLast() where given.reduce(0, +) > rows { given[index] = 0 }
        var left = rows - given.reduce(0, +)
        guard left >= 0 else { return given.map { min($0, rows) } }
        while left > 0 {
            let hungry = given.indices.filter { given[$0] > 0 && given[$0] < wanted[$0] }
            guard let next = hungry.min(by: { given[$0] < given[$1] }) else { break }
            given[next] += 1
            left -= 1
        }
        return given
    }
}
