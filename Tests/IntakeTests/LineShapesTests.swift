import Intake
import QuipuModel
import Sketches
import TestSupport
import Testing

/// Lines that are recognized by their shape mean what the grammar says they mean.
@Suite struct LineShapesTests {
    private static let names = ["a", "app.requests", "app.request", "queue.depth", "ünï"]
    private static let fields = [
        "", "|@0.5", "|@0.25", "|#env:prod", "|#b:2,a:1", "|#a:1,b:2", "|c:ci-1", "|T1700000000",
        "|@0.1|#env:prod,node:n1", "|#", "||#x", "|#env:prod|c:in-3",
    ]
    private static let numbers = [
        "0", "1", "7.5", "250", "0.001", "123456789012345", "99999.99999", "1e3", "12.", ".5", "x",
        "", "3:4", "12345678", "123456789", "1234567.", "1.234567", "0.1234567", ".1234567", ".",
        "1.2.3", "..5", "9/3", "1:", "12345 78",
    ]
    /// Of the lines in a datagram.
    private static let lineEnds = ["\n", "\r\n", " \n", "\n\n"]

    /// A plus sign keeps a line from being recognized, and changes nothing where a gauge is set.
    @Test func recognizedLinesMeanTheSame() throws {
        var random = SeededGenerator()
        let plain = Decoder()
        let signed = Decoder()
        for round in 0..<200 {
            var lines: [(text: String, signed: String)] = []
            for _ in 0..<Int.random(in: 1...120, using: &random) {
                let name = random.pick(Self.names)
                let number = random.pick(Self.numbers)
                let type = random.pick(["c", "ms", "h", "d", "g", "s", "q"])
                let rest = "|\(type)\(random.pick(Self.fields))"
                let sign = type == "s" || number.isEmpty ? "" : "+"
                lines.append(("\(name):\(number)\(rest)", "\(name):\(sign)\(number)\(rest)"))
            }
            let lineEnd = random.pick(Self.lineEnds)
            let each = Int.random(in: 1...8, using: &random)
            let one = batch(joined(lines.map(\.text), by: lineEnd, each: each), plain)
            let other = batch(joined(lines.map(\.signed), by: lineEnd, each: each), signed)
            let context = "seed \(random.seed), round \(round)"
            #expect(one.tally == other.tally, "\(context)")
            #expect(one.closes, "\(context)")
            #expect(described(one) == described(other), "\(context)")
        }
    }

    /// More shapes than the table holds, and keys longer than its room.
    @Test func theTableStartsAnewWhenItIsFull() {
        let decoder = Decoder()
        let long = String(repeating: "t", count: 150)
        var expected: [String: Double] = [:]
        var lines: [String] = []
        for index in 0..<20_000 {
            let name = "metric_\(index % 9_000)"
            expected[name, default: 0] += Double(index)
            lines.append("\(name):\(index)|c|#\(long):\(index % 9_000)")
        }
        let decoded = batch(lines, decoder)
        var found: [String: Double] = [:]
        for delta in decoded.rollups {
            let name = decoded.string(decoded.series[delta.series].name) ?? ""
            found[name, default: 0] += delta.rollup.sum
        }
        #expect(found == expected)
    }

    /// Datagrams of so many lines.
    private func joined(_ lines: [String], by lineEnd: String, each: Int) -> [String] {
        stride(from: 0, to: lines.count, by: each).map {
            lines[$0..<min($0 + each, lines.count)].joined(separator: lineEnd)
        }
    }

    private func batch(_ lines: [String], _ decoder: Decoder) -> DecodedBatch {
        decode(
            lines.flatMap { frame(Array($0.utf8), dialect: .dogstatsd) }, path: "",
            kind: .datagrams, decoder: decoder)
    }

    private func described(_ batch: DecodedBatch) -> [String] {
        batch.rollups.map { delta in
            let key = batch.series[delta.series]
            let rollup = delta.rollup
            return """
                \(batch.string(key.name) ?? "") \(key.type) \(batch.string(key.tags) ?? "") \
                \(delta.bucketStart) \(rollup.count) \(rollup.sum) \(rollup.min) \(rollup.max) \
                \(rollup.last) \(rollup.sketch?.encoded ?? []) \(delta.members?.estimate ?? 0)
                """
        }.sorted()
    }
}
