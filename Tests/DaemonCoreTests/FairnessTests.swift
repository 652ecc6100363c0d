import NIOCore
import NIOEmbedded
import QuipuModel
import Synchronization
import Testing

@testable import DaemonCore

/// Nobody's slowness, and nobody's number of questions, is paid for by others.
@Suite struct FairnessTests {
    /// A clock that only the test moves.
    private final class Clock: Sendable {
        private let time = Atomic<Int64>(0)
        var now: Int64 { time.load(ordering: .relaxed) }
        func advance(ms: Int) { time.add(Int64(ms) * 1_000, ordering: .relaxed) }
    }

    private static func log() -> (list: @Sendable () -> [Int], add: @Sendable (Int) -> Void) {
        final class Box: Sendable { let value = Mutex<[Int]>([]) }
        let box = Box()
        return ({ box.value.withLock { $0 } }, { item in box.value.withLock { $0.append(item) } })
    }

    @Test func whoTakesNothingForLongestIsCutForRoom() {
        let clock = Clock()
        let (cut, note) = Self.log()
        let replies = WaitingReplies(bytesMax: 100) { clock.now }
        let readers = (0..<3).map { index in replies.enter { note(index) } }
        for reader in readers {
            replies.add(30, of: reader)
            clock.advance(ms: 300)
        }
        #expect(cut() == [])
        // The first is the oldest, but it takes.
        replies.take(10, of: readers[0])
        replies.add(40, of: readers[2])
        #expect(cut() == [1])
        // It is cut once, and while it goes, nobody else: all others moved just now.
        replies.add(1, of: readers[2])
        #expect(cut() == [1])
        replies.leave(readers[1])
        clock.advance(ms: 300)
        replies.add(1, of: readers[0])
        #expect(cut() == [1])
    }

    @Test func batchesShareTheirRoom() {
        let room = BatchRoom(bytesMax: 100, bytesPerUserMax: 60)
        #expect(room.take(60, of: 1))
        #expect(!room.take(1, of: 1))
        #expect(room.take(40, of: 2))
        // All of it is taken, though not by this user.
        #expect(!room.take(1, of: 2))
        room.give(60, of: 1)
        #expect(room.take(20, of: 2))
        #expect(!room.take(1, of: 2))
        #expect(room.take(40, of: 1))
    }

    @Test func aReaderThatStandsStillIsCutInTime() {
        let clock = Clock()
        let replies = WaitingReplies { clock.now }
        let reader = replies.enter {}
        #expect(replies.verdict(on: reader) == .idle)
        replies.add(10, of: reader)
        clock.advance(ms: Limits.slowReaderMsMax - 1)
        #expect(replies.verdict(on: reader) == .waiting)
        replies.take(1, of: reader)
        clock.advance(ms: Limits.slowReaderMsMax - 1)
        #expect(replies.verdict(on: reader) == .waiting)
        clock.advance(ms: 1)
        #expect(replies.verdict(on: reader) == .cut("slow_reader_ms"))
        replies.take(9, of: reader)
        #expect(replies.verdict(on: reader) == .idle)
    }

    @Test func writesGoOutInPiecesAndAreWhole() throws {
        let watch = ReaderWatch(waiting: WaitingReplies()) { _ in }
        let channel = EmbeddedChannel(handler: watch)
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try channel.writeOutbound(ByteBuffer(bytes: bytes))
        var pieces: [ByteBuffer] = []
        while let piece = try channel.readOutbound(as: ByteBuffer.self) { pieces.append(piece) }
        #expect(pieces.count > 1)
        #expect(pieces.flatMap { Array($0.readableBytesView) } == bytes)
        _ = try channel.finish()
    }

    @Test(.timeLimit(.minutes(15))) func usersTakeTurns() async {
        let gate = QueryGate(runningMax: 2, runningPerUserMax: 1)
        let (order, note) = Self.log()
        await gate.enter(1)
        // One more of the same user waits, though there is room; another user does not.
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<3 {
                tasks.addTask {
                    await gate.enter(1)
                    note(1)
                    gate.leave(1)
                }
            }
            await gate.enter(2)
            #expect(order() == [])
            gate.leave(2)
            gate.leave(1)
            await tasks.waitForAll()
        }
        #expect(order() == [1, 1, 1])
    }

    @Test(.timeLimit(.minutes(15))) func roomIsWaitedFor() async {
        let room = WaitingRoom(2)
        await room.enter()
        await room.enter()
        async let third: Void = room.enter()
        room.leave()
        await third
        async let fourth: Void = room.enter()
        room.close()
        await fourth
        await room.enter()
    }
}
