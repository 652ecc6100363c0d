import Intake
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@Suite struct RedactionTests {
    /// A secret and the text around it.
    private struct Plant {
        var text: String
        var secret: String
    }

    private static func random(
        _ count: Int, of alphabet: String, _ generator: inout SeededGenerator
    ) -> String {
        let letters = Array(alphabet)
        return String((0..<count).map { _ in letters.randomElement(using: &generator) ?? "x" })
    }

    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    /// One secret of each kind that is known by how it looks.
    private static func known(_ generator: inout SeededGenerator) -> [Plant] {
        func key(_ count: Int) -> String { random(count, of: letters, &generator) + "7Q" }
        func plain(_ text: String) -> Plant { Plant(text: text, secret: text) }
        let token = key(30)
        let password = key(8)
        let body = key(40)
        return [
            plain("sk-ant-api03-" + key(40)), plain("sk-proj-" + key(30)), plain("ghp_" + key(36)),
            plain("gho_" + key(36)), plain("github_pat_" + key(40)),
            plain("AKIA" + random(16, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", &generator)),
            plain("xoxb-" + key(24)), plain("AIza" + key(33)),
            plain("eyJ" + key(20) + "." + key(20) + "." + key(20)),
            Plant(text: "Authorization: Bearer " + token, secret: token),
            Plant(text: "postgres://ana:\(password)@db/shop", secret: password),
            Plant(
                text: "-----BEGIN RSA PRIVATE KEY-----\n\(body)\n-----END RSA PRIVATE KEY-----",
                secret: body),
        ]
    }

    private static let fillers = [
        "ok", "task-list", "a \"quoted\" word", "back\\slash", "line\nbreak", "ünï", "x: y", "{",
        "]",
        "https://example.com/a?b=c", "-----", "risk-free", "__init__", "e.g. Bearer of news", "🙂",
    ]

    private static func text(
        around plant: Plant, _ generator: inout SeededGenerator
    ) -> String {
        let separators = [" ", "\n", "\"", "'", "(", ", ", "\t"]
        func filler() -> String { fillers.randomElement(using: &generator) ?? "" }
        func separator() -> String { separators.randomElement(using: &generator) ?? " " }
        return filler() + separator() + plant.text + separator() + filler()
    }

    /// The text as it would stand in a line: itself, or within the text of another JSON value.
    private static func nested(_ value: JSON, _ depth: Int) -> JSON {
        depth == 0
            ? value : nested(.string(String(decoding: value.bytes, as: UTF8.self)), depth - 1)
    }

    private func check(_ line: JSON, hides secret: String, _ label: String) {
        let batch = decode(Array(line.bytes) + [0x0a])
        #expect(batch.events.count == 1, "\(label)")
        for event in batch.events {
            let texts = [
                batch.string(event.attributes), batch.payload(of: event), batch.string(event.name),
                batch.string(event.error), batch.string(event.session), batch.string(event.path),
            ]
            for text in texts.compactMap(\.self) {
                #expect(!text.contains(secret), "\(label): \(text)")
            }
            for text in texts.prefix(2).compactMap(\.self) {
                #expect(throws: Never.self, "\(label): \(text)") {
                    try JSON.parse(Array(text.utf8), nestingMax: 200)
                }
            }
        }
        #expect(batch.redacted > 0, "\(label)")
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func noPlantedSecretIsLeft(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for plant in Self.known(&generator) {
            for depth in 0...2 {
                let text = Self.text(around: plant, &generator)
                let inner = Self.nested(["stdout": .string(text), "n": 1], depth)
                let lines: [JSON] = [
                    ["event": "e", "x": inner],
                    ["event": "e", "x": ["y": [inner, "z"]], "input_tokens": 5],
                    ["hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": inner],
                ]
                for line in lines {
                    check(line, hides: plant.secret, "seed \(seed), depth \(depth)")
                }
            }
            let text = Self.text(around: plant, &generator)
            check(
                ["event": "e", "name": .string(text), "status": "error", "error": .string(text)],
                hides: plant.secret, "seed \(seed), columns")
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func noSecretIsLeftUnderItsName(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let names = [
            "password", "DB_PASSWORD", "apiKey", "api_key", "x-api-key", "client_secret", "Cookie",
            "Authorization", "access_token", "refreshToken", "aws_credentials", "credential",
        ]
        for name in names {
            let secret = Self.random(12, of: Self.letters, &generator)
            let filler = Self.fillers.randomElement(using: &generator) ?? ""
            let values: [JSON] = [
                .string(secret), .string(filler + secret + filler),
                [.string(secret), .string(filler)],
                ["a": .string(secret), "b": [.string(filler + secret)]],
            ]
            for value in values {
                for depth in 0...2 {
                    if depth > 0, name.lowercased().contains("token"), value.string == nil {
                        continue  // Lists of tokens within a text are left alone.
                    }
                    let inner = Self.nested(
                        .object([
                            JSON.Member("first", .string(filler)), JSON.Member(name, value),
                            JSON.Member("last", 1),
                        ]), depth)
                    check(
                        ["event": "e", "x": inner], hides: secret,
                        "seed \(seed), \(name), depth \(depth)")
                }
            }
        }
    }

    @Test func countsOfTokensStay() {
        let line = #"""
            {"event":"e","input_tokens":12,"max_tokens":"4096","tokens":{"input":1,"output":2},\#
            "tokens_used":null,"has_password":true,"usage":{"cache_read_input_tokens":7}}
            """#
        let batch = decode(line + "\n")
        #expect(batch.redacted == 0)
        #expect(
            batch.string(batch.events[0].attributes)
                == String(line.replacing(#""event":"e","#, with: "")))
    }

    @Test(arguments: [
        #"{"event":"e","text":"a task-list for disk-usage-of-the-whole-machine-7"}"#,
        #"{"event":"e","text":"sk-learn-and-other-libraries, ghp_short, AKIAshort, eyJx.y"}"#,
        #"{"event":"e","text":"see https://example.com:8080/a@b and user@example.com"}"#,
        #"{"event":"e","text":"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"}"#,
        #"{"event":"e","author":"ana","keyboard":"de","text":"the bearer of news"}"#,
    ])
    func harmlessTextStays(line: String) {
        let batch = decode(line + "\n")
        #expect(batch.redacted == 0)
        #expect(
            batch.string(batch.events[0].attributes)
                == line.replacing(#""event":"e","#, with: ""))
    }

    @Test(arguments: [
        (#"{'api_key': 's3cr3t', 'n': 1}"#, #"{'api_key': '<redacted>', 'n': 1}"#),
        (#"{'api_key': \"it's s3cr3t\"}"#, nil),
        (#"https:\/\/ana:s3cr3t@example.com\/x"#, #"https:\/\/ana:<redacted>@example.com\/x"#),
        (#"{\"password\":\"s3cr3t cut sh"#, #"{\"password\":\"<redacted>"#),
    ])
    func textOfOtherNotations(text: String, expected: String?) throws {
        let batch = decode(#"{"event":"e","x":"\#(text)"}"# + "\n")
        let attributes = try #require(batch.string(batch.events[0].attributes))
        if let expected { #expect(attributes == #"{"x":"\#(expected)"}"#) }
        _ = try JSON.parse(Array(attributes.utf8))
    }

    @Test func aUserMayNameMoreAndTurnItOff() {
        var options = DecoderOptions()
        options.redaction.keys = ["Pin"]
        let line = Array(#"{"event":"e","pin_code":1234,"password":"x"}"#.utf8) + [0x0a]
        let more = decode(line, decoder: Decoder(options: options))
        #expect(
            more.string(more.events[0].attributes)
                == #"{"pin_code":"<redacted>","password":"<redacted>"}"#)
        options.redaction.isEnabled = false
        let none = decode(line, decoder: Decoder(options: options))
        #expect(none.string(none.events[0].attributes) == #"{"pin_code":1234,"password":"x"}"#)
        #expect(none.redacted == 0)
    }

    @Test func rejectedLinesKeepNoSecret() {
        let batch = decode(#"{"password":"s3cr3t","x":"#)
        #expect(batch.rejects.count == 1)
        let head = String(decoding: batch.rejects.first?.head ?? [], as: UTF8.self)
        #expect(head == #"{"password":"<redacted>","x":"#)
    }

    @Test func aSecretAcrossAColumnsEndIsTakenOutWhole() {
        let key = "ghp_0123456789abcdefABCDEF0123456789abcd"
        let text = String(repeating: "x", count: Limits.columnBytesMax - 12) + " " + key
        let batch = decode(#"{"event":"e","status":"error","error":"\#(text)"}"# + "\n")
        #expect(batch.string(batch.events[0].error)?.contains("ghp_") == false)
    }
}
