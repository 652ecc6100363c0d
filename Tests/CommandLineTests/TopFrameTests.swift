import Platform
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import quipu

/// What `quipu top` draws: a state in, lines out.
@Suite struct TopFrameTests {
    private let plain = Style(isColored: false)
    private let now = Timestamp.seconds(1_795_187_850)

    private func frame(_ state: TopState, _ columns: Int, _ rows: Int?) -> [String] {
        TopFrame(state: state, now: now, style: plain).lines(columns: columns, rows: rows)
    }

    @Test func aTerminalOf80By24() throws {
        let expected = [
            "quipu top  ok  persistent  up 1 h  memory 28.3 MB         every 2 s 15:17:30 UTC",
            "rates                                   lag",
            "events          8/s                ▇█▁  queue    0 B in 0 batches",
            "metrics         6/s                ▇█▁  commit   1 s ago, p99 4.03 ms",
            "batches         2/s                ▇█▁  agents   1, last batch 1 s ago",
            "lines          14/s                ▇█▁  spool    512 B to go",
            "bytes      1.4 kB/s                ▇█▁  behind   4.9 kB in x.jsonl",
            "── tools, last hour, by calls ──────────────────────────────────────────────────",
            "TOOL           CALLS  FAILED  RUNNING       P50       P90       P99       TIME",
            "Bash              25       1        0   18.3 ms     40 ms   77.1 ms     480 ms",
            "Task              25       1        0         -         -         -          -",
            "── sessions, 0 active ──────────────────────────────────────────────────────────",
            "SESSION       STATE  LAST EVENT  EVENTS   CALLS  ERRORS  BLOCKED  TOOLS",
            "3f2c          idle   1 s ago         40      25       1        1  Bash 20, Edit…",
            "── errors, newest first ────────────────────────────────────────────────────────",
            "AGO     NAME      SESSION  ERROR",
            "1 s     Bash      3f2c     exit status 1",
            "", "", "", "", "", "",
            "q quit  ? help  p pause  s sort  + - interval",
        ]
        for (line, expected) in zip(frame(try Moments.busy(), 80, 24), expected) {
            #expect(line == expected)
        }
    }

    @Test func aTerminalOf40By10() throws {
        let expected = [
            "quipu top  ok     every 2 s 15:17:30 UTC",
            "events 8/s  metrics 6/s  batches 2/s",
            "behind 4.9 kB  spool 512 B  queue 0 B",
            "── tools, last hour, by calls ──────────",
            "TOOL           CALLS  FAILED       P50",
            "Bash              25       1   18.3 ms",
            "── errors, newest first ────────────────",
            "AGO     NAME      SESSION  ERROR",
            "1 s     Bash      3f2c     exit status 1",
            "q quit  ? help  p pause  s sort",
        ]
        let lines = frame(try Moments.busy(), 40, 10)
        #expect(lines == expected)
    }

    @Test func withoutATerminalNothingIsLeftOut() throws {
        let lines = frame(try Moments.busy(), 120, nil)
        #expect(lines.first?.contains("version 0.1.0") == true)
        #expect(!lines.contains { $0.contains("quit") })
        #expect(lines.contains { $0.hasPrefix("Task ") })
    }

    @Test func anySizeIsKept() throws {
        var generator = SeededGenerator()
        let hostile = "a\u{1b}[2J\u{202e}漢字\n\t\u{9b}😀"
        var states = [try Moments.busy(), try Moments.busy(name: hostile)]
        var help = states[0]
        _ = help.handle(.key(.help), now: 0)
        var troubled = states[1]
        _ = troubled.handle(.answered(.failure(.malformed(hostile))), now: 0)
        states += [help, troubled]
        for _ in 0..<400 {
            let columns = Int.random(in: 1...200, using: &generator)
            let rows = Int.random(in: 1...60, using: &generator)
            let lines = frame(generator.pick(states), columns, rows)
            #expect(lines.count <= rows, "seed \(generator.seed)")
            for line in lines {
                #expect(Visible.columns(line) <= columns, "seed \(generator.seed): \(line)")
                #expect(Visible.text(line) == line, "seed \(generator.seed)")
            }
        }
    }

    @Test func theHelpIsWrapped() throws {
        var state = try Moments.busy()
        _ = state.handle(.key(.help), now: 0)
        let lines = frame(state, 40, 24)
        #expect(
            lines[2...4] == [
                "q         quit; so do Ctrl-C and Ctrl-D", "p         pause: the picture stands",
                "          still; again: it goes on",
            ])
        #expect(frame(state, 40, 3).count == 3)
    }

    @Test func coloursAreForThoseWhoWantThem() throws {
        let state = try Moments.busy()
        let coloured = TopFrame(state: state, now: now, style: Style(isColored: true))
        let text = coloured.lines(columns: 80, rows: 24).joined(separator: "\n")
        #expect(text.contains("\u{1b}[31mexit status 1\u{1b}[0m"))
        // The same picture.
        let bare = text.replacing(/\u{1b}\[[0-9]*m/, with: "")
        #expect(bare == frame(state, 80, 24).joined(separator: "\n"))
    }

    @Test func whatIsWrongStandsAtTheTop() throws {
        var state = try Moments.busy()
        var sample = try Moments.sample(at: 10)
        sample.answers[.health] = try Canned.result("health/disk_failed")
        sample.answers[.toolsStats] = nil
        sample.refusals[.toolsStats] = "Timeout"
        _ = state.handle(.answered(.success(sample)), now: 0)
        var lines = frame(state, 80, 24)
        #expect(lines[0].hasPrefix("quipu top  degraded"))
        #expect(lines[1].contains("the disk is full"))
        #expect(lines[2] == "tools.stats: Timeout")
        // What was known stays.
        #expect(lines.contains { $0.hasPrefix("Bash") })
        _ = state.handle(.answered(.failure(.disconnected)), now: 0)
        lines = frame(state, 80, 24)
        #expect(
            lines[0].hasPrefix("quipu top  quipud does not answer, trying again: quipud closed"))
        #expect(lines.contains { $0.hasPrefix("Bash") })
        #expect(lines.contains { $0.hasPrefix("events") && $0.contains("  -  ") })
    }

    @Test func toolsAreSorted() throws {
        var state = try Moments.busy(
            tools: #"""
                [{"name":"a","count":9,"ok":9,"errors":0,"duration_ms":{"avg":1}},
                 {"name":"b","count":5,"ok":1,"errors":4,"duration_ms":null},
                 {"name":"c","count":2,"ok":2,"errors":0,"duration_ms":{"avg":900}}]
                """#)
        func order() -> String {
            let names = frame(state, 80, 24).filter { $0.contains(/^[abc] +\d/) }
            return names.compactMap { $0.first.map(String.init) }.joined()
        }
        var orders = [order()]
        for _ in 0..<3 {
            _ = state.handle(.key(.sort), now: 0)
            orders.append(order())
        }
        #expect(orders == ["abc", "bac", "cab", "abc"])
    }

    @Test(arguments: [
        (nil, [9, 6, 4]), (30, [9, 6, 4]), (12, [4, 4, 4]), (14, [5, 5, 4]), (8, [4, 0, 4]),
        (4, [4, 0, 0]), (2, [2, 0, 0]), (0, [0, 0, 0]),
    ])
    func panelsShareTheRows(_ rows: Int?, _ expected: [Int]) {
        #expect(TopPanels.share(rows, wanted: [9, 6, 4], giveUpFirst: [1, 2, 0]) == expected)
    }

    @Test func barsShowTheNewestAtTheRight() {
        #expect(Sparkline.text([9, 0, 4, nil, 8], width: 5) == "█▁▄ ▇")
        #expect(Sparkline.text([1, 2], width: 4) == "  ▅█")
        #expect(Sparkline.text([1, 2, 4], width: 2) == "▅█")
        #expect(Sparkline.text([0, nil, .infinity], width: 3) == "▁  ")
        #expect(Sparkline.text([1], width: -1) == "")
    }
}

/// Samples made of the protocol's examples.
enum Moments {
    /// After so many seconds, with so many batches of 7 lines each.
    static func sample(
        at seconds: Int64, batches: Int64 = 0, uptime: Int64 = 3_600
    ) throws -> TopSample {
        var sample = TopSample(
            microseconds: seconds * 1_000_000, time: .seconds(1_795_187_840 + seconds))
        for (method, example) in [
            (.health, "health/well"), (.toolsStats, "tools.stats/all"),
            (.sessionsList, "sessions.list/recent"), (.errorsList, "errors.list/recent"),
        ] as [(QuipuProtocol.Method, String)] {
            sample.answers[method] = try Canned.result(example)
        }
        let stats = try Canned.result("stats/busy")
        sample.answers[.stats] = [
            "uptime_s": .int(uptime), "rss_bytes": stats["rss_bytes"] ?? .null,
            "commits": stats["commits"] ?? .null, "stored": ["events": .int(4 * batches)],
            "ingest": [
                "batches": .int(batches), "lines": .int(7 * batches), "bytes": .int(700 * batches),
                "queue_bytes": 0, "queue_batches": 0,
            ],
        ]
        sample.answers[.ledger] = [
            "balanced": true, "total": ["stored": .int(7 * batches)],
            "sources": [
                ["kind": "file", "path": "/logs/x.jsonl", "lag_bytes": 4_904],
                ["kind": "file", "path": "/logs/y.jsonl", "lag_bytes": 0],
                ["kind": "datagrams", "path": "spool", "lag_bytes": 512],
            ],
        ]
        return sample
    }

    /// Three intervals in which something came in, the last of them with the least.
    static func busy(name: String? = nil, tools: String? = nil) throws -> TopState {
        var state = TopState(
            sample: try sample(at: 0), size: TerminalSize(columns: 80, rows: 24),
            intervalMs: 2_000)
        for (seconds, batches) in [(2, 60), (4, 126), (10, 138)] as [(Int64, Int64)] {
            var sample = try sample(at: seconds, batches: batches)
            if let tools { sample.answers[.toolsStats] = ["tools": try JSON.parse(tools.utf8)] }
            if let name {
                sample.answers[.toolsStats] = ["tools": [["name": .string(name), "count": 1]]]
                sample.answers[.sessionsList] = ["sessions": [["session": .string(name)]]]
                sample.answers[.errorsList] = [
                    "errors": [["name": .string(name), "error": .string(name)]]
                ]
            }
            _ = state.handle(.answered(.success(sample)), now: 0)
        }
        return state
    }
}
