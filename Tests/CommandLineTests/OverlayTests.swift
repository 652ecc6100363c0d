import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import quipu

/// Several lines in one chart.
@Suite struct OverlayTests {
    private func reply(_ aggregate: String, _ series: [(tag: String?, values: [Double?])]) -> JSON {
        let series = series.map { tag, values -> JSON in
            let points = values.enumerated().map { index, value -> JSON in
                [.int(Int64(index) * 10), value.map(JSON.number) ?? .null]
            }
            return [
                "tags": tag.map { ["provider": .string($0)] } ?? [:],
                "points": [aggregate: .array(points)],
            ]
        }
        return [
            "since": "1970-01-01T00:00:00.000Z", "until": "1970-01-01T00:00:40.000Z", "step_s": 10,
            "series": .array(series),
        ]
    }

    private func shown(_ view: OverlayView, width: Int, isColored: Bool = false) -> [String] {
        var screen = Screen(
            tableColumns: width, chartColumns: width, style: Style(isColored: isColored),
            now: .seconds(0))
        view.show(on: &screen)
        return screen.text.split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    private func byProvider() -> OverlayView {
        var view = OverlayView(tags: "provider", height: 5)
        let answer = reply(
            "p99", [("aws", [0, 10, 20, 30, 40]), ("g\u{1b}cp", [40, 30, nil, nil, 0])])
        view.add(answer, metric: "render_ms", aggregate: "p99", linesMax: 8)
        return view
    }

    @Test func linesHaveMarksAndALegend() {
        let expected = [
            "render_ms p99, each 10 s, by provider",
            "40 ms ┤ooooo                           *****",
            "      │     ooooo             *********",
            "20 ms ┤              *********",
            "      │     *********",
            " 0 ms ┤*****                               o",
            "      └─────────────────────────────────────",
            "       00:00:00                     00:00:40",
            "",
            "   SERIES             LAST   MIN    MAX",
            "*  provider=aws      40 ms  0 ms  40 ms",
            #"o  provider=g\x1bcp   0 ms  0 ms  40 ms"#,
        ]
        #expect(shown(byProvider(), width: 44) == expected)
    }

    @Test func linesHaveColoursWhereTheyAreSeen() {
        let lines = shown(byProvider(), width: 60, isColored: true)
        let plot = lines[1...5].joined()
        #expect(plot.contains("\u{1b}[36m"))
        #expect(plot.contains("\u{1b}[33m"))
        #expect(!plot.contains("*"))
        #expect(lines[10].contains("\u{1b}[36m━━\u{1b}[0m  \u{1b}[1mprovider=aws\u{1b}[0m"))
        #expect(lines[11].contains("\u{1b}[33m━━"))
        for line in lines {
            #expect(Visible.columns(line.replacing(/\u{1b}\[[0-9]*m/, with: "")) <= 60)
        }
    }

    @Test func metricsOfDifferentUnitsShareABareScale() {
        var view = OverlayView(tags: nil, height: 4)
        view.add(
            reply("sum", [(nil, [1, 2, 3, 4])]), metric: "requests", aggregate: "sum", linesMax: 4)
        view.add(
            reply("avg", [(nil, [5_000, 2_500])]), metric: "render_ms", aggregate: "avg",
            linesMax: 4)
        let lines = shown(view, width: 40)
        #expect(lines[0] == "each 10 s")
        #expect(lines[1].hasPrefix("5,000 ┤"))
        #expect(
            lines.suffix(2) == [
                "*  requests sum       4      1    4",
                "o  render_ms avg  2.5 s  2.5 s  5 s",
            ])
    }

    @Test func moreLinesThanMarksAreToldOf() {
        var view = OverlayView(tags: "provider", height: 3)
        let many = (0..<20).map {
            (tag: Optional("p\($0)"), values: [Double?](repeating: 1, count: 4))
        }
        view.add(reply("sum", many), metric: "a", aggregate: "sum", linesMax: 8)
        #expect(shown(view, width: 60).count == 1 + 5 + 1 + 1 + 8)
    }

    @Test func anyValuesCanBeDrawn() {
        var generator = SeededGenerator()
        let extremes: [Double?] = [0, -1e300, 1e300, .leastNonzeroMagnitude, 1, nil]
        for _ in 0..<100 {
            var view = OverlayView(tags: nil, height: Int.random(in: 2...10, using: &generator))
            for name in ["a", "b_ms", "c_bytes"] {
                let series = (0..<Int.random(in: 0...2, using: &generator)).map { index in
                    let count = Int.random(in: 0...9, using: &generator)
                    return (
                        tag: Optional("t\(index)"),
                        values: (0..<count).map { _ in generator.pick(extremes) }
                    )
                }
                view.add(reply("max", series), metric: name, aggregate: "max", linesMax: 2)
            }
            let width = Int.random(in: 20...100, using: &generator)
            for isColored in [false, true] {
                for line in shown(view, width: max(width, 40), isColored: isColored) {
                    let bare = line.replacing(/\u{1b}\[[0-9]*m/, with: "")
                    #expect(Visible.text(bare) == bare, "seed \(generator.seed)")
                }
            }
        }
    }
}

/// `quipu metrics chart` as a program.
@Suite struct ChartCommandTests {
    private let directory: TemporaryDirectory
    private let daemon: FakeDaemon

    init() throws {
        directory = try TemporaryDirectory()
        daemon = try FakeDaemon(at: directory("query.sock"), answers: Canned.answers())
    }

    private func chart(
        _ arguments: [String]
    ) throws -> (status: Int32, output: String, errors: String) {
        try Program.run(
            "quipu", ["--runtime-dir", directory.path, "metrics", "chart"] + arguments,
            environment: ["COLUMNS": "100"])
    }

    private var asked: [JSON] {
        daemon.requests.filter { $0["method"] == "metrics.query" }.compactMap { $0["params"] }
    }

    @Test func severalMetricsAreAskedAlike() throws {
        let result = try chart([
            "diagram.render_ms", "web.requests", "--by", "provider,region", "--since", "1h",
            "--aggregate", "avg", "--where", "env=prod",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(/\n +SERIES +LAST +MIN +MAX\n\* +diagram.render_ms/))
        let shared =
            #""since":"1h","where":{"env":"prod"},"aggregate":["avg"],"#
            + #""group_by":["provider","region"],"top":5"#
        #expect(
            asked.map(\.text) == [
                #"{"metric":"diagram.render_ms",\#(shared)}"#,
                #"{"metric":"web.requests",\#(shared)}"#,
            ])
    }

    @Test func oneMetricIsDrawnAsBefore() throws {
        let result = try chart(["diagram.render_ms", "--group-by", "provider"])
        #expect(result.output.hasPrefix("diagram.render_ms avg, each"))
        #expect(!result.output.contains("SERIES"))
        #expect(asked.first?["top"] == nil)
    }

    @Test func jsonIsOneLineForEachMetric() throws {
        let result = try chart(["diagram.render_ms", "web.requests", "--json"])
        let expected = try Canned.result("metrics.query/chart").text + "\n"
        #expect(result.output == expected + expected)
    }

    @Test(arguments: [
        ["a", "--by", "x", "--group-by", "y"], ["a", "b", "--group-by", "y"],
        ["a", "b", "c", "d", "e", "f", "g", "h", "i"], ["a", "b", "--height", "1"],
    ])
    func wrongUsageEndsWith64(_ arguments: [String]) throws {
        #expect(try chart(arguments).status == 64)
    }
}
