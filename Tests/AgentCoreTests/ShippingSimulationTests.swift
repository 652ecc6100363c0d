import Foundation
import TestSupport
import Testing

@testable import AgentCore

/// Goal: exactly once under any order of events. Method: random file operations, crashes of the
/// agent, lost connections and lost answers from a seed; at the end what was committed is held
/// against what was written.
@Suite struct ShippingSimulationTests {
    @Test(arguments: 0..<12)
    func everyLineArrivesOnce(_ run: Int) throws {
        var seeds = SeededGenerator()
        for _ in 0..<run { _ = seeds.next() }
        var simulation = try Simulation(seed: seeds.next())
        print("seed \(simulation.seed)")
        for _ in 0..<250 { try simulation.step() }
        try simulation.finish()
    }

    @Test(arguments: [4_815_557_620_098_068_315 as UInt64])
    func seedsThatFailedBefore(_ seed: UInt64) throws {
        var simulation = try Simulation(seed: seed)
        for _ in 0..<250 { try simulation.step() }
        try simulation.finish()
    }
}

private struct Simulation {
    let seed: UInt64
    private let rig = try? TailingHarness()
    private var random: SeededGenerator
    private var written = 0
    private var names = ["a.jsonl", "b.jsonl", "d/c.jsonl"]
    private var rotations = 0
    /// Lines whose newline is not written yet, by file.
    private var unfinished: Set<String> = []

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        try rig?.makeDirectory("d")
        try rig?.makeDirectory("other")
    }

    mutating func step() throws {
        guard let rig else { throw POSIXError(.EIO) }
        let name = names.randomElement(using: &random) ?? "a.jsonl"
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8: try append(rig, name)
        case 8: try rotate(rig, name)
        case 9: try rewrite(rig, name)
        case 10: try delete(rig, name)
        case 11: rig.daemon.disconnect()
        case 12:
            let faults: [FakeDaemon.Fault] = [
                .dropBeforeCommit, .dropAfterCommit, .refuse, .forgetSource, .failure,
            ]
            rig.daemon.faults.append(faults.randomElement(using: &random) ?? .refuse)
        case 13:
            // What the new agent has never seen must still have a watched name.
            try rig.restartAgent()
        case 14:
            rig.daemon.isSilent = true
            try rig.run(ms: 50)
            rig.daemon.disconnect()
            rig.daemon.isSilent = false
        default: try rig.run(ms: .random(in: 50...400, using: &random))
        }
    }

    private mutating func append(_ rig: TailingHarness, _ name: String) throws {
        var text = ""
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let filler = String(repeating: "x", count: .random(in: 0...3_000, using: &random))
            text += unfinished.remove(name) == nil ? "\(written) \(filler)\n" : "\(filler)\n"
            if text.hasPrefix("\(written) ") || text.contains("\n\(written) ") { written += 1 }
        }
        if Bool.random(using: &random) {
            text += "\(written) half"
            written += 1
            unfinished.insert(name)
        }
        try rig.append(text, to: name)
    }

    private mutating func rotate(_ rig: TailingHarness, _ name: String) throws {
        guard rig.inode(name) != 0, !unfinished.contains(name) else { return }
        rotations += 1
        try rig.move(name, to: "\(name.dropLast(6))-\(rotations).jsonl")
    }

    /// Destroys nothing that was not shipped: that would be lost to any agent.
    private mutating func rewrite(_ rig: TailingHarness, _ name: String) throws {
        guard rig.inode(name) != 0, !unfinished.contains(name) else { return }
        try settle(rig)
        try rig.rewrite("", in: name)
        if Bool.random(using: &random) { try append(rig, name) }
    }

    private mutating func delete(_ rig: TailingHarness, _ name: String) throws {
        guard rig.inode(name) != 0, !unfinished.contains(name) else { return }
        if Bool.random(using: &random) {
            // Seen by the agent, hence open.
            try rig.run(ms: 100)
            try rig.delete(name)
            try settle(rig)
        } else {
            try settle(rig)
            try rig.delete(name)
        }
    }

    private func settle(_ rig: TailingHarness) throws { try rig.run(ms: 21_000) }

    mutating func finish() throws {
        guard let rig else { throw POSIXError(.EIO) }
        for name in unfinished { try rig.append(" whole\n", to: name) }
        try settle(rig)
        let numbers = rig.daemon.lines.map { $0.prefix { $0.isNumber } }.compactMap { Int($0) }
        #expect(numbers.count == written, "seed \(seed)")
        #expect(Set(numbers) == Set(0..<written), "seed \(seed)")
        #expect(rig.daemon.violations.isEmpty, "seed \(seed)")
    }
}
