import Intake
import QuipuModel
import QuipuProtocol
import Testing

/// What single members mean. Whole shapes are in `FixtureTests`.
@Suite struct EventTests {
    private func event(_ line: String, path: String = "/x.jsonl") -> (DecodedBatch, EventRecord) {
        let batch = decode(line + "\n", path: path)
        #expect(batch.events.count == 1)
        return (batch, batch.events.first ?? EventRecord())
    }

    @Test(arguments: [
        ("PreToolUse", "tool_use"), ("pre_tool_use", "tool_use"), ("pre-tool-use", "tool_use"),
        ("PRE_TOOL_USE", "tool_use"), ("preToolUse", "tool_use"), ("SubagentStop", "subagent"),
        ("HTTPRequestDone", "http_request_done"), ("some.new-Thing2", "some_new_thing2"),
        ("Ünknown", "Ünknown"), ("x", "x"),
    ])
    func hookNamesComeInEveryCase(name: String, kind: String) {
        let (batch, event) = event(#"{"hook_event_name":"\#(name)"}"#)
        #expect(batch.string(event.kind) == kind)
    }

    @Test(arguments: [
        (#""tool_response":{"is_error":true}"#, EventStatus.error),
        (#""tool_response":{"isError":true}"#, .error),
        (#""tool_response":{"success":false}"#, .error),
        (#""tool_response":{"error":"boom"}"#, .error),
        (#""tool_response":{"interrupted":true}"#, .error),
        (#""tool_response":{"error":""}"#, .ok),
        (#""tool_response":{"error":null,"success":true}"#, .ok),
        (#""tool_response":"error: it says error""#, .ok),
        (#""tool_response":[{"is_error":true}]"#, .ok),
        (#""has_error":true"#, .error), (#""has_error":false"#, .ok),
        (#""is_error":true"#, .error), (#""error":"x""#, .error), (#""error":"""#, .ok),
        (#""error":{}"#, .ok), (#""error":{"code":1}"#, .error), (#""error":false"#, .ok),
        (#""tool_error":"x""#, .error), (#""success":false"#, .error), (#""success":null"#, .ok),
        (#""success":true"#, .ok), (#""is_interrupt":true"#, .error),
        (#""status":"failed""#, .error), (#""status":"denied""#, .blocked),
        (#""status":"OK""#, .ok), (#""status":200"#, .ok), (#""status":"starting""#, .ok),
    ])
    func statusOfAFinishedCall(member: String, status: EventStatus) {
        let (_, event) = event(#"{"hook_event_name":"PostToolUse","tool_name":"T",\#(member)}"#)
        #expect(event.status == status)
        #expect(event.half == .closing)
    }

    @Test(arguments: [
        (#""status":"blocked""#, EventStatus.blocked), (#""decision":"block""#, .blocked),
        (#""decision":"deny""#, .blocked), (#""blocked":true"#, .blocked),
        (#""blocked":false"#, .running), (#""status":"allowed""#, .running),
        (#""status":"error""#, .error), (#""decision":"approve""#, .running),
    ])
    func statusOfACallThatBegins(member: String, status: EventStatus) {
        let (_, event) = event(#"{"hook_event_name":"PreToolUse","tool_name":"T",\#(member)}"#)
        #expect(event.status == status)
        #expect(event.half == .opening)
    }

    @Test(arguments: [
        (#""timestamp":"2026-11-20T15:17:28Z""#, 1_795_187_848_000_000),
        (#""time":"2026-11-20T15:17:28.926Z""#, 1_795_187_848_926_000),
        (#""ts":"2026-11-20T15:17:28.9261234567Z""#, 1_795_187_848_926_123),
        (#""ts":"2026-11-20T17:17:28+02:00""#, 1_795_187_848_000_000),
        (#""ts":"2026-11-20T09:47:28-0530""#, 1_795_187_848_000_000),
        (#""ts":"2026-11-20T16:17:28+01""#, 1_795_187_848_000_000),
        (#""ts":"2026-11-20 15:17:28,5 +00:00""#, 1_795_187_848_500_000),
        (#""ts":"2026-11-20t15:17z""#, 1_795_187_820_000_000),
        (#""ts":"2026-11-20""#, 1_795_132_800_000_000),
        (#""ts":"2016-12-31T23:59:60Z""#, 1_483_228_800_000_000),
        (#""ts":"1969-12-31T23:59:59.5Z""#, -500_000),
        (#""ts":"2024-02-29T00:00:00Z""#, 1_709_164_800_000_000),
        (#""t":1795187848"#, 1_795_187_848_000_000),
        (#""t":1795187848.926"#, 1_795_187_848_926_000),
        (#""t":1795187848926"#, 1_795_187_848_926_000),
        (#""t":1795187848926123"#, 1_795_187_848_926_123),
        (#""t":1795187848926123000"#, 1_795_187_848_926_123),
        (#""t":"1795187848""#, 1_795_187_848_000_000),
        (#""timestamp":null,"logged_at":"2026-11-20T15:17:28Z""#, 1_795_187_848_000_000),
    ])
    func timesComeInManyForms(member: String, microseconds: Int) {
        let (batch, event) = event("{\(member),\"x\":1}")
        #expect(event.time.microseconds == Int64(microseconds))
        #expect(!event.timeIsArrival)
        #expect(batch.string(event.attributes)?.contains(#""x":1"#) == true)
    }

    @Test(arguments: [
        "null", "\"\"", "\"yesterday\"", "5", "-1", "1e300", "true", "{}", "\"2026-13-01\"",
        "\"2026-02-29T00:00:00Z\"", "\"2026-11-20T24:00:00Z\"", "\"2026-11-20T15:17:28+\"",
        "\"2026-11-20T15:17:28.Z\"", "\"2026-11-20X\"", "\"2026-11-20T15:17:28Zx\"",
        "123456789012345678901234567890",
    ])
    func whatIsNoTimeStaysAnAttribute(value: String) {
        let (batch, event) = event(#"{"timestamp":\#(value)}"#)
        #expect(event.timeIsArrival)
        #expect(event.time == arrival)
        #expect(batch.string(event.attributes) == #"{"timestamp":\#(value)}"#)
    }

    @Test(arguments: [
        ("/srv/logs/sessions/abc/post_tool_use.jsonl", "abc"),
        ("/home/a/.claude/projects/-home-a/77aa-11.jsonl", "77aa-11"),
        ("/home/a/.claude/projects/-home-a/77aa-11/subagents/agent-1.jsonl", "77aa-11"),
        ("/l/3f2c8c1e-7a10-4c5e-9b1d-1f0a2b3c4d5e/x.jsonl", "3f2c8c1e-7a10-4c5e-9b1d-1f0a2b3c4d5e"),
        ("/var/log/app.jsonl", nil), ("", nil), ("sessions", nil), ("/sessions/x.jsonl", nil),
    ])
    func sessionFromThePath(path: String, session: String?) {
        let (batch, event) = event(#"{"a":1}"#, path: path)
        #expect(batch.string(event.session) == session)
        let (own, ownEvent) = self.event(#"{"session_id":"own"}"#, path: path)
        #expect(own.string(ownEvent.session) == "own")
    }

    @Test(arguments: [
        ("post_tool_use.jsonl", CallHalf.closing), ("PreToolUse.jsonl", .opening),
        ("pre-tool-use.jsonl", .opening), ("post_tool_use_raw.jsonl", .closing),
        ("notes.jsonl", .whole),
    ])
    func hookNameFromThePath(file: String, half: CallHalf) {
        let (_, event) = event(#"{"x":1}"#, path: "/logs/" + file)
        #expect(event.half == half)
    }

    @Test func theLineKnowsBetterThanThePath() {
        let (batch, event) = event(
            #"{"hook_event_name":"Stop"}"#, path: "/logs/sessions/s/pre_tool_use.jsonl")
        #expect(batch.string(event.kind) == "stop")
    }

    @Test func largeMembersGoToThePayload() throws {
        let large = String(repeating: "é", count: 600)
        let (batch, event) = event(
            #"{"event":"e","a":"\#(large)","b":1,"attributes":{"c":"\#(large)","d":2}}"#)
        #expect(batch.string(event.attributes) == #"{"d":2,"b":1}"#)
        #expect(batch.payload(of: event) == #"{"c":"\#(large)","a":"\#(large)"}"#)
    }

    @Test func manySmallMembersOverflowIntoThePayload() throws {
        let value = String(repeating: "v", count: 900)
        let members = (0..<200).map { "\"k\($0)\":\"\(value)\"" }.joined(separator: ",")
        let (batch, event) = event("{\(members)}")
        let attributes = try #require(batch.string(event.attributes))
        let payload = try #require(batch.payload(of: event))
        #expect(attributes.utf8.count <= Limits.attributesBytesMax)
        let found = try [attributes, payload].map {
            try JSON.parse(Array($0.utf8)).members?.count ?? 0
        }
        #expect(found.reduce(0, +) == 200)
    }

    @Test func longColumnTextIsCutAndKeptWhole() {
        let long = String(repeating: "ü", count: 1_000)
        let (batch, event) = event(#"{"event":"e","name":"\#(long)"}"#)
        #expect(batch.string(event.name) == String(repeating: "ü", count: 512))
        #expect(batch.payload(of: event) == #"{"name":"\#(long)"}"#)
    }

    @Test func attributesYieldToTheLinesOwnMembers() {
        let (batch, event) = event(
            #"{"event":"e","x":1,"attributes":{"x":2,"y":3,"y":4,"name":"n"}}"#)
        #expect(batch.string(event.attributes) == #"{"y":4,"name":"n","x":1}"#)
        #expect(event.name.isNone)
    }

    @Test func attributesThatAreNoObjectStay() {
        let (batch, event) = event(#"{"event":"e","attributes":[1]}"#)
        #expect(batch.string(event.attributes) == #"{"attributes":[1]}"#)
    }

    @Test func escapesAreUndoneInColumnsOnly() {
        let (batch, event) = event(#"{"event":"e","name":"a\"\u00e9\n","x":"\u00e9"}"#)
        #expect(batch.string(event.name) == "a\"é\n")
        #expect(batch.string(event.attributes) == #"{"x":"\u00e9"}"#)
    }

    @Test func sessionsMayBeNumbers() {
        let (batch, event) = event(#"{"event":"e","session":100000001}"#)
        #expect(batch.string(event.session) == "100000001")
    }

    @Test func toolCallWithoutASessionBelongsToItsTask() {
        let (batch, event) = event(#"{"hook":"PreToolUse","tool":"Bash","task_id":"t1"}"#)
        #expect(batch.string(event.session) == "t1")
        let (other, application) = self.event(#"{"event":"e","task_id":"t1"}"#)
        #expect(other.string(application.session) == nil)
    }

    @Test(arguments: [
        ("12", Int64(12_000)), ("0.5", 500), ("-1", -1), ("\"12\"", -1), ("1e300", -1),
        ("null", -1),
    ])
    func durations(value: String, microseconds: Int64) {
        let (_, event) = event(#"{"event":"e","duration_ms":\#(value)}"#)
        #expect(event.durationMicroseconds == microseconds)
    }
}
