import QuipuModel
import QuipuProtocol
import Testing

/// Answers, compared with the text of the examples under `protocol/`.
@Suite struct AnswerTests {
    private let moment = Timestamp(microseconds: 1_795_187_848_926_400)

    private func example(_ name: String) throws -> JSON {
        try ProtocolFiles.json("examples/valid/\(name).json")["reply"]?["result"] ?? .null
    }

    private var event: Event {
        Event(
            seq: 4711, time: moment, timeIsArrival: false, kind: "tool_use", name: "Bash",
            status: .ok, durationMs: 412, session: "3f2c", task: nil, agent: "code_agent",
            error: nil, sourcePath: "/home/u/logs/sessions/3f2c/post_tool_use.jsonl",
            sourceOffset: 10_240, attributesJSON: #"{"tool_input":{"command":"ls"}}"#)
    }

    private var counts: OutcomeCounts {
        var counts = OutcomeCounts()
        counts.add(.ok, count: 23)
        counts.add(.error)
        counts.add(.blocked)
        return counts
    }

    private let duration = DurationSummary(
        min: 1.5, avg: 20.0001, p50: 18.25, p90: 40, p99: 77.125, max: 80)

    @Test func events() throws {
        let reply = Page(rows: [event], nextCursor: "NDcxMQ").json("events") { $0.json }
        #expect(try parse(reply.text) == example("events.query/page"))
    }

    @Test func anEventWithoutATimeOfItsOwnSaysSo() {
        var late = event
        late.timeIsArrival = true
        late.attributesJSON = ""
        #expect(late.json["time_is"] == "arrival")
        #expect(late.json["attributes"] == [:])
        #expect(event.json["time_is"] == nil)
    }

    @Test func groups() throws {
        let group = EventGroup(
            group: [
                .init(name: "provider", value: .string("aws")),
                .init(name: "day", value: .string("2026-11-20")),
            ], counts: counts, duration: duration, last: moment,
            sums: [.init(path: "tokens", value: 250)])
        let expected = try example("events.summary/by_provider")["groups"]?.array
        #expect(group.json == expected?.first)
    }

    @Test func tools() throws {
        let tool = ToolStatistics(
            name: "Bash", counts: counts, duration: duration, lastUsed: moment,
            errorsByCategory: [.permission: 1])
        let expected = try example("tools.stats/all")["tools"]?.array
        #expect(tool.json == expected?.first)
        var running = ToolStatistics(
            name: "Task", counts: OutcomeCounts(), duration: nil, lastUsed: moment)
        running.counts.add(.running)
        #expect(running.json["success_rate_percent"] == .null)
        #expect(running.json["duration_ms"] == .null)
    }

    @Test func sessionsTellTheirState() throws {
        var summary = SessionSummary(
            session: "3f2c", started: .seconds(1_795_186_800), lastActivity: moment,
            eventCount: 40, toolCount: 25, errors: 1, blocked: 1,
            tools: [.init(name: "Bash", count: 20), .init(name: "Edit", count: 5)])
        summary.fileCount = 3
        func json(after seconds: Int64) -> JSON {
            summary.json(
                now: Timestamp(microseconds: moment.microseconds + seconds * 1_000_000))
        }
        let expected = try example("sessions.list/recent")["sessions"]?.array
        #expect(json(after: 600) == expected?.first)
        #expect(json(after: 300)["state"] == "active")
        #expect(json(after: 301)["state"] == "idle")
        #expect(json(after: 1_801)["state"] == "ended")
    }

    @Test func aSessionWithEverythingThatIsKnown() throws {
        var summary = SessionSummary(
            session: "3f2c", started: .seconds(1_795_186_800), lastActivity: moment,
            eventCount: 40, toolCount: 25, errors: 1, blocked: 1,
            tools: [.init(name: "Bash", count: 20), .init(name: "Edit", count: 5)])
        summary.fileCount = 1
        summary.subagentCount = 1
        summary.title = "Fix the build"
        summary.context = [
            .project: "/home/u/app", .model: "claude-sonnet-5", .branch: "main",
        ]
        var tokens = TokenCounts()
        tokens.input = 120
        tokens.cacheWrite1h = 2_000
        tokens.cacheRead = 81_000
        tokens.output = 640
        summary.usage = SessionUsage(tokens: tokens, costUSD: 0.0614)
        let file = FileTouches(
            path: "/home/u/app/Main.swift", reads: 4, writes: 1, edits: 7,
            firstSeen: .seconds(1_795_186_800), lastSeen: moment, sessions: 1)
        let subagent = SessionDetail.Subagent(
            agentID: "a17", session: nil, started: .seconds(1_795_186_860),
            lastActivity: .seconds(1_795_186_920), eventCount: 9, toolCount: 8, errors: 0)
        let detail = SessionDetail(summary: summary, subagents: [subagent], files: [file])
        let now = Timestamp(microseconds: moment.microseconds + 600_000_000)
        let expected = try example("sessions.get/one")
        for member in detail.members(now: now) {
            #expect(expected[member.name] == member.value, "\(member.name)")
        }
    }

    @Test func whatIsKnownOfAnEventComesLast() {
        var known = event
        known.context = [.user: "u", .project: "/p"]
        known.errorCategory = .notFound
        let names = (known.json.members ?? []).map(\.name)
        #expect(names.suffix(3) == ["project", "user", "error_category"])
        #expect(known.json["error_category"] == "not_found")
        #expect(event.json["project"] == nil)
    }

    @Test func series() throws {
        let tags = [
            Tag(key: "provider", value: "aws"), Tag(key: "beta", value: ""),
            Tag(key: "zone", value: "a"), Tag(key: "zone", value: "b"),
        ]
        let series = Series(
            name: "diagram.render_ms", type: .timer, tags: tags, first: .seconds(1_795_183_200),
            last: moment, samples: 1_200.5)
        let expected = try example("metrics.list/pattern")["series"]?.array
        #expect(series.json == expected?.first)
    }

    @Test func points() throws {
        let query = MetricQuery(
            metric: "diagram.render_ms",
            range: TimeRange(since: .seconds(1_795_186_800), until: .seconds(1_795_186_820)),
            stepSeconds: 10, aggregates: [])
        let average: [MetricSeries.Point] = [
            .init(time: 1_795_186_800, value: 183.2), .init(time: 1_795_186_810, value: 180),
        ]
        let quantile: [MetricSeries.Point] = [
            .init(time: 1_795_186_800, value: 240.25), .init(time: 1_795_186_810, value: .nan),
        ]
        let series = MetricSeries(
            type: .timer, tags: [.init(key: "provider", value: "aws")],
            points: [
                .init(word: "avg", values: average), .init(word: "p99.9", values: quantile),
            ])
        let expected = try example("metrics.query/chart")
        #expect(query.reply(MetricAnswer(series: [series])) == expected)
    }

    @Test func ledgers() throws {
        var tally = Tally()
        tally.received = 12
        tally.stored = 8
        tally.merged = 1
        tally.blank = 1
        tally.rejected = [.invalidJSON: 1, .tooDeep: 0]
        tally.lost = ["truncated": 1]
        let identity = SourceIdentity(
            host: "web1", kind: .file, key: "file:1a2b-1-1732190400", path: "/logs/x.jsonl")
        let account = SourceAccount(
            id: 7, identity: identity, incarnation: 1, position: 4_096, size: 9_000,
            finished: false, opened: .seconds(1_795_183_200), tally: tally, lostBytes: 120)
        let reject = KeptReject(
            path: "/logs/x.jsonl", offset: 2_048, reason: .invalidJSON, time: moment,
            head: Array(#"{"a":"#.utf8))
        let ledger = Ledger(
            total: tally, totalLostBytes: 120,
            sources: Page(rows: [account], nextCursor: "Nw"), rejects: [reject], balanced: true)
        let expected = try example("ledger/one_source")
        #expect(ledger.json == expected)
    }

    @Test func ingestParamsComeBackAsTheyWereSent() throws {
        let open = IngestOpen(
            source: SourceIdentity(host: "h", kind: .datagrams, key: "k", path: "/p"),
            sizeBytes: 10, restart: .init(cause: .rewritten, lostBytes: 3))
        var given = Parameters(open.params, now: Check.now)
        #expect(try given.ingestOpen() == open)
        var own = open
        own.source.host = SourceIdentity.ownHost
        #expect(own.params["source"]?["host"] == nil)
        given = Parameters(own.params, now: Check.now)
        #expect(try given.ingestOpen() == own)

        let batch = IngestBatch(
            sourceID: 7, from: 5, to: 10, byteCount: 5, sizeBytes: 20,
            head: SourceHead(bytes: 5, hash: 0xab), arrival: Timestamp(microseconds: 1_500_000),
            finished: true)
        given = Parameters(batch.params, now: Check.now)
        #expect(try given.ingestBatch() == batch)
        #expect(Parameters.byteCount(of: batch.params) == 5)

        let skip = IngestSkip(
            sourceID: 7, from: 5, to: 10, lines: 2, why: .rejected(.lineTooLong),
            head: SourceHead(bytes: 3, hash: 7))
        given = Parameters(skip.params, now: Check.now)
        #expect(try given.ingestSkip() == skip)
        let claim: JSON = ["source_id": 7, "from": 5, "to": 10, "lines": 6, "lost": "truncated"]
        given = Parameters(claim, now: Check.now)
        #expect(throws: RPCError.invalid("lines", "more than bytes")) {
            try given.ingestSkip()
        }
    }
}
