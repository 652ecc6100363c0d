import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import Intake

/// Text that was made to cost the scan for secrets something.
@Suite struct HostileTextTests {
    /// What the patterns are made of, and what stands between them.
    private static let pieces = [
        "sk-", "sk", "-", "xoxb-", "xox", "ghp_", "github_pat_", "AKIA", "AIza", "eyJ", "ey", ".",
        "bearer", "Bearer ", " ", "://", ":", "/", "@", "u:p@", "\\/", "-----BEGIN ",
        "PRIVATE KEY", "-----", "-----END", "RSA ", "-----BEGIN PRIVATE KEY-----",
        #""token":"#, #""tokens":"#, #""password":"#, #""a":"#, "'token':", "'secret':",
        #"\"token\":"#, #"\"secret\":"#, #"\\\"token\\\":"#, #"\\\"secret\\\":"#,
        #"\\\\\\\"token\\\\\\\":"#, #"""#, "'", #"\""#, #"\\\""#, "\\", "\\\\", "{", "[", "]", "}",
        ",", "1", "-12.5e3", "12345678", "<redacted>", "abcdefgh", "abcdefghijklmnopqrst",
        "ABCDEFGHIJKLMNOPQRST", "a", "Z", "_", "\n", "ü", "\t ",
    ]

    private static func text(_ count: Int, _ generator: inout SeededGenerator) -> String {
        let few = (0..<Int.random(in: 2...8, using: &generator)).map { _ in generator.pick(pieces) }
        return (0..<count).map { _ in generator.pick(few) }.joined()
    }

    /// A quote of a string around the one that is secret has fewer backslashes than its own.
    @Test(arguments: [
        #"\"token\":\"""#, #"\"token\":\"s3cr3t" z"#, #"\\\"secret\\\":\\\"s3cr3t\" z"#,
        #"\\\"secret\\\":\\\"s3cr3t" z"#, #"\\\"secret\\\":\\\""#,
    ])
    func aStringThatItsOuterOneEnds(text: String) throws {
        let line = JSON.object([JSON.Member("event", "e"), JSON.Member("x", .string(text))])
        let batch = decode(Array(line.bytes) + [0x0a])
        let event = try #require(batch.events.first)
        let attributes = try #require(batch.string(event.attributes))
        #expect(!attributes.contains("s3cr3t"))
        #expect(throws: Never.self, "\(attributes)") { try JSON.parse(Array(attributes.utf8)) }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func linesOfPiecesNeverFail(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let decoder = Decoder()
        for round in 0..<300 {
            let text = Self.text(Int.random(in: 1...30, using: &generator), &generator)
            var value = JSON.string(text)
            for _ in 0..<(round % 3) {
                value = .string(String(decoding: value.bytes, as: UTF8.self))
            }
            let line = JSON.object([JSON.Member("event", "e"), JSON.Member("x", value)])
            let batch = decode(Array(line.bytes) + [0x0a], decoder: decoder)
            #expect(batch.events.count == 1 && batch.closes, "seed \(seed): \(line)")
            // Answers give attributes and payloads as they are.
            for event in batch.events {
                let kept = [
                    batch.string(event.attributes) ?? "{}",
                    event.payload.isNone
                        ? "{}"
                        : String(decoding: batch.payloads[event.payload.range], as: UTF8.self),
                ]
                for text in kept {
                    #expect(throws: Never.self, "seed \(seed): \(line) became \(text)") {
                        try JSON.parse(Array(text.utf8))
                    }
                }
            }
        }
    }

    // MARK: Work

    /// `most` bytes, or few more, of one text again and again.
    private static func periodic(_ period: String, bytes most: Int) -> [UInt8] {
        // Under a sanitizer less, which a quadratic scan would take hours for all the same.
        let count = Int(Double(most) / Patience.factor)
        let period = Array(period.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes.append(contentsOf: period) }
        return bytes
    }

    private static func redact(_ bytes: [UInt8], isJSON: Bool = true) -> UInt64 {
        var output: [UInt8] = []
        let redactor = Redactor(Redaction())
        return bytes.withUnsafeBytes { redactor.append($0, isJSON: isJSON, to: &output) }
    }

    /// Of 64 KiB the quadratic scan took seconds, of this much it would take hours.
    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            "sk-", "-eyJ", "bearer-", "xghp_", #"\"token\":{"#, "'token':[],", #"\\\"token\\\":["#,
            "bearer-sk-", "sk-ey",
        ])
    func aLongLineIsReadOnce(period: String) {
        let bytes = Self.periodic(period, bytes: 4 << 20)
        // A failed expectation would write out the bytes.
        let found = Self.redact(bytes)
        #expect(found == 0)
    }

    /// The parts of a web token of which the last one is missing.
    @Test(.timeLimit(.minutes(5)))
    func theHeadAndBodyOfAWebTokenAreReadOnce() {
        let part = Self.periodic("-eyJ", bytes: 2 << 20)
        let found = Self.redact(part + [UInt8(ascii: ".")] + part + [0x20])
        #expect(found == 0)
    }

    @Test(.timeLimit(.minutes(5)), arguments: 1...8 as ClosedRange<UInt64>)
    func noPeriodCostsMoreThanItsLength(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<12 {
            let period = Self.text(Int.random(in: 1...6, using: &generator), &generator)
            let bytes = Self.periodic(period, bytes: 1 << 19)
            // Whatever it finds: that it ends is what counts.
            let found = Self.redact(bytes, isJSON: round % 2 == 0)
            #expect(found <= UInt64(bytes.count), "\(period)")
        }
    }
}
