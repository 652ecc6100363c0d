import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import quipu

@Suite struct RenderingTests {
    private let plain = Style(isColored: false)
    private let now = Timestamp.seconds(1_795_188_000)

    @Test(arguments: [
        (0, "0 ms"), (0.0123, "0.0123 ms"), (0.4, "0.4 ms"), (4.126, "4.13 ms"), (41.26, "41.3 ms"),
        (412, "412 ms"), (999.9, "1,000 ms"), (5_120, "5.12 s"), (60_000, "1 min"),
        (123_000, "2 min 3 s"), (3_900_000, "1 h 5 min"), (273_600_000, "3 d 4 h"),
        (-5, "-5 ms"), (.nan, "-"), (1e300, "11,574,074,074 d 1 h"),
    ])
    func durations(_ milliseconds: Double, _ expected: String) {
        #expect(Units.duration(ms: milliseconds) == expected)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (999.6, "1 kB"), (1_000, "1 kB"), (3_200_000_000, "3.2 GB"),
        (1.5e15, "1.5 PB"), (1e300, "9,223,372,036,854,775,807 PB"),
    ])
    func byteCounts(_ count: Double, _ expected: String) {
        #expect(Units.bytes(count) == expected)
    }

    @Test(arguments: [
        (12_345, "12,345"), (1_234_567, "1.23 M"), (0.0125, "0.0125"), (-0.5, "-0.5"), (0, "0"),
        (99.97, "100"), (.infinity, "-"), (-12_345, "-12,345"),
    ])
    func numbers(_ value: Double, _ expected: String) {
        #expect(Units.number(value) == expected)
    }

    @Test func namesCarryTheirUnits() {
        #expect(Units.value(2_000_000, named: "rss_bytes") == "2 MB")
        #expect(Units.value(1_500, named: "render_ms") == "1.5 s")
        #expect(Units.value(90, named: "uptime_s") == "1 min 30 s")
        #expect(Units.value(14.2, named: "lines_per_s") == "14.2/s")
        #expect(Units.value(2_500, named: "bytes_per_s") == "2.5 kB/s")
        #expect(Units.value(95.83, named: "success_rate_percent") == "95.8 %")
        #expect(Units.value(1.234, named: "cost_usd") == "$1.23")
    }

    @Test(
        arguments: [
            (0, "just now"), (5, "5 s ago"), (300, "5 min ago"), (-3, "in 3 s"),
            (7_300, "2 h ago"), (200_000, "2 d ago"),
        ] as [(Int64, String)])
    func moments(_ secondsAgo: Int64, _ expected: String) {
        let moment = Timestamp(microseconds: now.microseconds - secondsAgo * 1_000_000)
        #expect(Units.ago(moment, now: now) == expected)
    }

    @Test func nothingFromALogReachesTheTerminal() {
        #expect(
            Visible.text("a\u{1b}[31mb\u{7}\n\t\r\u{9b}\u{7f}") == #"a\x1b[31mb\x07\n\t\r\x9b\x7f"#)
        #expect(Visible.text("x\u{202e}y\u{2028}") == #"x\u{202e}y\u{2028}"#)
        #expect(Visible.text("é漢😀") == "é漢😀")
        let json = Array(#"{"é":"a\u{9b}b\u{202e}\u{7f}\u001b"}"#.utf8)
        #expect(Visible.json(json) == json)
        let hostile = Array("[\"a\u{9b}b\u{202e}\u{7f}é\"]".utf8)
        #expect(Visible.json(hostile) == Array(#"["a\u009bb\u202e\u007fé"]"#.utf8))
        let table = Table([.text("a\u{1b}[31m")])
        #expect(table.columns[0].title == #"a\x1b[31m"#)
    }

    @Test func columnsAreThoseOfATerminal() {
        #expect(Visible.columns("abc") == 3)
        #expect(Visible.columns("漢字") == 4)
        #expect(Visible.columns("e\u{301}") == 1)
        #expect(Visible.columns("😀") == 2)
        #expect(Visible.cut("漢字漢字", to: 5) == "漢字…")
        #expect(Visible.cut("/a/long/path", to: 6, keeping: .end) == "…/path")
    }

    @Test func aTableOfEvents() throws {
        let events = try JSON.parse(
            #"""
            [{"time":"2026-11-20T15:17:28.926Z","kind":"tool_use","name":"Bash","status":"ok",
              "duration_ms":412,"session":"3f2c","error":null,"attributes":{"cwd":"/tmp","n":3}},
             {"time":"2026-11-19T08:00:00.000Z","kind":"generation","name":null,"status":"error",
              "duration_ms":null,"session":null,"error":"exit\nstatus 1","attributes":{}}]
            """#.utf8)
        let table = EventRows.table(events.array ?? [], now: now)
        let expected = [
            "TIME (UTC)           KIND        NAME  STATUS  DURATION  SESSION  DETAIL",
            "15:17:28.926         tool_use    Bash  ok        412 ms  3f2c     cwd=/tmp n=3",
            #"2026-11-19 08:00:00  generation  -     error          -  -        exit\nstatus 1"#,
        ]
        #expect(table.lines(width: 80, style: plain) == expected)
        #expect(table.lines(width: nil, style: plain) == expected)
        let coloured = table.lines(width: 80, style: Style(isColored: true))
        #expect(coloured[1].contains("\u{1b}[32mok\u{1b}[0m"))
    }

    @Test func tablesFitAnyWidth() {
        var generator = SeededGenerator()
        let pool: [Character] = ["a", "b", " ", "漢", "\n", "é", "\u{1b}"]
        for _ in 0..<200 {
            let count = Int.random(in: 1...6, using: &generator)
            var table = Table(
                (0..<count).map { index in
                    Table.Column(
                        title: "COLUMN\(index)", isRight: Bool.random(using: &generator),
                        isFlexible: Bool.random(using: &generator))
                })
            for _ in 0..<4 {
                table.add(
                    (0..<count).map { _ in
                        let length = Int.random(in: 0...60, using: &generator)
                        return Table.Cell(
                            String(
                                (0..<length).compactMap { _ in
                                    pool.randomElement(using: &generator)
                                }))
                    })
            }
            let width = Int.random(in: 3...150, using: &generator)
            for line in table.lines(width: width, style: plain) {
                #expect(Visible.columns(line) <= width, "seed \(generator.seed)")
            }
        }
    }

    @Test func narrowTablesLeaveTheLeastOut() throws {
        let session = try JSON.parse(
            """
            {"session":"3f2c","started":"2026-11-20T15:00:00.000Z",
            "last_activity":"2026-11-20T15:00:00.000Z","state":"idle","tool_count":20,"errors":3,
            "blocked":1,"tools":{"Bash":20},"file_count":4,"title":"Fix it","project":"/p",
            "tokens":{"total":1500},"cost_usd":0.25}
            """.utf8)
        let table = SessionRows.table([session, session], now: .seconds(1_795_188_000))
        let wide = table.lines(width: nil, style: Style(isColored: false))
        #expect(wide.first?.contains("TITLE") == true)
        // The last row sums up.
        #expect(wide.last?.hasPrefix("TOTAL") == true)
        for figure in ["40", "6", "3,000", "$0.5"] {
            #expect(wide.last?.contains(figure) == true, "\(figure)")
        }
        let narrow = table.dropping(toFit: 60).lines(width: 60, style: Style(isColored: false))
        #expect(narrow.first?.contains("TITLE") == false)
        for column in ["SESSION", "STATE", "CALLS", "ERRORS"] {
            #expect(narrow.first?.contains(column) == true, "\(column)")
        }
        #expect(narrow.allSatisfy { Visible.columns($0) <= 60 })
        #expect(ToolRows.table([], now: .seconds(0)).rows.isEmpty)
    }

    @Test func anOutlineShowsUnits() throws {
        let object = try JSON.parse(
            #"""
            {"status":"ok","uptime_s":90,"database":{"path":null,"size_bytes":4096000},
             "latency_ms":{"p50":2.28},"agents":[],"last_commit":"2026-11-20T15:15:00.000Z","enabled":true}
            """#.utf8)
        #expect(
            Outline(now: now, style: plain).lines(object) == [
                "status                  ok",
                "uptime                  1 min 30 s",
                "database",
                "  path                  -",
                "  size                  4.1 MB",
                "latency",
                "  p50                   2.28 ms",
                "agents                  none",
                "last commit             5 min ago (2026-11-20T15:15:00.000Z)",
                "enabled                 yes",
            ])
    }

    @Test func aChartOfARisingLine() {
        let points = (0...20).map {
            Chart.Point(time: Double($0) * 10, value: Double($0) * 5, seconds: 10)
        }
        let chart = Chart(points: points, since: 0, until: 200, valueName: "render_ms")
        let expected = [
            " 100 ms ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⣀⠤⠒⠒⠉",
            "        │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⣀⠤⠒⠒⠉⠀⠀⠀⠀⠀",
            "33.3 ms ┤⠀⠀⠀⠀⢀⣀⡠⠔⠊⠉⠉⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀",
            "   0 ms ┤⡠⠤⠔⠊⠁⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀",
            "        └─────────────────────",
            "         00:00:00     00:03:20",
        ]
        #expect(chart.lines(width: 30, height: 4, style: plain) == expected)
    }

    /// Of which the older part is left in wider steps; nothing was measured in the middle.
    @Test func aChartOfStepsOfDifferentLengths() throws {
        let reply = try JSON.parse(
            """
                {"step_s":10,"steps":[{"since":"1970-01-01T00:00:00Z","step_s":60},
                 {"since":"1970-01-01T00:03:00Z","step_s":10}],
                 "series":[{"points":{"sum":[[0,1],[60,1],[180,1],[190,1],[200,1]]}}]}
            """.utf8)
        let series = try #require(reply["series"]?.array?.first)
        let points = ChartAnswer.points(series, "sum", of: reply)
        #expect(points.map(\.seconds) == [60, 60, 10, 10, 10])
        let chart = Chart(points: points, since: 0, until: 200, valueName: "n")
        let level = chart.lines(width: 30, height: 3, style: plain)[1]
        #expect(level == "  1 ┤⠤⠤⠤⠤⠤⠤⠤⠤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠤⠤⠤")
    }

    @Test func chartsTakeAnyValues() {
        var generator = SeededGenerator()
        let extremes = [0, -1e300, 1e300, Double.leastNonzeroMagnitude, .nan, .infinity, 1]
        for _ in 0..<200 {
            let points = (0..<Int.random(in: 0...30, using: &generator)).map { index in
                Chart.Point(
                    time: Double(index * 10),
                    value: extremes.randomElement(using: &generator) ?? 0, seconds: 10)
            }
            let chart = Chart(
                points: points, since: 0, until: Double.random(in: 0...1e9, using: &generator),
                valueName: "x")
            let lines = chart.lines(width: 60, height: 5, style: plain)
            #expect(lines.count == 7, "seed \(generator.seed)")
        }
    }

    @Test(arguments: [
        ("kind=a", #"{"kind":"a"}"#), ("session=7", #"{"session":"7"}"#), ("n=7", #"{"n":7}"#),
        ("n=x=y", #"{"n":"x=y"}"#), (#"n="7""#, #"{"n":"7"}"#), ("n=null", #"{"n":null}"#),
        ("n!=7", #"{"n":{"not":7}}"#), ("n>=7.5", #"{"n":{"gte":7.5}}"#),
        ("n>7", #"{"n":{"gt":7}}"#), ("n<7", #"{"n":{"lt":7}}"#), ("n<=7", #"{"n":{"lte":7}}"#),
        ("a.b~%x_", #"{"a.b":{"like":"%x_"}}"#), (#"{"a":[1,2]}"#, #"{"a":[1,2]}"#),
    ])
    func conditions(_ argument: String, _ expected: String) throws {
        let condition = try #require(Condition(argument: argument))
        #expect(JSON.object(condition.members).text == expected)
    }

    @Test(arguments: ["", "kind", "=a", "{", "[1]"])
    func conditionsThatAreNone(_ argument: String) {
        #expect(Condition(argument: argument) == nil)
    }

    @Test func conditionsOfOnePathAreJoined() throws {
        let conditions = ["k=a", "k=b", "n>=1", "n<5"].compactMap(Condition.init(argument:))
        #expect(Condition.join(conditions).text == #"{"k":["a","b"],"n":{"gte":1,"lt":5}}"#)
    }
}
