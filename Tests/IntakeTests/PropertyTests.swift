import Intake
import QuipuModel
import QuipuProtocol
import Sketches
import TestSupport
import Testing

@Suite struct PropertyTests {
    /// Wherever an agent that sees a growing file cuts it into batches, the same records come out,
    /// also of damaged ones.
    @Test(arguments: Fixtures.logs, 1...4 as ClosedRange<UInt64>)
    func batchBordersMakeNoDifference(path: String, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fixture = try Fixtures.read(path)
        for round in 0..<12 {
            let bytes = round == 0 ? fixture : mutate(fixture, &generator)
            let kind = Fixtures.kind(path, fixture)
            let whole = decode(bytes, path: path, kind: kind)
            let parts = deliver(bytes, path, kind) { .random(in: 1...200, using: &generator) }
            let label = "seed \(seed), \(path), round \(round)"
            #expect(parts.described == whole.described, "\(label)")
            #expect(parts.offsets == whole.events.map(\.lineOffset), "\(label)")
            #expect(parts.elements == whole.events.map(\.element), "\(label)")
            #expect(parts.tally == whole.tally, "\(label)")
        }
    }

    /// The comma behind `"b"` tells that the object ended before it: a batch that ended between
    /// would hold one damaged piece, not two.
    @Test func damageIsCountedOnceWhereverABatchEnds() throws {
        let bytes = Array("[\n  {\n    \"a\": 1,\n\"b\", 2\n  }\n]\n".utf8)
        let whole = decode(bytes, path: "/logs/a.json", kind: .document)
        for step in 1...bytes.count {
            let parts = deliver(bytes, "/logs/a.json", .document) { step }
            #expect(parts.tally == whole.tally, "steps of \(step)")
        }
    }

    private struct Delivery {
        var described: [String] = []
        var offsets: [UInt64] = []
        var elements: [UInt64] = []
        var tally = Tally()
    }

    private func deliver(
        _ bytes: [UInt8], _ path: String, _ kind: SourceKind, growth: () -> Int
    ) -> Delivery {
        let decoder = Decoder()
        var delivery = Delivery()
        var start = 0
        var seen = 0
        while start < bytes.count {
            seen = min(bytes.count, seen + growth())
            var end = start + boundary(Array(bytes[start..<seen]), kind, isBeginning: start == 0)
            let isLast = seen == bytes.count && end == start
            if isLast { end = seen }
            guard end > start else { continue }
            let part = decode(
                Array(bytes[start..<end]), path: path, kind: kind, at: UInt64(start),
                finished: isLast, decoder: decoder)
            delivery.described += part.described
            delivery.offsets += part.events.map(\.lineOffset)
            delivery.elements += part.events.map(\.element)
            delivery.tally.add(part.tally)
            start = end
        }
        return delivery
    }

    /// Where the agent ends a batch.
    private func boundary(_ bytes: [UInt8], _ kind: SourceKind, isBeginning: Bool) -> Int {
        bytes.withUnsafeBytes { bytes in
            let mark = isBeginning ? RecordSplitter.byteOrderMark(bytes) : 0
            var splitter = RecordSplitter(kind.recordShape ?? .lines, position: mark)
            while splitter.next(
                in: bytes, isComplete: false,
                newline: { $0[$1...].firstIndex(of: 0x0a) ?? $0.count }) != nil
            {}
            return splitter.boundary
        }
    }

    private static let statsD = """
        page.views:1|c
        song.length:240.5|h|@0.5|#env:x,b
        users:1234|s
        pack:1:2:32|d
        multi:1|c:2|ms
        stock:+4|g
        _sc|redis|2|d:1656581400|h:db1|#env:dev|m:Timed out
        _e{5,4}:Title|text|t:error|#env:dev
        {"metric":"q","type":"gauge","values":[3,5],"tags":{"a":"b"}}
        {"event":"generation","attributes":{"provider":"aws"}}
        """

    /// Bytes changed, removed, doubled and inserted.
    private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        let special: [UInt8] = Array("{}[]\":,|@#\\\n\r\0+-.eu0".utf8) + [0xff, 0xc3, 0xed, 0xf0]
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            guard !bytes.isEmpty else { break }
            let index = Int.random(in: bytes.indices, using: &generator)
            let length = Int.random(in: 1...30, using: &generator)
            let end = Swift.min(bytes.count, index + length)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[index] = .random(in: 0...255, using: &generator)
            case 1: bytes[index] = special.randomElement(using: &generator) ?? 0
            case 2: bytes.removeSubrange(index..<end)
            case 3: bytes.insert(contentsOf: bytes[index..<end], at: index)
            default: bytes.insert(special.randomElement(using: &generator) ?? 0, at: index)
            }
        }
        return bytes
    }

    private func check(_ batch: DecodedBatch, _ label: String) {
        #expect(batch.closes, "\(label)")
        for event in batch.events {
            for text in [batch.string(event.attributes), batch.payload(of: event)] {
                guard let text else { continue }
                let isJSON =
                    (try? JSON.parse(Array(text.utf8), nestingMax: 200)) != nil
                    // Numbers beyond a double are JSON, but not for this parser.
                    || text.contains { $0 == "e" || $0 == "E" }
                #expect(isJSON, "\(label): \(text)")
            }
            for slice in [event.kind, event.name, event.session, event.error] where !slice.isNone {
                let text = String(validating: batch.bytes[slice.range], as: UTF8.self)
                #expect(text != nil, "\(label)")
            }
        }
        for series in batch.series {
            #expect(String(validating: batch.bytes[series.name.range], as: UTF8.self) != nil)
        }
        for delta in batch.rollups {
            #expect(delta.rollup.sum.isFinite && delta.rollup.count.isFinite, "\(label)")
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func theTallyClosesOnDamagedLogs(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let decoder = Decoder()
        for path in Fixtures.logs {
            let bytes = try Fixtures.read(path)
            for round in 0..<15 {
                let damaged = mutate(bytes, &generator)
                let kind = Fixtures.kind(path, bytes)
                let batch = decode(damaged, path: path, kind: kind, decoder: decoder)
                check(batch, "seed \(seed), \(path), round \(round)")
            }
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func theTallyClosesOnDamagedDatagrams(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let decoder = Decoder()
        for round in 0..<200 {
            let payload = mutate(Array(Self.statsD.utf8), &generator)
            var bytes = frame(payload)
            if round % 3 == 0 { bytes = mutate(bytes + bytes, &generator) }
            let batch = decode(bytes, path: "", kind: .datagrams, decoder: decoder)
            check(batch, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomBytesNeverFail(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let decoder = Decoder()
        for _ in 0..<300 {
            let count = Int.random(in: 0...400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for kind in [SourceKind.file, .document, .datagrams] {
                check(decode(bytes, path: "", kind: kind, decoder: decoder), "seed \(seed)")
            }
            check(decode(frame(bytes), path: "", kind: .datagrams, decoder: decoder), "\(seed)")
        }
    }
}
