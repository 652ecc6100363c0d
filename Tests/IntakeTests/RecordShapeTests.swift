import Intake
import QuipuModel
import Testing

/// Objects over several lines and elements of arrays, whole and damaged.
@Suite struct RecordShapeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        /// Attributes of the records that come out.
        let records: [String]
        var rejected: [RejectReason: UInt64] = [:]
        var blank: UInt64 = 0
        var testDescription: String { name }

        init(
            _ name: String, _ text: String, _ records: [String],
            rejected: [RejectReason: UInt64] = [:], blank: UInt64 = 0
        ) {
            self.name = name
            self.text = text
            self.records = records
            self.rejected = rejected
            self.blank = blank
        }
    }

    private static let pretty =
        "{\n  \"a\": {\n    \"b\": [\n      {\n        \"c\": 1\n      }\n    ]\n  }\n}\n"
    private static let prettyAttributes = pretty.dropFirst(4).dropLast(3)

    static let streams: [Case] = [
        Case(
            "pretty", "{\n  \"a\": 1,\n  \"b\": 2\n}\n{\"c\":3}\n",
            [#"{"a":1,"b":2}"#, #"{"c":3}"#]),
        Case("pretty, no newline at the end", "{\n  \"a\": 1\n}", [#"{"a":1}"#]),
        Case(
            "pretty, CRLF", "{\r\n  \"a\": 1\r\n}\r\n{\r\n  \"a\": 2\r\n}\r\n",
            [#"{"a":1}"#, #"{"a":2}"#]),
        Case(
            "pretty, not indented", "{\n\"a\": 1,\n\"b\": [\n{\n\"c\": 2\n}\n]\n}\n",
            [#"{"a":1,"b":[{"c":2}]}"#]),
        Case("pretty, blank lines within", "{\n\n  \"a\": 1\n\n}\n", [#"{"a":1}"#]),
        Case("opened with a member", "{\"a\": 1,\n \"b\": 2}\n", [#"{"a":1,"b":2}"#]),
        Case("welded, pretty", "{\n  \"a\": 1\n}{\n  \"a\": 2\n}\n", [#"{"a":1}"#, #"{"a":2}"#]),
        Case(
            "welded, pretty then line", "{\n  \"a\": 1\n}{\"a\":2}\n{\"a\":3}\n",
            [#"{"a":1}"#, #"{"a":2}"#, #"{"a":3}"#]),
        Case(
            "array among lines",
            "{\"a\":1}\n[\n  {\n    \"a\": 2\n  },\n  {\n    \"a\": 3\n  }\n]\n{\"a\":4}\n",
            [#"{"a":1}"#, #"{"a":2}"#, #"{"a":3}"#, #"{"a":4}"#], blank: 2),
        Case(
            "commas and RS between", "{\n \"a\": 1\n},\n\u{1e}{\n \"a\": 2\n}\n",
            [#"{"a":1}"#, #"{"a":2}"#]),
        Case(
            "torn, then a line", "{\n  \"a\": 1,\n{\"a\":2}\n", [#"{"a":2}"#],
            rejected: [.invalidJSON: 1]),
        Case(
            "torn, then pretty", "{\n  \"a\": 1,\n  \"b\":\n{\n  \"a\": 2\n}\n", [#"{"a":2}"#],
            rejected: [.invalidJSON: 1]),
        Case(
            "torn in a text", "{\n  \"a\": \"x\n{\"a\":2}\n", [#"{"a":2}"#],
            rejected: [.invalidJSON: 1]),
        Case(
            "damaged inside",
            "{\n  \"a\": 1,\n  \0\0\0\n  \"b\": {\n    \"c\": 1\n  }\n}\n{\"a\":2}\n",
            [#"{"a":2}"#], rejected: [.invalidJSON: 1]),
        Case(
            "torn line, then text", "{\"a\":1,\nINFO x\n{\"a\":2}\n", [#"{"a":2}"#],
            rejected: [.invalidJSON: 2]),
        Case(
            "torn at the end", "{\"a\":1}\n{\n  \"b\": 2,\n", [#"{"a":1}"#],
            rejected: [.invalidJSON: 1]),
        Case(
            "torn before NULs", "{\n  \"a\": 1,\n\0\0\0\0\n{\"a\":2}\n", [#"{"a":2}"#],
            rejected: [.invalidJSON: 1, .nulBytes: 1]),
        Case("NULs before pretty", "\0\0\0{\n  \"a\": 1\n}\n", [#"{"a":1}"#]),
    ]

    static let documents: [Case] = [
        Case("nothing", "", []),
        Case("an empty array", "[]\n", []),
        Case("compact", #"[{"a":1}, {"a":2},{"a":3}]"#, [#"{"a":1}"#, #"{"a":2}"#, #"{"a":3}"#]),
        Case(
            "pretty", "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n",
            [#"{"a":1}"#, #"{"a":2}"#]),
        Case(
            "byte order mark, CRLF", "\u{feff}[\r\n  {\r\n    \"a\": 1\r\n  }\r\n]\r\n",
            [#"{"a":1}"#]),
        Case("one object", "{\n  \"a\": 1\n}", [#"{"a":1}"#]),
        Case(
            "array, then lines", "[\n {\"a\":1}\n]\n{\"a\":2}\n{\"a\":3}\n",
            [#"{"a":1}"#, #"{"a":2}"#, #"{"a":3}"#]),
        Case("scalars", #"[1,2, "x",null]"#, [], rejected: [.notAnObject: 4]),
        Case(
            "a metric is an event", #"[{"metric":"m","type":"counter","value":1}]"#,
            [#"{"metric":"m","type":"counter","value":1}"#]),
        Case(
            "a broken element", #"[{"a":1},{"b":},{"a":2}]"#, [#"{"a":1}"#, #"{"a":2}"#],
            rejected: [.invalidJSON: 1]),
        Case(
            "a broken element, pretty",
            "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": tru,,\n    \"c\": 3\n  },\n  {\n    \"a\": 2\n  }\n]",
            [#"{"a":1}"#, #"{"a":2}"#], rejected: [.invalidJSON: 1]),
        Case(
            "a torn element, pretty",
            "[\n  {\n    \"a\": 1,\n    \"x\": \"tor\n  {\n    \"a\": 2\n  }\n]",
            [#"{"a":2}"#], rejected: [.invalidJSON: 1]),
        Case(
            "a splice", #"[{"x":"tru{"b":2},{"c":3}]"#, [#"{"b":2}"#, #"{"c":3}"#],
            rejected: [.invalidJSON: 1]),
        Case("cut off", #"[{"a":1},{"b":"#, [#"{"a":1}"#], rejected: [.invalidJSON: 1]),
        Case("NULs between", "[{\"a\":1},\0\0\0{\"a\":2}]", [#"{"a":1}"#, #"{"a":2}"#]),
        Case(
            "a longer writer's tail", "[{\"a\":1}]ail\": 2},\n{\"a\":3}]",
            [#"{"a":1}"#, #"{"a":3}"#],
            rejected: [.invalidJSON: 1]),
    ]

    /// Without the white space of what was written over several lines.
    private func records(_ batch: DecodedBatch) -> [String] {
        batch.events.map { event in
            (batch.string(event.attributes) ?? "").filter { !$0.isWhitespace }
        }
    }

    private func check(_ test: Case, _ kind: SourceKind) {
        let batch = decode(Array(test.text.utf8), path: "/var/log/app", kind: kind)
        #expect(records(batch) == test.records)
        #expect(batch.tally.rejected == test.rejected)
        #expect(batch.tally.blank == test.blank)
        #expect(batch.closes)
        #expect(batch.events.allSatisfy { ($0.element == 0) == (kind == .file) })
    }

    @Test(arguments: streams) func aStream(_ test: Case) { check(test, .file) }
    @Test(arguments: documents) func aDocument(_ test: Case) { check(test, .document) }

    @Test func anElementIsKnownByWhatItSays() {
        func hash(_ text: String) -> UInt64 {
            decode(Array(text.utf8), path: "/x.json", kind: .document).events[0].element
        }
        #expect(
            hash("[{\"a\": 1, \"b\":\"x y\"}]")
                == hash("[\n  {\n    \"a\":1,\r\n \"b\": \"x y\" }\n]"))
        #expect(hash("[{\"a\":\"x y\"}]") != hash("[{\"a\":\"xy\"}]"))
    }
}
