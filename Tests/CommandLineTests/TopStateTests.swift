import Platform
import Testing

@testable import quipu

/// What `quipu top` does when something happens.
@Suite struct TopStateTests {
    private let second: Int64 = 1_000_000

    private func state(intervalMs: Int64 = 5_000) throws -> TopState {
        TopState(
            sample: try Moments.sample(at: 0), size: TerminalSize(columns: 80, rows: 24),
            intervalMs: intervalMs)
    }

    @Test func asksAgainAfterEachInterval() throws {
        var state = try state()
        // The second look comes sooner: rates need two.
        #expect(state.waitMilliseconds(now: 0) == 1_000)
        #expect(state.handle(.due, now: second / 2) == [])
        #expect(state.handle(.due, now: second) == [.ask])
        // While an answer is awaited, nothing is due.
        #expect(state.waitMilliseconds(now: 60 * second) == nil)
        #expect(state.handle(.due, now: 60 * second) == [])
        let sample = try Moments.sample(at: 2, batches: 10)
        #expect(state.handle(.answered(.success(sample)), now: 2 * second) == [.draw])
        #expect(state.waitMilliseconds(now: 2 * second) == 4_000)
        #expect(state.rates?.batches == 5)
        #expect(state.rates?.events == 20)
        #expect(state.rates?.metrics == 15)
    }

    @Test func aDaemonThatIsAwayIsAskedSoon() throws {
        var state = try state(intervalMs: 600_000)
        #expect(state.handle(.due, now: second) == [.ask])
        #expect(state.handle(.answered(.failure(.disconnected)), now: 2 * second) == [.draw])
        #expect(state.trouble != nil)
        #expect(state.waitMilliseconds(now: 2 * second) == 1_000)
        #expect(state.handle(.due, now: 3 * second) == [.ask])
        // Another daemon's counters begin at 0: what lies between is no rate.
        let sample = try Moments.sample(at: 3, batches: 10, uptime: 1)
        #expect(state.handle(.answered(.success(sample)), now: 3 * second) == [.draw])
        #expect(state.trouble == nil)
        #expect(state.rates == nil)
        #expect(state.history == [nil, nil])
        #expect(state.waitMilliseconds(now: 3 * second) == 600_000)
    }

    @Test func whatIsPausedStandsStill() throws {
        var state = try state()
        #expect(state.handle(.due, now: second) == [.ask])
        #expect(state.handle(.key(.pause), now: second) == [.draw])
        let sample = try Moments.sample(at: 2, batches: 10)
        #expect(state.handle(.answered(.success(sample)), now: 2 * second) == [])
        #expect(state.sample.microseconds == 0)
        #expect(state.waitMilliseconds(now: 60 * second) == nil)
        #expect(state.handle(.key(.pause), now: 60 * second) == [.draw, .ask])
    }

    @Test func theIntervalHasSteps() throws {
        var state = try state(intervalMs: 3_000)
        func press(_ key: TopKey) -> Int64 {
            _ = state.handle(.key(key), now: 0)
            return state.intervalMs
        }
        #expect([press(.slower), press(.slower)] == [5_000, 10_000])
        #expect([press(.faster), press(.faster), press(.faster)] == [5_000, 2_000, 1_000])
        for _ in 0..<20 { _ = press(.faster) }
        #expect(state.intervalMs == 100)
        // A shorter interval holds at once.
        #expect(state.waitMilliseconds(now: 0) == 100)
        for _ in 0..<20 { _ = press(.slower) }
        #expect(state.intervalMs == 300_000)
    }

    @Test func theHelpIsClosedByAnyKey() throws {
        var state = try state()
        for key in [TopKey.quit, .other, .help] {
            #expect(state.handle(.key(.help), now: 0) == [.draw])
            #expect(state.showsHelp)
            #expect(state.handle(.key(key), now: 0) == [.draw])
            #expect(!state.showsHelp)
        }
        #expect(state.handle(.key(.other), now: 0) == [])
        #expect(state.handle(.key(.quit), now: 0) == [.quit])
        #expect(state.handle(.key(.help), now: 0) == [.draw])
        #expect(state.handle(.key(.end), now: 0) == [.quit])
    }

    @Test func aTerminalThatChangedIsDrawnWhole() throws {
        var state = try state()
        let size = TerminalSize(columns: 40, rows: 10)
        #expect(state.handle(.resized(size), now: 0) == [.repaint])
        #expect(state.size == size)
        #expect(state.handle(.resumed, now: 0) == [.retake])
        #expect(state.handle(.key(.repaint), now: 0) == [.repaint])
        #expect(state.handle(.key(.suspend), now: 0) == [.suspend])
    }

    @Test func sequencesAreOneKey() {
        #expect(TopKey.parse(Array("q".utf8)) == [.quit])
        #expect(
            TopKey.parse(Array("\u{1b}[A\u{1b}OPs\u{1b}[15~+".utf8)) == [
                .other, .other, .sort, .other, .slower,
            ])
        #expect(TopKey.parse(Array("\u{1b}[1".utf8)) == [.other])
        #expect(TopKey.parse([0x1b]) == [.other])
        #expect(TopKey.parse([0x03, 0x1a, 0x0c, 0xff]) == [.end, .suspend, .repaint, .other])
    }
}
