import Intake
import QuipuModel
import Testing

/// Lines that are no JSON object: each costs at most itself.
@Suite struct DamagedLineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        /// Attributes of the records that come out.
        var records: [String] = []
        var rejected: [RejectReason: UInt64] = [:]
        var blank: UInt64 = 0
        var testDescription: String { name }

        init(
            _ name: String, _ bytes: [UInt8], _ records: [String] = [],
            rejected: [RejectReason: UInt64] = [:], blank: UInt64 = 0
        ) {
            self.name = name
            self.bytes = bytes
            self.records = records
            self.rejected = rejected
            self.blank = blank
        }

        init(
            _ name: String, _ text: String, _ records: [String] = [],
            rejected: [RejectReason: UInt64] = [:], blank: UInt64 = 0
        ) {
            self.init(name, Array(text.utf8), records, rejected: rejected, blank: blank)
        }
    }

    private static let a = #"{"a":1}"#
    private static let b = #"{"b":2}"#

    static let cases: [Case] = [
        Case("empty file", ""),
        Case("byte order mark", "\u{feff}" + a + "\n", [a]),
        Case("only a byte order mark", "\u{feff}"),
        Case("CRLF", a + "\r\n" + b + "\r\n", [a, b]),
        Case("blank lines", "\n  \n\t\r\n" + a + "\n", [a], blank: 3),
        Case("no newline at the end", a, [a]),
        Case("white space around", "  " + a + "\t \n", [a]),
        Case("only NUL", [0, 0, 0, 0x0a], rejected: [.nulBytes: 1]),
        Case("NUL before an object", [0, 0, 0] + Array((a + "\n").utf8), [a]),
        Case("NUL after an object", Array(a.utf8) + [0, 0, 0x0a], [a]),
        Case(
            "NUL inside of an object", Array(#"{"a":"#.utf8) + [0] + Array("1}\n".utf8),
            rejected: [.invalidJSON: 1]),
        Case(
            "NUL to the end of the file", Array(a.utf8) + [0x0a, 0, 0], [a],
            rejected: [.nulBytes: 1]),
        Case("welded", a + b + "\n", [a, b]),
        Case("welded, three", a + b + " " + a + "\n", [a, b, a]),
        Case("welded, the last torn", a + #"{"b":"# + "\n", [a], rejected: [.invalidJSON: 1]),
        Case(
            "torn splice in a string", #"{"x":"trunc"# + #"{"session_id":"s","b":2}"# + "\n", [b],
            rejected: [.invalidJSON: 1]),
        Case("torn splice in a number", #"{"x":12"# + a + "\n", [a], rejected: [.invalidJSON: 1]),
        Case(
            "torn, inner object is no record",
            #"{"x":1,"tool_input":{"command":"ls"},"tool"# + "\n",
            rejected: [.invalidJSON: 1]),
        Case(
            "torn behind an inner object", #"{"x":1,"tool_input":{"command":"ls"}"# + "\n",
            rejected: [.invalidJSON: 1]),
        Case(
            "torn inside of an array", #"{"x":[{"y":1},{"z":2}"# + "\n",
            rejected: [.invalidJSON: 1]),
        Case("text before", "INFO " + a + "\n", [a], rejected: [.invalidJSON: 1]),
        Case("text after", a + " done\n", [a], rejected: [.invalidJSON: 1]),
        Case("comma after", a + ",\n", [a]),
        Case("plain text", "hello\n" + a + "\n", [a], rejected: [.invalidJSON: 1]),
        Case("scalars and arrays", "1\n\"x\"\nnull\n[1]\n", rejected: [.notAnObject: 4]),
        Case("half a line", #"{"a"#, rejected: [.invalidJSON: 1]),
        Case(
            "invalid UTF-8",
            Array(#"{"a":""#.utf8) + [0xff, 0xfe] + Array("\"}\n".utf8)
                + Array(a.utf8), [a], rejected: [.invalidUTF8: 1]),
        Case(
            "cut inside of a character, then spliced",
            Array(#"{"x":"é"#.utf8).dropLast() + Array((a + "\n").utf8), [a],
            rejected: [.invalidUTF8: 1]),
        Case(
            "overlong UTF-8", Array(#"{"a":""#.utf8) + [0xc0, 0x80] + Array("\"}\n".utf8),
            rejected: [.invalidUTF8: 1]),
        Case("control character", "{\"a\":\"\u{1}\"}\n", rejected: [.invalidJSON: 1]),
        Case("not a number", #"{"a":NaN}"# + "\n", rejected: [.invalidJSON: 1]),
        Case(
            "lone surrogates", #"{"x":"\ud83d","y":"\udc00!"}"# + "\n",
            [#"{"x":"\ufffd","y":"\ufffd!"}"#]),
        Case("duplicate names", #"{"x":1,"y":2,"x":3}"# + "\n", [#"{"y":2,"x":3}"#]),
        Case(
            "big numbers", #"{"x":123456789012345678901234567890,"y":-1e999}"# + "\n",
            [#"{"x":123456789012345678901234567890,"y":-1e999}"#]),
        Case("empty object", "{}\n", [""]),
        Case("empty name", #"{"":1}"# + "\n", [#"{"":1}"#]),
        Case("escaped name", #"{"\u0061":1,"a":2}"# + "\n", [#"{"a":2}"#]),
    ]

    @Test(arguments: cases)
    func costsAtMostItself(_ test: Case) {
        let batch = decode(test.bytes)
        #expect(batch.events.map { batch.string($0.attributes) ?? "" } == test.records)
        #expect(batch.tally.rejected == test.rejected)
        #expect(batch.tally.blank == test.blank)
        #expect(batch.closes)
        #expect(batch.rejects.count == test.rejected.values.reduce(0, +))
    }

    @Test(arguments: [128, 129, 100_000])
    func nestingIsBounded(depth: Int) {
        let value =
            String(repeating: "[", count: depth - 1) + "1"
            + String(repeating: "]", count: depth - 1)
        let batch = decode(#"{"a":"# + value + "}\n" + Self.b + "\n")
        #expect(batch.closes)
        #expect(batch.events.count == (depth == 128 ? 2 : 1))
        #expect(batch.tally.rejected == (depth == 128 ? [:] : [.tooDeep: 1]))
    }

    @Test(arguments: ["[", "{", "{\"", "{\"a\":", "{\"a\":[", "}{", "\"", "\\"])
    func hostileRepetitionEndsSoon(piece: String) {
        let batch = decode(String(repeating: piece, count: 200_000) + "\n" + Self.a + "\n")
        #expect(batch.closes)
        #expect(batch.events.count == 1)
    }

    @Test(arguments: ["{\"x\" ", "{\"x\":{", "{\"x\""])
    func hostileNestingEndsSoon(piece: String) {
        let depth = 50_000
        let line =
            "x" + String(repeating: piece, count: depth) + String(repeating: " }", count: depth)
        let batch = decode(line + "y\n" + Self.a + "\n")
        #expect(batch.closes)
        #expect(batch.events.count == 1)
    }

    @Test func longLinesAreRead() {
        let text = String(repeating: "x", count: 2 << 20)
        let batch = decode(#"{"session_id":"s","blob":"\#(text)"}"# + "\n" + Self.a + "\n")
        #expect(batch.events.count == 2)
        let kept = Limits.payloadBytesDefault
        let payload = batch.payload(of: batch.events[0]) ?? ""
        #expect(payload.hasPrefix(#"{"blob":"xxx"#))
        #expect(payload.hasSuffix(#"xxx","blob_bytes":\#(text.utf8.count + 2)}"#))
        #expect((kept..<kept + 100).contains(payload.utf8.count))
    }

    @Test func linesBeyondTheLimitAreRejected() {
        let bytes =
            [UInt8](repeating: 0x20, count: 1) + Array(#"{"a":""#.utf8)
            + [UInt8](repeating: 0x78, count: Limits.lineBytesMax) + Array("\"}\n".utf8)
        let batch = decode(bytes + Array((Self.a + "\n").utf8))
        #expect(batch.tally.rejected == [.lineTooLong: 1])
        #expect(batch.events.count == 1)
        #expect(batch.rejects[0].head.count == Limits.rejectedLineKeptBytes)
    }

    @Test func unfinishedLineIsLeftAlone() {
        let bytes = Array((Self.a + "\n" + #"{"b":"#).utf8)
        let batch = decode(bytes, finished: false)
        #expect(batch.events.count == 1)
        #expect(batch.tally.received == 1)
    }

    @Test func offsetsPointAtTheRecords() {
        let text = Self.a + "\n\n" + Self.a + Self.b + "\nbad\n"
        let batch = decode(Array(text.utf8), at: 1_000)
        #expect(batch.events.map(\.lineOffset) == [1_000, 1_009, 1_016])
        #expect(batch.rejects.map(\.lineOffset) == [1_024])
        #expect(batch.rejects.map(\.head) == [Array("bad".utf8)])
    }

    @Test func byteOrderMarkElsewhereIsNone() {
        let batch = decode(Array("\u{feff}{}\n".utf8), at: 10)
        #expect(batch.tally.rejected == [.invalidJSON: 1])
    }

    @Test func manyMembersAreBounded() {
        let members = (0..<70_000).map { "\"k\($0)\":0" }.joined(separator: ",")
        let batch = decode("{\(members)}\n" + Self.a + "\n")
        #expect(batch.tally.rejected == [.lineTooLong: 1])
        #expect(batch.events.count == 1)
        let some = (0..<30_000).map { "\"k\($0 % 100)\":\($0)" }.joined(separator: ",")
        let repeated = decode("{\(some)}\n")
        #expect(repeated.string(repeated.events[0].attributes)?.split(separator: ",").count == 100)
    }
}
