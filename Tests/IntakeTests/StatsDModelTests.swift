import Intake
import QuipuModel
import Sketches
import TestSupport
import Testing

/// The parser against a plain one, written with strings, over random lines.
@Suite struct StatsDModelTests {
    /// What a line means: type, weight and values of each bit; nil when it is rejected.
    struct Model: Equatable {
        var name: String
        var tags: [String]
        var bits: [Bit]

        struct Bit: Equatable {
            var type: String
            var weight: Double
            var values: [Double]
        }

        init?(_ line: String) {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
            name = String(line[..<colon])
            tags = []
            bits = []
            var rest = line[line.index(after: colon)...]
            while true {
                guard let bar = rest.firstIndex(of: "|") else { return nil }
                let values = rest[..<bar]
                var sections = rest[rest.index(after: bar)...]
                let typeEnd = sections.firstIndex { $0 == "|" || $0 == ":" } ?? sections.endIndex
                let type = String(sections[..<typeEnd])
                guard let bit = Bit(type: type, values: values) else { return nil }
                bits.append(bit)
                sections = sections[typeEnd...]
                while sections.first == "|" {
                    sections = sections.dropFirst()
                    let isRate = sections.first == "@"
                    let end =
                        sections.firstIndex { $0 == "|" || (isRate && $0 == ":") }
                        ?? sections.endIndex
                    guard take(sections[..<end]) else { return nil }
                    sections = sections[end...]
                }
                if sections.isEmpty { return }
                rest = sections.dropFirst()
            }
        }

        private mutating func take(_ field: Substring) -> Bool {
            if field.first == "@" {
                guard let rate = Double(field.dropFirst()), rate > 0 else { return false }
                if !["g", "s"].contains(bits[bits.count - 1].type) {
                    bits[bits.count - 1].weight = 1 / rate
                }
            } else if field.first == "#" {
                tags = Set(field.dropFirst().split(separator: ",").map(String.init)).sorted()
            } else if field.first == "T" {
                guard let seconds = Int(field.dropFirst()), seconds > 0 else { return false }
            }
            return true
        }
    }

    private static let pieces = [
        "a", "b.c", ":", ":", ":", "|", "|", "|", "1", "2.5", "-3", "1e3", "x", "c", "g", "ms",
        "h", "d", "s", "@0.5", "@0", "@0.25", "#k:v", "#b,a", "T5", "T0", "c:id", "",
    ]

    private func randomLine(_ generator: inout SeededGenerator) -> String {
        if Bool.random(using: &generator) {
            return (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                Self.pieces.randomElement(using: &generator) ?? ""
            }.joined()
        }
        let name = ["a", "b.c"].randomElement(using: &generator) ?? ""
        let bits = (0..<Int.random(in: 1...2, using: &generator)).map { _ -> String in
            let values = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                ["1", "2.5", "-3", "1e3", "", "0.1", "77"].randomElement(using: &generator) ?? ""
            }.joined(separator: ":")
            let type = ["c", "g", "ms", "h", "d", "s"].randomElement(using: &generator) ?? ""
            let rate = ["", "", "|@0.5"].randomElement(using: &generator) ?? ""
            return values + "|" + type + rate
        }.joined(separator: ":")
        let tags =
            ["", "|#b:2,a", "|#a", "|T5|#a", "|c:ci-1"].randomElement(using: &generator) ?? ""
        return name + ":" + bits + tags
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func agreesWithThePlainParser(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_500 {
            let line = randomLine(&generator)
            let batch = decodeDatagram(line, dialect: .dogstatsd)
            guard let model = Model(line) else {
                #expect(batch.tally.stored == 0, "seed \(seed): \(line)")
                #expect(batch.rollups.isEmpty, "seed \(seed): \(line)")
                continue
            }
            #expect(batch.tally.stored == 1, "seed \(seed): \(line)")
            #expect(totals(of: batch) == totals(of: model), "seed \(seed): \(line)")
        }
    }

    /// Weight and weighted sum for each series.
    private func totals(of batch: DecodedBatch) -> [String: [Double]] {
        var totals: [String: [Double]] = [:]
        for delta in batch.rollups {
            let key = batch.series[delta.series]
            let name =
                "\(key.type.word) \(batch.string(key.name) ?? "") \(batch.string(key.tags) ?? "")"
            var total = totals[name] ?? [0, 0]
            total[0] += delta.rollup.count
            total[1] += delta.rollup.sum
            totals[name] = total
        }
        return totals
    }

    private func totals(of model: Model) -> [String: [Double]] {
        let words = [
            "c": "counter", "g": "gauge", "ms": "timer", "h": "histogram", "d": "distribution",
            "s": "set",
        ]
        var totals: [String: [Double]] = [:]
        for bit in model.bits {
            let tags = model.tags.joined(separator: ",")
            let name = "\(words[bit.type] ?? "") \(model.name) \(tags)"
            var total = totals[name] ?? [0, 0]
            for value in bit.values {
                total[0] += bit.weight
                total[1] += value * bit.weight
            }
            totals[name] = total
        }
        return totals
    }
}

extension StatsDModelTests.Model.Bit {
    fileprivate init?(type: String, values: Substring) {
        self.type = type
        weight = 1
        if type == "s" {
            guard !values.isEmpty else { return nil }
            self.values = [0]
            return
        }
        guard ["c", "g", "ms", "h", "d"].contains(type) else { return nil }
        self.values = []
        for text in values.split(separator: ":") {
            guard let value = Double(text), value.isFinite else { return nil }
            self.values.append(value)
        }
        if self.values.isEmpty { return nil }
    }
}
