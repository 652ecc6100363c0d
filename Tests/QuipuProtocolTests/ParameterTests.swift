import QuipuModel
import QuipuProtocol
import Testing

@Suite struct ParameterTests {
    private func seconds(_ offset: Int64) -> Timestamp {
        Timestamp(microseconds: Check.now.microseconds + offset * 1_000_000)
    }

    @Test func withoutParamsItIsTheLastDayWithoutEnd() throws {
        var given = try parameters("{}")
        let query = try given.eventQuery()
        #expect(query.range == TimeRange(since: seconds(-86_400), until: .latest))
        #expect(query.page == PageRequest(limit: 100, cursor: nil))
        #expect(query.order == .newestFirst)
        #expect(query.filters.isEmpty)
    }

    @Test(arguments: [
        (#""90s""#, -90), (#""15m""#, -900), (#""24h""#, -86_400), (#""7d""#, -604_800),
        (#""4w""#, -2_419_200), (#""0s""#, 0), ("1795188000", 0), ("1795187999", -1),
        (#""2026-11-20T15:20:00Z""#, 0), (#""2026-11-20t16:20:00+01:00""#, 0),
        (#""2026-11-20 10:20:00-05:00""#, 0),
    ])
    func timesAreReadInAllTheirForms(_ text: String, _ offset: Int64) throws {
        var given = try parameters(#"{"since":\#(text)}"#)
        #expect(try given.time("since") == seconds(offset))
    }

    @Test func fractionsOfSecondsAreKeptToTheMicrosecond() throws {
        var given = try parameters(#"{"since":1.5,"until":"1970-01-01T00:00:01.1234567Z"}"#)
        #expect(try given.time("since") == Timestamp(microseconds: 1_500_000))
        #expect(try given.time("until") == Timestamp(microseconds: 1_123_456))
    }

    @Test func spansBeyondTheCalendarAreItsBeginning() throws {
        var given = try parameters(#"{"since":"500000w"}"#)
        #expect(try given.time("since") == .earliest)
    }

    @Test func sinceAfterNowNeedsNoUntil() throws {
        var given = try parameters(#"{"since":"2030-01-01"}"#)
        #expect(try given.eventQuery().range.until == .latest)
        given = try parameters(#"{"since":"2030-01-01","metric":"a"}"#)
        let query = try given.metricQuery()
        #expect(query.range.until > query.range.since)
    }

    @Test func columnsAndWhereAreOneList() throws {
        var given = try parameters(
            #"""
            {"kind":"tool_use","status":["ok",null],"task":null,
             "where":{"duration_ms":{"gte":5,"lt":10.5},"a.b":{"not":{"like":"x%"}},"c":true}}
            """#)
        let filters = try given.eventQuery().filters
        #expect(
            filters == [
                Filter(path: "kind", test: .oneOf([.string("tool_use")])),
                Filter(path: "status", test: .oneOf([.string("ok"), .null])),
                Filter(path: "task", test: .oneOf([.null])),
                Filter(
                    path: "duration_ms", test: .all([.atLeast(.int(5)), .below(.double(10.5))])),
                Filter(path: "a.b", test: .not(.like("x%"))),
                Filter(path: "c", test: .oneOf([.bool(true)])),
            ])
    }

    @Test func errorsAreEventsWithStatusError() throws {
        var given = try parameters(#"{"name":"Bash"}"#)
        let filters = try given.errorQuery().filters
        #expect(filters.contains(Filter(path: "status", test: .oneOf([.string("error")]))))
        #expect(filters.count == 2)
    }

    @Test func groupsKnowColumnsSpansAndAttributes() throws {
        var given = try parameters(
            #"{"group_by":["kind","day","provider","attributes.model"],"sum":"attributes.tokens"}"#)
        let query = try given.summaryQuery()
        #expect(
            query.groupBy == [
                .column(.kind), .span(.day), .attribute("provider"), .attribute("model"),
            ])
        #expect(query.sum == ["tokens"])
    }

    @Test func aSessionsTimelineIsAllOfItOldestFirst() throws {
        var given = try parameters(#"{"session":"s","limit":5}"#)
        let timeline = try given.sessionDetailQuery().timeline
        #expect(timeline.range == TimeRange(since: .earliest, until: .latest))
        #expect(timeline.order == .oldestFirst)
        #expect(timeline.page.limit == 5)
        #expect(timeline.filters == [Filter(path: "session", test: .oneOf([.string("s")]))])
    }

    @Test func starsInMetricNamesStandForAnything() throws {
        var given = try parameters(#"{"metric":"diagram.*","type":"timer"}"#)
        let query = try given.seriesQuery()
        #expect(query.metricLike == "diagram.%")
        #expect(query.type == .timer)
        var literal = try parameters(#"{"metric":"render_ms%\\"}"#)
        #expect(try literal.seriesQuery().metricLike == #"render\_ms\%\\"#)
    }

    @Test func metricQueriesEndWithTheStepThatHoldsNow() throws {
        var given = try parameters(#"{"metric":"a","since":"15m","step":"1m","aggregate":"p99.9"}"#)
        let query = try given.metricQuery()
        #expect(query.stepSeconds == 60)
        #expect(query.range.until == seconds(60))
        #expect(query.aggregates.map(\.word) == ["p99.9"])
    }

    @Test(arguments: [
        "9223372036854775800", "5000000000000000000", "315576000010", #""99999999w""#,
    ])
    func stepsHaveABound(_ step: String) throws {
        for since in ["15m", "0001-01-01T00:00:00Z"] {
            var given = try parameters(#"{"metric":"a","since":"\#(since)","step":\#(step)}"#)
            #expect(throws: RPCError.self) { try given.metricQuery() }
        }
    }

    @Test func typesAreOfAllMetricsOrByName() throws {
        var given = try parameters(#"{"metrics":{"a":"x","b":"y"},"type":"timer"}"#)
        #expect(try given.metricQuery().metrics.map(\.type) == [.timer, .timer])
        given = try parameters(#"{"metrics":{"a":"x","b":"y"},"type":{"b":"set"}}"#)
        #expect(try given.metricQuery().metrics.map(\.type) == [nil, .set])
        for (type, path) in [
            (#""x""#, "type"), ("5", "type"), (#"{"c":"set"}"#, "type.c"),
            (#"{"a":"x"}"#, "type.a"),
        ] {
            given = try parameters(#"{"metrics":{"a":"x"},"type":\#(type)}"#)
            let error = #expect(throws: RPCError.self) { try given.metricQuery() }
            #expect(error?.path == path)
        }
    }

    @Test(arguments: [
        ("15m", Int64(10)), ("50m", 10), ("51m", 30), ("2h", 30), ("5h", 60), ("24h", 300),
        ("7d", 3_600), ("4w", 21_600),
    ])
    func theDefaultStepIsNice(_ span: String, _ expected: Int64) throws {
        var given = try parameters(#"{"metric":"a","since":"\#(span)"}"#)
        #expect(try given.metricQuery().stepSeconds == expected)
    }

    @Test func anyRangeHasAStepThatFits() {
        for power in 0...40 {
            let range = Int64(1) << power
            let step = Span.niceStep(overSeconds: range)
            #expect(step % Limits.rollupSeconds == 0)
            #expect(range / step <= Int64(Limits.pointsPerSeriesDefault))
        }
    }

    @Test func aRefusalSaysWhatThereIs() throws {
        var given = try parameters(#"{"knd":"tool_use"}"#)
        let error = #expect(throws: RPCError.self) { try given.toolQuery() }
        #expect(error?.path == "knd")
        #expect(error?.hint?.contains("name, session, task, project, model, user, since") == true)
    }

    @Test func subscriptionsHaveTopicsAndFilters() throws {
        var given = try parameters(#"{"topics":["events","stats"],"kind":"tool_use"}"#)
        let request = try given.subscribeRequest()
        #expect(request.topics == [.events, .stats])
        #expect(request.filters.count == 1)
        given = try parameters("{}")
        #expect(try given.subscribeRequest().topics == [.events])
    }

    @Test func statementsMayBeAsLongAsTheContractSays() throws {
        let text = "SELECT 1" + String(repeating: " ", count: Limits.sqlTextBytesMax - 8)
        var given = try parameters(#"{"query":"\#(text)"}"#)
        #expect(try given.sqlQuery().text == text)
        given = try parameters(#"{"query":"\#(text) "}"#)
        let error = #expect(throws: RPCError.self) { try given.sqlQuery() }
        #expect(error?.code == .limitExceeded)
        #expect(error?.hint == "at most 65536 bytes")
    }
}
