import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@Suite struct JSONTests {
    /// Values of every kind, as deep as `depth`.
    private func value(_ depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .int(Int64.random(in: .min ... .max, using: &generator))
        case 3:
            // Never whole: whole numbers are read as such.
            let whole = Double(Int64.random(in: -1_000_000...1_000_000, using: &generator))
            return .double(whole + 0.5)
        case 4: return .string(text(&generator))
        case 5:
            let count = Int.random(in: 0...4, using: &generator)
            return .array((0..<count).map { _ in value(depth - 1, &generator) })
        default:
            let count = Int.random(in: 0...4, using: &generator)
            return .object(
                (0..<count).map { _ in
                    JSON.Member(text(&generator), value(depth - 1, &generator))
                })
        }
    }

    private func text(_ generator: inout SeededGenerator) -> String {
        let pool: [Character] = [
            "a", "\"", "\\", "\n", "\u{0}", "\u{1b}", "/", "é", "漢", "😀", ":", ",", "{", "]",
        ]
        let count = Int.random(in: 0...6, using: &generator)
        return String((0..<count).compactMap { _ in pool.randomElement(using: &generator) })
    }

    @Test func whatIsWrittenIsReadBack() throws {
        var generator = SeededGenerator()
        for _ in 0..<500 {
            let value = value(5, &generator)
            let bytes = value.bytes
            #expect(try JSON.parse(bytes) == value, "seed \(generator.seed)")
            #expect(!bytes.contains(0x0a), "one line; seed \(generator.seed)")
        }
    }

    /// Flipped, cut and doubled requests are read or refused by name, whatever they say.
    @Test func anyBytesAreAnswered() {
        var generator = SeededGenerator()
        let requests = ProtocolFiles.validExamples.compactMap {
            try? ProtocolFiles.json("examples/valid/\($0).json")["request"]?.bytes
        }
        for _ in 0..<3_000 {
            var bytes = requests.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(index...)
                default: bytes.insert(contentsOf: bytes[index...], at: index)
                }
            }
            if let error = Check.error(of: bytes) {
                #expect(!error.reason.isEmpty, "seed \(generator.seed)")
            }
        }
    }

    @Test func aMembersTextIsFoundUntouched() throws {
        let line = Array(
            #"{"id":1, "result" : {"a":[1,2.50,"}\""],"result":7 ,"é":"\u00e9"} ,"z":"result"}"#
                .utf8)
        let range = try #require(JSON.rangeOfMember("result", in: line))
        let text = String(decoding: line[range], as: UTF8.self)
        #expect(text == #" {"a":[1,2.50,"}\""],"result":7 ,"é":"\u00e9"} "#)
        #expect(JSON.rangeOfMember("a", in: line) == nil)
        #expect(JSON.rangeOfMember("result", in: Array("[]".utf8)) == nil)
        #expect(JSON.rangeOfMember("result", in: Array(#"{"x":"result"}"#.utf8)) == nil)
    }

    @Test func numbersAreWrittenShort() {
        #expect(JSON.number(412).text == "412")
        #expect(JSON.number(0.5).text == "0.5")
        #expect(JSON.number(.nan) == .null)
        #expect(JSON.number(.infinity) == .null)
        #expect(JSON.number(-0.0).text == "0")
    }
}
