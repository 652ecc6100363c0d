import Foundation
import QuipuProtocol
import TestSupport

/// A month of agents' logs beside what really happened, and the daemon that was given them.
final class SimulatedMonth {
    let rig: Rig
    let truth: JSON
    /// Rewritten in place as they grow.
    private let arrays: [String]

    static let patience = 600.0

    init(days: Int, projects: Int, seed: UInt64) throws {
        rig = try Rig(watch: ["**/*.jsonl", "**/*.json"])
        let made = rig.directory("made")
        let done = try Program.run(
            "quipu-sim",
            [
                "--out", made, "--days", "\(days)", "--projects", "\(projects)", "--seed",
                "\(seed)",
            ])
        guard done.status == 0 else { throw Failure(what: done.output) }
        let text = try Data(contentsOf: URL(fileURLWithPath: made + "/truth.json"))
        truth = try JSON.parse(text.filter { $0 != 0x0a })
        try FileManager.default.removeItem(atPath: made + "/truth.json")
        let names = FileManager.default.enumerator(atPath: made)?.compactMap { $0 as? String } ?? []
        arrays = names.filter { $0.hasSuffix(".json") }
    }

    struct Failure: Error { var what: String }

    /// Starts daemon and agent, and feeds the logs: arrays first by half, then rewritten whole.
    func deliver() throws {
        let made = rig.directory("made")
        var whole: [String: Data] = [:]
        for name in arrays {
            let path = made + "/" + name
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            whole[name] = data
            let elements = try JSONSerialization.jsonObject(with: data) as? [Any] ?? []
            let half = try JSONSerialization.data(
                withJSONObject: Array(elements.prefix(elements.count / 2)),
                options: [.prettyPrinted, .sortedKeys])
            try half.write(to: URL(fileURLWithPath: path))
        }
        // What is older than the ages of retention would go again.
        try rig.startDaemon(environment: [
            "QUIPU_RETENTION_EVENTS_DAYS": "36500", "QUIPU_RETENTION_PAYLOADS_DAYS": "36500",
        ])
        try FileManager.default.moveItem(atPath: made, toPath: rig.logs + "/made")
        try rig.startAgent()
        try awaitPositions()
        for (name, data) in whole {
            let path = rig.logs + "/made/" + name
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: data)
            try handle.close()
        }
        try awaitPositions()
    }

    /// Waits until the daemon has every file up to its end.
    private func awaitPositions() throws {
        let deadline = Date().addingTimeInterval(Self.patience)
        while true {
            do {
                return try rig.waitUntil("the daemon has all files") {
                    (try? isDelivered()) == true
                }
            } catch {
                guard Date() < deadline else { throw error }
            }
        }
    }

    private func isDelivered() throws -> Bool {
        let root = rig.logs + "/made"
        var missing: [String: Int64] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            guard name.hasSuffix(".json") || name.hasSuffix(".jsonl") else { continue }
            let facts = try FileManager.default.attributesOfItem(atPath: root + "/" + name)
            missing[root + "/" + name] = (facts[.size] as? NSNumber)?.int64Value
        }
        for source in try pages("ledger", "sources") {
            // What follows an array's last element is no record, and need not be had.
            guard let path = source["path"]?.string, let size = missing[path],
                let position = source["position"]?.int,
                position == size || path.hasSuffix(".json") && (1...4).contains(size - position)
            else { continue }
            missing[path] = nil
        }
        return missing.isEmpty
    }

    /// All rows of a list, page by page.
    func pages(_ method: String, _ list: String, _ params: [JSON.Member] = []) throws -> [JSON] {
        var rows: [JSON] = []
        var cursor: JSON?
        repeat {
            var members = params + [.init("limit", 10_000)]
            if let cursor { members.append(.init("cursor", cursor)) }
            let page = try rig.ask(method, .object(members))
            rows += page[list]?.array ?? []
            cursor = page["next_cursor"] == .null ? nil : page["next_cursor"]
        } while cursor != nil
        return rows
    }

    static let since = JSON.Member("since", "2026-10-01T00:00:00Z")

    var zone: JSON.Member { .init("time_zone", truth["zone"] ?? "UTC") }

    /// The date on which a day of a reply begins.
    func date(_ text: String) throws -> String {
        let name = truth["zone"]?.string ?? "UTC"
        guard let zone = TimeZone(identifier: name) else { throw Failure(what: name) }
        let moment = try Date(
            text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return moment.formatted(Date.ISO8601FormatStyle(timeZone: zone).year().month().day())
    }
}
