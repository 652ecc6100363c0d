import Intake
import QuipuModel
import Testing

/// Rows of transcripts beyond their fixture.
@Suite struct TranscriptTests {
    private static let path = "/home/ana/.claude/projects/-home-ana-shop/5b0e.jsonl"
    private static let prompt =
        #"{"type":"user","uuid":"u1","sessionId":"s","message":{"role":"user","content":"Hi"}}"#
    private static let progress =
        #"{"parentUuid":null,"isSidechain":false,"sessionId":"s","type":"progress","#
        + #""data":{"type":"agent_progress","message":{"usage":{"input_tokens":7}}}}"#

    @Test(arguments: [
        progress, #"{"type":"file-history-snapshot","messageId":"m","snapshot":{}}"#,
        #"{"type":"queue-operation","operation":"enqueue","sessionId":"s","content":"x"}"#,
        #"{"type":"mode","mode":"plan","sessionId":"s"}"#,
        #"{"type":"last-prompt","lastPrompt":"a \"b\"","sessionId":"s"}"#,
        #"{"uuid":"u","attachment":{"type":"task_reminder","content":[]},"type":"attachment"}"#,
        #"{ "uuid" : "u", "type" : "permission-mode" }"#,
    ])
    func rowsThatSayNothingAreBlank(row: String) {
        for path in [Self.path, "/srv/logs/chat.jsonl"] {
            guard path == Self.path || row.contains("uuid") || row.contains("sessionId") else {
                continue
            }
            let batch = decode(row + "\n" + Self.prompt + "\n", path: path)
            #expect(batch.tally.blank == 1, "\(path)")
            #expect(batch.events.count == 1 && batch.usages.isEmpty, "\(path)")
        }
    }

    @Test(arguments: [
        #"{"type":"progress","percent":40}"#, #"{"type":"mode","value":"fast"}"#,
        #"{"type":"attachment","file":"a.png"}"#, #"{"usage":"91 %","disk":"/dev/sda1"}"#,
    ])
    func linesOfOthersAreEvents(line: String) {
        #expect(decode(line + "\n").events.count == 1)
    }

    /// Rows of which the first would say nothing.
    @Test(arguments: [
        (progress + prompt, 0), (progress.dropLast(20) + prompt, 1), ("\0\0\0" + prompt, 0),
    ])
    func whatIsWeldedToThemIsRead(line: String, rejected: Int) {
        let batch = decode(line + "\n", path: Self.path)
        #expect(batch.events.map { batch.string($0.identity) } == ["u1"])
        #expect(batch.tally.rejected.values.reduce(0, +) == UInt64(rejected))
        #expect(batch.closes)
    }

    @Test func aRowCountsOnce() {
        let batch = decode(
            #"{"type":"assistant","uuid":"u","sessionId":"s","message":{"id":"m","content":["#
                + #"{"type":"text","text":"a"},{"type":"text","text":"b"},"#
                + #"{"type":"tool_use","id":"t1","name":"X","input":{}},"#
                + #"{"type":"tool_use","id":"t2","name":"X","input":{}}],"#
                + #""usage":{"input_tokens":1,"output_tokens":2}}}"# + "\n", path: Self.path)
        #expect(batch.tally.received == 1)
        #expect(batch.events.map(\.isFurther) == [false, true, true])
        #expect(batch.usages.map(\.isFurther) == [true])
        #expect(batch.payload(of: batch.events[0])?.contains(#""text":"b""#) == true)
    }

    @Test(arguments: [
        (#""cache_creation_input_tokens":10"#, 10, 0),
        (#""cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6}"#, 4, 6),
        (
            #""cache_creation_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":6}"#,
            4, 6
        ),
        (
            #""cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":0}"#,
            10, 0
        ),
        (
            #""cache_creation_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":9}"#,
            0, 5
        ),
        (#""cache_creation_input_tokens":-3,"input_tokens":1e300"#, 0, 0),
        (#""cache_creation_input_tokens":"x","cache_creation":null"#, 0, 0),
    ])
    func whatIsWrittenToTheCacheAddsUp(usage: String, for5m: Int64, for1h: Int64) throws {
        let batch = decode(
            #"{"type":"assistant","uuid":"u","message":{"id":"m","usage":{\#(usage)}}}"# + "\n")
        let tokens = try #require(batch.usages.first).tokens
        #expect(tokens.cacheWrite5m == for5m && tokens.cacheWrite1h == for1h)
        #expect(tokens.total == for5m + for1h)
    }

    @Test(arguments: [
        (path, "ana", nil),
        ("/root/.claude/projects/-root/5b0e/subagents/agent-a81.jsonl", "root", "a81"),
        ("/Users/bo/.claude/projects/-Users-bo/agent-77.jsonl", "bo", "77"),
        ("/srv/claude/projects/-srv/5b0e.jsonl", nil, nil),
        ("/home/ana/logs/agent-log.jsonl", "ana", nil),
    ])
    func userAndAgentFromThePath(path: String, user: String?, agent: String?) {
        let batch = decode(Self.prompt + "\n", path: path)
        #expect(batch.string(batch.events[0].context.user) == user)
        #expect(batch.string(batch.events[0].context.agentID) == agent)
        #expect(batch.string(batch.events[0].session) == "s")
    }

    @Test(arguments: [
        #"{"type":"assistant","uuid":"u"}"#, #"{"type":"assistant","uuid":"u","message":"x"}"#,
        #"{"type":"assistant","uuid":"u","message":{"content":[1,{"type":1},{"type":"tool_use"}]}}"#,
        #"{"type":"user","uuid":"u","message":{"content":[[],{"type":"tool_result","is_error":1}]}}"#,
        #"{"type":"user","uuid":"u","message":{"content":[{"type":"tool_result","is_error":true,"#
            + #""content":[[{"text":"x"}]]}]},"toolUseResult":[{"a":[]}]}"#,
        #"{"type":"user","uuid":"u","message":{"content":null},"toolUseResult":null}"#,
        #"{"type":"system","uuid":"u","subtype":"api_error","error":[{"error":{}}]}"#,
        #"{"type":"system","uuid":"u","subtype":"compact_boundary","compactMetadata":[]}"#,
        #"{"type":"attachment","uuid":"u","attachment":"x"}"#,
        #"{"timestamp":"2026-11-20T15:17:00Z","type":"event_msg","payload":{"type":"token_count"}}"#,
        #"{"timestamp":"2026-11-20T15:17:00Z","type":"response_item","payload":{"type":7}}"#,
        #"{"timestamp":"2026-11-20T15:17:00Z","type":"session_meta","payload":{"git":"x"}}"#,
        #"{"type":"gemini","tokens":{},"toolCalls":[{"args":[]},2],"content":[[]]}"#,
        #"{"sessionId":"s","startTime":0,"messages":[{},3,{"type":"gemini","content":{}}]}"#,
        #"{"usage":"m","input_tokens":null,"output_tokens":0,"cost_usd":null,"id":7}"#,
    ])
    func rowsOfAnotherShapeCountOnceToo(row: String) {
        let batch = decode(row + "\n")
        #expect(batch.closes && batch.tally.received == 1)
        #expect(batch.tally.rejected.isEmpty)
    }

    @Test func localTimesAreThoseOfTheirZone() {
        // Berlin in 2026: summer time from March 29, 01:00 UTC, to October 25, 01:00 UTC.
        var options = DecoderOptions()
        options.zone = ZoneRules(
            firstOffsetSeconds: 3_600,
            changes: [
                .init(seconds: 1_774_746_000, offsetSeconds: 7_200),
                .init(seconds: 1_792_890_000, offsetSeconds: 3_600),
            ])
        let decoder = Decoder(options: options)
        let cases: [(String, Int64)] = [
            ("2026-01-10T12:00:00", 1_768_042_800), ("2026-03-29T01:59:59", 1_774_745_999),
            ("2026-03-29T02:30:00", 1_774_747_800), ("2026-03-29T03:00:00", 1_774_746_000),
            ("2026-07-01T12:00:00", 1_782_900_000), ("2026-10-25T02:30:00", 1_792_888_200),
            ("2026-10-25T03:00:00", 1_792_893_600), ("2026-07-01 12:00:00Z", 1_782_907_200),
            ("2026-07-01T12:00:00+00:00", 1_782_907_200), ("2026-12-01", 1_796_079_600),
        ]
        for (text, seconds) in cases {
            let line = Array(#"{"event":"e","time":"\#(text)"}"#.utf8) + [0x0a]
            let batch = decode(line, decoder: decoder)
            #expect(batch.events[0].time == .seconds(seconds), "\(text)")
            #expect(
                batch.string(batch.events[0].attributes) == #"{"time_text":"\#(text)"}"#)
        }
    }
}
