import ArgumentParser
import QuipuClient
import QuipuModel
import QuipuProtocol

struct MetricsChartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chart", abstract: "Draw metrics over time.",
        discussion: """
            Several metrics, and the values of a tag with --by, are drawn into one chart with a legend; up to \
            \(ChartMark.all.count) lines. With --group-by each value has a chart of its own.

              quipu metrics chart web.requests api.queue --since 6h
              quipu metrics chart api.latency --by provider --aggregate p99
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The metrics' names.")
    var metrics: [String]

    @OptionGroup var options: MetricOptions

    @Option(
        help: ArgumentHelp(
            "One line for each value of these tags, joined by commas; all in one chart.",
            valueName: "tags"))
    var by: String?

    @Option(
        help: ArgumentHelp(
            "One chart for each value of these tags, joined by commas.", valueName: "tags"))
    var groupBy: String?

    @Option(
        help: ArgumentHelp(
            "count, sum, avg, min, max, last, rate, p50 … p99.9. (default: by the metric's type)",
            valueName: "word"))
    var aggregate: String?

    @Option(help: "Rows of each chart. (default: 8, with several lines 12)")
    var height: Int?

    private var hasSeveralLines: Bool { metrics.count > 1 || by != nil }

    func validate() throws {
        if let height, !(2...100).contains(height) {
            throw ValidationError("--height is from 2 to 100")
        }
        if hasSeveralLines, groupBy != nil {
            throw ValidationError("--group-by is for one metric alone; --by draws into one chart")
        }
        guard metrics.count <= ChartMark.all.count else {
            throw ValidationError("at most \(ChartMark.all.count) metrics fit into one chart")
        }
    }

    func run() throws {
        try reportingFailure {
            var client = try Client(path: global.places.querySocket)
            var screen = Screen.standard()
            var overlay = OverlayView(tags: by, height: height ?? 12)
            for metric in metrics {
                let word = try aggregate ?? Self.usualAggregate(of: metric, asking: &client)
                var params = options.params(
                    metric: metric, aggregates: [word], groupBy: by ?? groupBy)
                // One more than is drawn tells that there are more.
                if by != nil { params.set("top", .int(Int64(linesPerMetric + 1))) }
                let answer = try client.call(
                    QuipuProtocol.Method.metricsQuery.rawValue, params.json)
                if global.json {
                    screen.write(json: answer.text)
                } else if hasSeveralLines {
                    overlay.add(
                        answer.result, metric: metric, aggregate: word, linesMax: linesPerMetric)
                } else {
                    ChartView(metric: metric, aggregate: word, height: height ?? 8)
                        .show(answer.result, on: &screen)
                }
            }
            if hasSeveralLines, !global.json { overlay.show(on: &screen) }
            try screen.flush()
        }
    }

    private var linesPerMetric: Int { ChartMark.all.count / metrics.count }

    /// What a person wants to see of a metric of that type.
    private static func usualAggregate(
        of metric: String, asking client: inout Client
    ) throws -> String {
        var params = Params()
        params.set("metric", metric)
        params.set("since", .int(0))
        let listed = try client.call(.metricsList, params.json)["series"]?.array ?? []
        let type = listed.first { $0["name"]?.string == metric }?["type"]?.string
        return switch type {
        case "counter": "sum"
        case "set": "count"
        default: "avg"
        }
    }
}

/// One chart for each series of an answer of `metrics.query`.
struct ChartView {
    var metric: String
    var aggregate: String
    var height: Int

    private static let chartsMax = 12

    func show(_ reply: JSON, on screen: inout Screen) {
        let all = reply["series"]?.array ?? []
        if all.isEmpty { Diagnostics.write("no samples of \(metric) in that time") }
        for (index, series) in all.prefix(ChartView.chartsMax).enumerated() {
            if index > 0 { screen.write("") }
            screen.write(screen.style.paint(Visible.text(title(reply, series)), .bold))
            let chart = chart(reply, series)
            screen.write(
                chart.lines(width: screen.chartColumns, height: height, style: screen.style))
        }
        if all.count > ChartView.chartsMax {
            Diagnostics.write("\(all.count - ChartView.chartsMax) more series; narrow with --where")
        }
    }

    private func title(_ reply: JSON, _ series: JSON) -> String {
        let step = reply["step_s"]?.double.map { Units.duration(ms: $0 * 1_000) } ?? Units.absent
        let tags = TagText.words(series["tags"])
        return "\(metric) \(aggregate), each \(step)" + (tags.isEmpty ? "" : "  \(tags)")
    }

    private func chart(_ reply: JSON, _ series: JSON) -> Chart {
        let points = ChartAnswer.points(series, aggregate, of: reply)
        let since = ChartAnswer.seconds(reply["since"]) ?? points.first?.time ?? 0
        let until = ChartAnswer.seconds(reply["until"]) ?? points.last?.time ?? since
        return Chart(
            points: points, since: since, until: until,
            valueName: PointRows.valueName(metric, aggregate))
    }
}

/// What charts read of an answer of `metrics.query`.
enum ChartAnswer {
    static func points(_ series: JSON, _ aggregate: String, of reply: JSON) -> [Chart.Point] {
        let step = reply["step_s"]?.double ?? 10
        // Where parts of the range have steps of different lengths, in their order.
        let parts = (reply["steps"]?.array ?? []).map { part in
            (since: seconds(part["since"]) ?? 0, step: part["step_s"]?.double ?? step)
        }
        return (series["points"]?[aggregate]?.array ?? []).compactMap { value in
            guard let pair = value.array, pair.count == 2, let time = pair[0].double,
                let number = pair[1].double
            else { return nil }
            let part = parts.last { $0.since <= time }
            return Chart.Point(time: time, value: number, seconds: part?.step ?? step)
        }
    }

    static func seconds(_ value: JSON?) -> Double? {
        value?.string.flatMap(Timestamp.init(rfc3339:)).map { Double($0.microseconds) / 1e6 }
    }
}
