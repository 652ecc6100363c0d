import IngestCore
import QuipuModel
import TestSupport
import Testing

/// When commits wait for room in the database, and for how much of it.
@Suite struct SizeGateTests {
    private static let budget: Int64 = 20_000_000
    private static let batch: Int64 = 1_000_000

    @Test func farBelowTheBudgetNothingWaits() {
        let gate = SizeGate()
        let weights = [Int64](repeating: Self.batch, count: 8)
        #expect(gate.count(of: weights, used: 5_000_000, budget: Self.budget) == 8)
        #expect(gate.goal(before: 8_000_000, used: 5_000_000, budget: Self.budget) == nil)
        #expect(gate.bound(Self.budget) == Self.budget)
    }

    @Test func nearItCommitsAreSmallAndWaitForRoom() throws {
        let gate = SizeGate()
        let weights = [Int64](repeating: Self.batch, count: 8)
        #expect(gate.count(of: weights, used: 15_000_000, budget: Self.budget) == 1)
        #expect(gate.goal(before: Self.batch, used: 19_000_000, budget: Self.budget) == nil)
        let goal = gate.goal(before: Self.batch, used: 20_500_000, budget: Self.budget)
        #expect(goal == 20_000_000)
    }

    /// Commits, each after the room that it waited for, whatever they turn out to take.
    @Test(arguments: 0..<8)
    func theSizeStaysWithinATenthMore(_ round: Int) {
        var random = SeededGenerator()
        var gate = SizeGate()
        var used: Int64 = 0
        // What a commit takes of its weight changes, but not from one commit to the next.
        var ratio = 1.0
        for _ in 0..<2_000 {
            let weight = Int64.random(in: 1_000...Self.batch, using: &random)
            ratio *= Double.random(in: 0.9...1.1, using: &random)
            ratio = min(max(ratio, 0.3), 3)
            if let goal = gate.goal(before: weight, used: used, budget: Self.budget) {
                #expect(goal >= Self.budget / 2)
                used = goal
            }
            let grown = Int64(Double(weight) * ratio)
            used += grown
            gate.committed(weight, grownBytes: grown)
            #expect(used <= Self.budget * 11 / 10, "seed \(random.seed)")
        }
    }

    /// After the budget was lowered the database comes down with each commit, none waits for long.
    @Test func farAboveItComesDownStepByStep() throws {
        let gate = SizeGate()
        var used = 10 * Self.budget
        var commits = 0
        while let goal = gate.goal(before: Self.batch, used: used, budget: Self.budget) {
            #expect(used - goal <= 2 * Self.batch)
            used = goal + Self.batch
            commits += 1
            try #require(commits < 1_000)
            guard used > Self.budget * 11 / 10 else { break }
        }
        #expect(commits > 100)
    }

    /// What cannot be removed keeps nobody waiting, and retention is not called for each commit.
    @Test func whatCannotGoIsPutUpWith() {
        var gate = SizeGate()
        gate.exhausted(used: 2 * Self.budget, budget: Self.budget)
        #expect(gate.isExhausted)
        #expect(gate.goal(before: Self.batch, used: 2 * Self.budget, budget: Self.budget) == nil)
        #expect(gate.bound(Self.budget) > 2 * Self.budget)
        // It becomes less, and then it is enough.
        gate.retained(used: 3 * Self.budget / 2, budget: Self.budget)
        #expect(gate.bound(Self.budget) < 2 * Self.budget)
        gate.retained(used: Self.budget, budget: Self.budget)
        #expect(!gate.isExhausted)
        #expect(gate.bound(Self.budget) == Self.budget)
    }

    @Test func smallCommitsTeachNothing() {
        var gate = SizeGate()
        let before = gate
        gate.committed(100, grownBytes: 40_960)
        #expect(gate == before)
    }
}
