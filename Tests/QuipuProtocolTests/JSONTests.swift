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

    /// A hook's input is not known to be JSON; where it is not, nothing may be found beyond it.
    @Test func aMemberIsFoundInAnyBytesOrNot() throws {
        let broken: [(text: String, value: String?)] = [
            (#"{"cwd","x":"y"}"#, nil), (#"{"cwd","x":"y""#, nil), (#"{"cwd"]"x":[1]}"#, nil),
            (#"{"cwd""#, nil), (#"{"cwd""x":1}"#, nil), (#"{"cwd"{"x":1}}"#, nil),
            (#"}}{"cwd":1}"#, nil), (#"{"cwd":}"#, ""), (#"{"cwd"  :1,"cwd"}"#, "1"),
        ]
        for (text, value) in broken {
            let bytes = Array(text.utf8)
            let found = JSON.rangeOfMember("cwd", in: bytes)
            #expect(found.map { String(decoding: bytes[$0], as: UTF8.self) } == value, "\(text)")
        }
        var generator = SeededGenerator()
        let pieces = ["\"cwd\"", ":", ",", "{", "}", "[", "]", "\\", "\"", " ", "\n", "1", "x"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let text = "{" + (0..<count).map { _ in generator.pick(pieces) }.joined()
            let bytes = Array(text.utf8)
            guard let range = JSON.rangeOfMember("cwd", in: bytes) else { continue }
            #expect(
                bytes[..<range.lowerBound].last == UInt8(ascii: ":")
                    && range.upperBound < bytes.count,
                "\(text); seed \(generator.seed)")
        }
        for _ in 0..<2_000 {
            let wanted = value(3, &generator)
            var object = JSON.Member("x", value(3, &generator))
            object.value = ["cwd": object.value]
            var bytes = JSON.object([object, JSON.Member("cwd", wanted), object]).bytes
            let range = try #require(JSON.rangeOfMember("cwd", in: bytes))
            #expect(try JSON.parse(Array(bytes[range])) == wanted, "seed \(generator.seed)")
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            if generator.chance(50) {
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            } else {
                bytes.remove(at: index)
            }
            _ = JSON.rangeOfMember("cwd", in: bytes)
        }
    }

    @Test func numbersAreWrittenShort() {
        #expect(JSON.number(412).text == "412")
        #expect(JSON.number(0.5).text == "0.5")
        #expect(JSON.number(.nan) == .null)
        #expect(JSON.number(.infinity) == .null)
        #expect(JSON.number(-0.0).text == "0")
    }
}
