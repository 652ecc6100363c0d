import ArgumentParser
import QuipuModel
import QuipuProtocol

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Metrics: which there are, their figures, their charts.",
        subcommands: [
            MetricsListCommand.self, MetricsQueryCommand.self, MetricsChartCommand.self,
        ],
        defaultSubcommand: MetricsListCommand.self)
}

struct MetricsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Which series there are.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Argument(help: "A metric's name; * stands for anything.")
    var metric: String?

    @Option(help: "Only counter, gauge, timer, histogram, distribution or set.")
    var type: String?

    func run() throws {
        var params = Params()
        params.set("metric", metric)
        params.set("type", type)
        range.add(to: &params)
        page.add(to: &params)
        conditions.add(to: &params)
        try global.ask(.metricsList, params) { reply, screen in
            var table = Table([
                .text("METRIC"), .word("TYPE"), .text("TAGS"), .number("SAMPLES"),
                .word("FIRST"), .word("LAST"),
            ])
            for series in reply["series"]?.array ?? [] {
                table.add([
                    Table.Cell(series["name"]?.string ?? Units.absent, .bold),
                    Table.Cell(series["type"]?.string ?? Units.absent),
                    Table.Cell(TagText.words(series["tags"])),
                    Table.Cell(series["samples"]?.double.map(Units.number) ?? Units.absent),
                    Table.Cell(Units.ago(series["first"]?.string, now: screen.now)),
                    Table.Cell(Units.ago(series["last"]?.string, now: screen.now)),
                ])
            }
            screen.show(table, orElse: "no metrics match; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

/// What `metrics query` and `metrics chart` ask alike.
struct MetricOptions: ParsableArguments {
    @OptionGroup var range: RangeOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "One point for each such span: 10s, 5m, 1h. (default: fits)")
    var step: String?

    @Option(
        help: "Only series of this type: counter, gauge, timer, histogram, distribution, set.")
    var type: String?

    /// - Parameter groupBy: tags, joined by commas.
    func params(metric: String?, aggregates: [String], groupBy: String?) -> Params {
        var params = Params()
        params.set("metric", metric)
        range.add(to: &params)
        conditions.add(to: &params)
        params.set("type", type)
        params.set("step", step.map { Int64($0).map(JSON.int) ?? .string($0) })
        if !aggregates.isEmpty {
            params.set("aggregate", .array(aggregates.map(JSON.string)))
        }
        if let groupBy {
            let keys = groupBy.split(separator: ",").map { JSON.string(String($0)) }
            params.set("group_by", .array(keys))
        }
        return params
    }
}

struct MetricsQueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Metrics' figures over time, and arithmetic over them.",
        discussion: """
            Several metrics are named NAME=METRIC, or else a, b, c in their order. A formula over the names has \
            + - * / ( ), numbers, sum(a, b), min, max and per_second(a).

              quipu metrics query api.latency --aggregate p50,p99 --group-by provider
              quipu metrics query errors=api.errors all=api.requests --formula 'errors / all * 100'
              quipu metrics query page.views --step 1d --time-zone Europe/Berlin --since 4w
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The metrics' names.")
    var metrics: [String]

    @OptionGroup var options: MetricOptions

    @Option(help: "Arithmetic over the metrics' names, step by step.")
    var formula: String?

    @Option(help: "One series for each value of these tags, joined by commas.")
    var groupBy: String?

    @Option(
        help: ArgumentHelp(
            "Joined by commas: count, sum, avg, min, max, last, rate, increase, p50 … p99.9.",
            valueName: "words"))
    var aggregate: String?

    @Option(help: ArgumentHelp("Days begin at the midnights of this zone.", valueName: "name"))
    var timeZone: String?

    @Option(help: "What stands where nothing was measured: none, null, zero or previous.")
    var fill: String?

    @Option(help: "Only so many series, the largest.")
    var top: Int?

    func run() throws {
        let words = (aggregate ?? "").split(separator: ",").map(String.init)
        let isSingle = metrics.count == 1 && formula == nil && !metrics[0].contains("=")
        var params = options.params(
            metric: isSingle ? metrics[0] : nil, aggregates: words, groupBy: groupBy)
        if !isSingle { params.set("metrics", .object(named)) }
        params.set("formula", formula)
        params.set("time_zone", timeZone)
        params.set("fill", fill)
        params.set("top", top.map { .int(Int64($0)) })
        try global.ask(.metricsQuery, params) { reply, screen in
            let all = reply["series"]?.array ?? []
            if all.isEmpty {
                Diagnostics.write(
                    "no samples of \(metrics.joined(separator: ", ")) in that time")
            }
            for (index, series) in all.enumerated() {
                if index > 0 { screen.write("") }
                let name = series["metric"]?.string
                let title = [name ?? formula, type(series, of: all), TagText.words(series["tags"])]
                    .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "  ")
                if !title.isEmpty {
                    screen.write(screen.style.paint(Visible.text(title), .bold))
                }
                // A formula's result has no unit of its own.
                let metric = isSingle ? metrics[0] : named.first { $0.name == name }?.value.string
                let table = PointRows.table(series, metric: metric ?? "", now: screen.now)
                screen.write(table.lines(width: screen.tableColumns, style: screen.style))
            }
        }
    }

    /// Where not all are of one.
    private func type(_ series: JSON, of all: [JSON]) -> String? {
        Set(all.map { $0["type"]?.string }).count > 1 ? series["type"]?.string : nil
    }

    /// What stands before a `=`, or else a letter.
    private var named: [JSON.Member] {
        zip(metrics, "abcdefghijklmnopqrstuvwxyz").map { text, letter in
            guard let equals = text.firstIndex(of: "=") else {
                return JSON.Member(String(letter), .string(text))
            }
            return JSON.Member(
                String(text[..<equals]), .string(String(text[text.index(after: equals)...])))
        }
    }
}

enum PointRows {
    /// One row for each step at which any aggregate has a value.
    static func table(_ series: JSON, metric: String, now: Timestamp) -> Table {
        let points = series["points"]?.members ?? []
        var table = Table(
            [.word("TIME (UTC)")] + points.map { .number(Visible.text($0.name).uppercased()) })
        var values: [Int64: [String: Double]] = [:]
        for aggregate in points {
            for point in aggregate.value.array ?? [] {
                guard let pair = point.array, pair.count == 2, let time = pair[0].int,
                    let value = pair[1].double
                else { continue }
                values[time, default: [:]][aggregate.name] = value
            }
        }
        for (time, row) in values.sorted(by: { $0.key < $1.key }) {
            let moment = Timestamp.seconds(time).rfc3339
            table.add(
                [Table.Cell("\(moment.prefix(10)) \(moment.dropFirst(11).prefix(8))", .dim)]
                    + points.map { aggregate in
                        Table.Cell(
                            row[aggregate.name].map {
                                Units.value($0, named: valueName(metric, aggregate.name))
                            } ?? Units.absent)
                    })
        }
        return table
    }

    /// Counts and rates are numbers, whatever is counted; all else has the metric's unit.
    static func valueName(_ metric: String, _ aggregate: String) -> String {
        aggregate == "count" || aggregate == "rate" ? aggregate : metric
    }
}

enum TagText {
    /// `provider=aws region=eu`; bare tags alone; `-` where a series lacks the tag.
    static func words(_ tags: JSON?) -> String {
        (tags?.members ?? []).flatMap { tag in
            (tag.value.array ?? [tag.value]).map { value in
                switch value.string {
                case nil: "\(tag.name)=\(Units.absent)"
                case "": tag.name
                case .some(let text): "\(tag.name)=\(text)"
                }
            }
        }.joined(separator: " ")
    }
}
