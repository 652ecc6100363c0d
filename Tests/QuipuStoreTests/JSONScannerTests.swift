import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct JSONScannerTests {
    private func value(_ path: String, in text: String) -> Scalar? {
        Array(text.utf8).withUnsafeBytes { bytes in
            JSONPath(path).find(in: bytes).map { JSONText.scalar($0) }
        }
    }

    @Test func findsMembersByPath() {
        let text =
            #" { "a" : 1 , "b":{"c":[1,{"}":"]"}],"d":"x\"y\u00e9\ud83d\ude00\n"},"e":-2.5e1,"#
            + #""t":true,"f":false,"n":null,"q\"r":7,"é":8}"#
        #expect(value("a", in: text) == .int(1))
        #expect(value("b.d", in: text) == .string("x\"yé😀\n"))
        #expect(value("b.c", in: text) == .string(#"[1,{"}":"]"}]"#))
        #expect(value("e", in: text) == .double(-25))
        #expect(value("t", in: text) == .bool(true))
        #expect(value("f", in: text) == .bool(false))
        #expect(value("n", in: text) == .null)
        #expect(value("q\"r", in: text) == .int(7))
        #expect(value("é", in: text) == .int(8))
        #expect(value("b.x", in: text) == nil)
        #expect(value("a.x", in: text) == nil)
        #expect(value("", in: text) == nil)
        #expect(value("big", in: #"{"big":9223372036854775808}"#) == .double(9223372036854775808))
    }

    @Test func mergesMembersAndKeepsTheSecondsValues() {
        func merge(_ first: String, _ second: String) -> String {
            Array(first.utf8).withUnsafeBytes { first in
                Array(second.utf8).withUnsafeBytes {
                    String(decoding: JSONText.merge(first, $0), as: UTF8.self)
                }
            }
        }
        #expect(
            merge(#"{"a":1,"b":{"x":[]}}"#, #"{"c":3,"a":"2"}"#)
                == #"{"a":"2","b":{"x":[]},"c":3}"#)
        #expect(merge("{}", "{}") == "{}")
        #expect(merge("{}", #"{"a":1}"#) == #"{"a":1}"#)
        #expect(merge(#"{"a":1}"#, "") == #"{"a":1}"#)
    }

    @Test func survivesAnyBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]",:\u0d8ab "#.utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &random)
            let text = (0..<count).map { _ in random.pick(alphabet) }
            text.withUnsafeBytes { bytes in
                if let found = JSONPath("a.b").find(in: bytes) { _ = JSONText.scalar(found) }
                _ = JSONText.merge(bytes, bytes)
                _ = JSONText.scalar(bytes)
            }
        }
    }
}
