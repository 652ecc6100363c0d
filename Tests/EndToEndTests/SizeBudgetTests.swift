import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Goal: whatever is written, the database stays within 1.1 times its budget. Method: ten times the
/// budget goes through a real agent and daemon as fast as they take it, and the file's size is read
/// all the while.
@Suite(.serialized) struct SizeBudgetTests {
    private static let budget = 8_000_000

    private func start(_ rig: Rig, budget: Int = Self.budget) throws {
        try rig.startDaemon(
            [], environment: ["QUIPU_RETENTION_DATABASE_MAX_BYTES": "\(budget)"])
        try rig.startAgent()
    }

    private func fileBytes(_ rig: Rig) -> Int {
        let path = rig.state + "/quipu.db"
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    /// Lines of about half a kilobyte, of which next to nothing can be compressed.
    private func lines(_ range: Range<Int>, _ random: inout SeededGenerator) -> String {
        range.map { index in
            let noise = (0..<30).map { _ in String(random.next(), radix: 16) }.joined()
            return #"{"event":"noise","n":\#(index),"text":"\#(noise)"}"# + "\n"
        }.joined()
    }

    @Test(.timeLimit(.minutes(15))) func tenTimesTheBudgetStayWithinIt() throws {
        let rig = try Rig()
        try start(rig)
        var random = SeededGenerator()
        var largest = 0
        var written = 0
        var count = 0
        while written < 10 * Self.budget {
            let text = lines(count..<count + 8_000, &random)
            try rig.append(text, to: "\(count % 3).jsonl")
            written += text.utf8.count
            count += 8_000
            largest = max(largest, fileBytes(rig))
        }
        try rig.waitUntil("\(count) lines are in the ledger") {
            largest = max(largest, fileBytes(rig))
            return (try? rig.ask("ledger")["total"]?["received"]?.int) ?? 0 >= Int64(count)
        }
        #expect(largest <= Self.budget * 11 / 10, "\(largest) bytes at most")
        try rig.waitUntil("the file is within its budget") { fileBytes(rig) <= Self.budget }

        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"] == .int(Int64(count)))
        #expect(ledger["total"]?["lost"] == [:])
        let removed = try rig.ask("stats")["retention"]
        #expect((removed?["events"]?.int ?? 0) > Int64(count) / 2)
        // What is left is what came last.
        let numbers = try rig.allEvents().compactMap { $0["attributes"]?["n"]?.int }
        #expect(numbers.max() == Int64(count - 1))
        #expect(numbers.count > 2_000)
        rig.stop()
        #expect(fileBytes(rig) <= Self.budget * 11 / 10)
    }

    /// The file comes down to a budget that a reload lowers; who writes meanwhile goes on.
    @Test(.timeLimit(.minutes(15))) func aLoweredBudgetIsCaughtUpWith() throws {
        let rig = try Rig()
        let configuration = rig.directory("quipu.yaml")
        func allow(_ bytes: Int) throws {
            try "retention:\n  database_max_bytes: \(bytes)\n".write(
                toFile: configuration, atomically: true, encoding: .utf8)
        }
        try allow(1 << 30)
        try rig.startDaemon(["--config", configuration])
        try rig.startAgent()
        var random = SeededGenerator()
        try rig.append(lines(0..<30_000, &random), to: "a.jsonl")
        try rig.waitForLines(30_000)
        try allow(Self.budget)
        rig.daemon?.signal(SIGHUP)
        try rig.append(lines(30_000..<32_000, &random), to: "a.jsonl")
        try rig.waitForLines(32_000)
        try rig.waitUntil("the file is within its budget") {
            (try? rig.ask("stats")["retention"]?["events"]?.int) ?? 0 > 10_000
                && fileBytes(rig) <= Self.budget * 11 / 10
        }
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["stored"] == 32_000)
        rig.stop()
    }
}
