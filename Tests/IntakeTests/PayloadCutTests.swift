import Intake
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@Suite struct PayloadCutTests {
    private func payload(_ value: JSON, bytesMax: Int) throws -> [JSON.Member] {
        var options = DecoderOptions()
        options.payloadBytesMax = bytesMax
        let line: JSON = [
            "hook_event_name": "PostToolUse", "tool_name": "T", "tool_response": value,
        ]
        let batch = decode(Array(line.bytes) + [0x0a], decoder: Decoder(options: options))
        let event = try #require(batch.events.first)
        let text = try #require(batch.payload(of: event))
        return try JSON.parse(Array(text.utf8), nestingMax: 200).members ?? []
    }

    /// A value of random shape.
    private func value(depth: Int, _ generator: inout SeededGenerator) -> JSON {
        let texts = ["", "a", "ü🙂", "\"\\\n", "\u{1}", "long enough to be cut somewhere"]
        switch Int.random(in: 0..<(depth == 0 ? 4 : 6), using: &generator) {
        case 0: return .int(.random(in: -9_999...9_999, using: &generator))
        case 1: return .bool(.random(using: &generator))
        case 2, 3: return .string(texts.randomElement(using: &generator) ?? "")
        case 4:
            return .array(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                    value(depth: depth - 1, &generator)
                })
        default:
            return .object(
                (0..<Int.random(in: 0..<5, using: &generator)).map {
                    JSON.Member("k\($0)", value(depth: depth - 1, &generator))
                })
        }
    }

    /// Wherever it is cut, what is left is JSON, not longer than allowed, and says how long it was.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func whatIsLeftIsJSON(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            let whole: JSON = [value(depth: 4, &generator), value(depth: 4, &generator)]
            let bytes = whole.bytes.count
            for bytesMax in 1..<max(2, bytes) {
                let members = try payload(whole, bytesMax: bytesMax)
                let label = "seed \(seed), \(bytesMax) of \(bytes)"
                #expect(
                    members.map(\.name) == ["tool_response", "tool_response_bytes"], "\(label)")
                #expect(members.last?.value == .int(Int64(bytes)), "\(label)")
                let left = members.first?.value.bytes.count ?? 0
                // Brackets are closed beyond the limit; nothing at all is `null`.
                #expect(left <= bytesMax + 8, "\(label)")
            }
            #expect(try payload(whole, bytesMax: bytes).map(\.name) == ["tool_response"])
        }
    }

    @Test func asMuchAsFitsIsKept() throws {
        let members = try payload(
            ["stdout": .string(String(repeating: "é", count: 100)), "stderr": ""], bytesMax: 30)
        #expect(members.first?.value == ["stdout": "ééééééééé"])
        let numbers = try payload(.array((0..<50).map { .int($0) }), bytesMax: 7)
        #expect(numbers.first?.value == [0, 1, 2])
    }
}
