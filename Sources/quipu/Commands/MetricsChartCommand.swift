import ArgumentParser
import QuipuClient
import QuipuModel
import QuipuProtocol

struct MetricsChartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chart", abstract: "Draw one metric over time.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: MetricOptions

    @Option(
        help: ArgumentHelp(
            "count, sum, avg, min, max, last, rate, p50 … p99.9. (default: by the metric's type)",
            valueName: "word"))
    var aggregate: String?

    @Option(help: "Rows of each chart.")
    var height = 8

    func validate() throws {
        guard (2...100).contains(height) else {
            throw ValidationError("--height is from 2 to 100")
        }
    }

    func run() throws {
        var word = aggregate ?? "avg"
        if aggregate == nil {
            try reportingFailure {
                var client = try Client(path: global.places.querySocket)
                word = try Self.usualAggregate(of: options.metric, asking: &client)
            }
        }
        try global.ask(.metricsQuery, options.params(aggregates: [word])) { reply, screen in
            ChartView(metric: options.metric, aggregate: word, height: height)
                .show(reply, on: &screen)
        }
    }

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
        let points = (series["points"]?[aggregate]?.array ?? []).compactMap { point in
            Self.point(point)
        }
        let since = Self.seconds(reply["since"]) ?? points.first?.time ?? 0
        let until = Self.seconds(reply["until"]) ?? points.last?.time ?? since
        return Chart(
            points: points, since: since, until: until,
            stepSeconds: reply["step_s"]?.double ?? 10,
            valueName: PointRows.valueName(metric, aggregate))
    }

    private static func point(_ value: JSON) -> Chart.Point? {
        guard let pair = value.array, pair.count == 2, let time = pair[0].double,
            let number = pair[1].double
        else { return nil }
        return Chart.Point(time: time, value: number)
    }

    private static func seconds(_ value: JSON?) -> Double? {
        value?.string.flatMap(Timestamp.init(rfc3339:)).map { Double($0.microseconds) / 1e6 }
    }
}
