import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Goal: however a log comes to be in its file, the same records come of it, once. Method: the same
/// fixtures are delivered whole, in pieces, rotated, and by writers that write all of it again,
/// through a real agent and daemon; what is stored is held against what whole files give.
@Suite(.serialized) struct DeliveryTests {
    enum Schedule {
        case whole, byLine, byByte, inPieces, rotated, truncatedAndWritten, renamedOver
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Intake/arrays")

    @Test(.timeLimit(.minutes(15))) func streamsGiveTheSameRecords() throws {
        try compare(
            [
                "stream.jsonl", "stream_crlf.jsonl", "stream_then_lines.jsonl",
                "lines_then_array.jsonl",
            ],
            [.whole, .byLine, .byByte, .inPieces, .rotated])
    }

    @Test(.timeLimit(.minutes(15))) func documentsGiveTheSameRecords() throws {
        let folder = "logs/sessions/5d1f/"
        try compare(
            [
                "array_then_lines.jsonl", folder + "post_tool_use.json", folder + "stop.json",
                folder + "stop_crlf.json", folder + "notification.json",
            ],
            [.whole, .byLine, .byByte, .inPieces, .truncatedAndWritten, .renamedOver])
    }

    /// A writer that keeps the last elements only, some of them equal.
    @Test(.timeLimit(.minutes(15)), arguments: [false, true])
    func aRollingArrayGivesEachElementOnce(isAtomic: Bool) throws {
        let rig = try Rig(watch: ["*.json"])
        try rig.start()
        let elements = (0..<40).map { #"{"event":"tick","n":\#($0 / 2)}"# }
        for end in elements.indices {
            let text = "[" + elements[max(0, end - 9)...end].joined(separator: ",\n ") + "]"
            try Data(text.utf8).write(
                to: URL(filePath: rig.logs + "/ticks.json"), options: isAtomic ? .atomic : [])
            try rig.waitUntil("element \(end) is there") {
                (try? rig.allEvents().count) ?? 0 > end
            }
            if end == 20 {
                rig.agent?.kill9()
                try rig.startAgent()
            }
        }
        let numbers = try rig.allEvents().compactMap { $0["attributes"]?["n"]?.int }
        #expect(numbers.sorted() == (0..<40).map { Int64($0 / 2) })
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["lost"] == [:])
        #expect(ledger["sources"]?.array?.filter { $0["kind"] == "document" }.count == 1)
        rig.stop()
    }

    private func compare(_ names: [String], _ schedules: [Schedule]) throws {
        var random = SeededGenerator()
        print("seed \(random.seed)")
        var wanted: [String: [String]] = [:]
        for schedule in schedules {
            let rig = try Rig(watch: ["**/*.jsonl", "**/*.json"])
            try rig.start()
            for (index, name) in names.enumerated() {
                let text = try String(
                    contentsOf: Self.folder.appending(path: name), encoding: .utf8)
                // Else the same call in two files would be one; and what a session is known by
                // would depend on which file was read first.
                let own = Array(
                    text.replacing("toolu_", with: "toolu_\(index)_")
                        .replacing(#""5d1f""#, with: #""5d1f-\#(index)""#).utf8)
                try deliver(own, rig.logs + "/" + name, schedule, rig, &random)
            }
            let label = "seed \(random.seed), \(schedule)"
            if schedule == .whole {
                wanted = try waitForRest(rig)
                #expect(wanted.count == names.count)
            } else {
                try rig.waitUntil("\(label): all records are there") {
                    (try? records(rig))?.mapValues(\.count) == wanted.mapValues(\.count)
                }
            }
            let found = try waitForRest(rig)
            for (name, records) in wanted {
                let difference = found[name, default: []].difference(from: records)
                #expect(difference.isEmpty, "\(label), \(name)")
            }
            #expect(found.count == wanted.count, "\(label)")
            let ledger = try rig.ask("ledger")
            #expect(ledger["balanced"] == true, "\(label)")
            #expect(ledger["total"]?["rejected"] == [:], "\(label)")
            #expect(ledger["total"]?["lost"] == [:], "\(label)")
            #expect(ledger["total"]?["lost_bytes"] == 0, "\(label)")
            rig.stop()
        }
    }

    /// What is stored once nothing comes any more.
    private func waitForRest(_ rig: Rig) throws -> [String: [String]] {
        var last: [String: [String]] = [:]
        var same = 0
        try rig.waitUntil("nothing comes any more") {
            let now = (try? records(rig)) ?? [:]
            same = now == last && !now.isEmpty ? same + 1 : 0
            last = now
            return same > 20
        }
        return last
    }

    private func deliver(
        _ bytes: [UInt8], _ path: String, _ schedule: Schedule, _ rig: Rig,
        _ random: inout SeededGenerator
    ) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let lines = bytes.indices.filter { bytes[$0] == 0x0a }.map { $0 + 1 }
        var cuts: [Int] = []
        switch schedule {
        case .whole: break
        case .byLine: cuts = lines
        case .byByte: cuts = Array(bytes.indices)
        case .rotated:
            // Between records.
            cuts = [random.pick(lines.filter { $0 == bytes.count || bytes[$0] == 0x7b })]
        default: cuts = (0..<8).map { _ in .random(in: 0...bytes.count, using: &random) }
        }
        var start = 0
        for end in (cuts + [bytes.count]).sorted() {
            switch schedule {
            case .truncatedAndWritten: try Data(bytes[..<end]).write(to: url)
            case .renamedOver: try Data(bytes[..<end]).write(to: url, options: .atomic)
            default: try append(bytes[start..<end], path)
            }
            if schedule == .rotated, start == 0, end < bytes.count {
                try FileManager.default.moveItem(
                    atPath: path, toPath: path.replacing(".jsonl", with: "-1.jsonl"))
            }
            if schedule != .byByte || random.chance(3) {
                rig.pass(microseconds: .random(in: 0...40_000, using: &random))
            }
            start = end
        }
    }

    private func append(_ bytes: ArraySlice<UInt8>, _ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw POSIXError(.EIO) }
        defer { close(descriptor) }
        guard write(descriptor, Array(bytes), bytes.count) == bytes.count else {
            throw POSIXError(.EIO)
        }
    }

    /// By file: what is stored, without what depends on when and where.
    private func records(_ rig: Rig) throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        for event in try rig.allEvents() {
            let path = (event["source"]?["path"]?.string ?? "").replacing(
                "-1.jsonl", with: ".jsonl")
            let members = (event.members ?? []).filter {
                !["seq", "time", "time_is", "source"].contains($0.name)
            }
            found[(path as NSString).lastPathComponent, default: []].append(
                String(decoding: JSON.object(members).bytes, as: UTF8.self))
        }
        return found.mapValues { $0.sorted() }
    }
}
