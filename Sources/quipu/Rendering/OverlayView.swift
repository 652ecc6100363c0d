import QuipuModel
import QuipuProtocol

/// Several lines in one chart, with a legend: metrics, or one metric's groups, or both.
struct OverlayView {
    /// What the lines were grouped by, for the title.
    var tags: String?
    var height: Int

    private struct Line {
        var metric: String
        var aggregate: String
        var tags: JSON?
        var points: [Chart.Point]

        var valueName: String { PointRows.valueName(metric, aggregate) }
    }

    private var lines: [Line] = []
    private var since = Double.infinity
    private var until = -Double.infinity
    private var stepSeconds = 0.0

    init(tags: String?, height: Int) {
        self.tags = tags
        self.height = height
    }

    /// Takes an answer of `metrics.query`.
    mutating func add(_ reply: JSON, metric: String, aggregate: String, linesMax: Int) {
        let series = reply["series"]?.array ?? []
        if series.isEmpty { Diagnostics.write("no samples of \(metric) in that time") }
        if series.count > linesMax {
            Diagnostics.write(
                "\(metric) has more series than these; narrow with --where, or --group-by")
        }
        for one in series.prefix(linesMax) {
            lines.append(
                Line(
                    metric: metric, aggregate: aggregate, tags: one["tags"],
                    points: ChartAnswer.points(one, aggregate, of: reply).filter(\.value.isFinite)))
        }
        since = min(since, ChartAnswer.seconds(reply["since"]) ?? since)
        until = max(until, ChartAnswer.seconds(reply["until"]) ?? until)
        stepSeconds = max(stepSeconds, reply["step_s"]?.double ?? 10)
    }

    func show(on screen: inout Screen) {
        guard !lines.isEmpty else { return }
        let drawn = Chart(
            series: lines.map(\.points), since: since, until: until, valueName: scaleName)
        screen.write(screen.style.paint(Visible.text(title), .bold))
        screen.write(
            drawn.lines(width: screen.chartColumns, height: height, style: screen.style))
        screen.write("")
        screen.write(legend(screen.style).lines(width: screen.tableColumns, style: screen.style))
    }

    /// Nil where the lines differ, and each says its own.
    private func common(_ word: (Line) -> String) -> String? {
        let words = Set(lines.map(word))
        return words.count == 1 ? words.first : nil
    }

    private var title: String {
        let step = "each \(Units.duration(ms: stepSeconds * 1_000))"
        let words = [common(\.metric), common(\.aggregate)].compactMap { $0 }
        let head = words.isEmpty ? step : words.joined(separator: " ") + ", " + step
        return tags.map { "\(head), by \($0)" } ?? head
    }

    /// What the scale's values are called: with a unit only if it is that of all lines.
    private var scaleName: String {
        let name = lines.first?.valueName ?? ""
        return common { Units.value(1, named: $0.valueName) } == nil ? "" : name
    }

    private func legend(_ style: Style) -> Table {
        var table = Table([
            .word(""), .text("SERIES"), .number("LAST"), .number("MIN"), .number("MAX"),
        ])
        for (line, mark) in zip(lines, ChartMark.all) {
            let values = line.points.map(\.value)
            let figures = [values.last, values.min(), values.max()].map { value in
                value.map { Units.value($0, named: line.valueName) } ?? Units.absent
            }
            table.add(
                [Table.Cell(mark.sample(style), mark.color), Table.Cell(name(line), .bold)]
                    + figures.map { Table.Cell($0) })
        }
        return table
    }

    /// What tells this line from the others.
    private func name(_ line: Line) -> String {
        let tags = TagText.words(line.tags)
        let words = [
            common(\.metric) != nil && !tags.isEmpty ? "" : line.metric,
            common(\.aggregate) == nil ? line.aggregate : "", tags,
        ]
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }
}
