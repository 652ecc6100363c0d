import Glibc
import Platform
import QuipuModel
import Testing

@testable import AgentCore

/// Somebody takes the spool's directory away while it is in use.
@Suite struct SpoolDirectoryTests {
    let directory: ReceivingDirectory
    private let home: String

    init() throws {
        directory = try ReceivingDirectory()
        home = directory("state/agent")
    }

    private func send(_ numbers: ClosedRange<Int>, to spool: Spool) throws {
        let pair = try DatagramPair()
        for number in numbers { try pair.send(Array("m\(number):1|c".utf8)) }
        try spool.take(pair)
    }

    private func deleteAll() throws {
        for name in try PlainFiles.names(in: home) { try PlainFiles.remove("\(home)/\(name)") }
        #expect(rmdir(home) == 0)
        #expect(rmdir(directory("state")) == 0)
    }

    private func payloads(_ spool: Spool) throws -> [String] {
        try spool.allFrames().filter { $0.report == nil }.map {
            String(decoding: $0.payload, as: UTF8.self)
        }
    }

    private func reports(_ spool: Spool) throws -> [LossReport] {
        try spool.allFrames().compactMap(\.report)
    }

    @Test func itIsMadeAnewAndNothingMoreIsLost() throws {
        let spool = try Spool(directory: home)
        try send(1...3, to: spool)
        #expect(try payloads(spool).count == 3)
        spool.acknowledgeAll()
        try deleteAll()
        spool.lookAtDirectory()
        #expect(!spool.figures.isCrashSafe)
        spool.acknowledgeAll()
        try send(4...5, to: spool)
        #expect(spool.figures.isCrashSafe)
        #expect(spool.figures.restorations == 1)
        #expect(spool.figures.refusedDatagrams == 0)
        spool.tellLosses()
        #expect(try payloads(spool) == ["m4:1|c", "m5:1|c"])
        #expect(try reports(spool) == [])
    }

    /// Nobody has looked yet: the reader finds it, and tells what was not read of it.
    @Test func whatWasNotReadIsTold() throws {
        let spool = try Spool(directory: home)
        try send(1...3, to: spool)
        try deleteAll()
        try send(4...4, to: spool)
        let segment = try #require(spool.segments().first)
        #expect(throws: SpoolError.cut) { try spool.frames(of: segment) }
        try send(5...6, to: spool)
        spool.tellLosses()
        #expect(try payloads(spool) == ["m5:1|c", "m6:1|c"])
        #expect(
            try reports(spool) == [LossReport(cause: .spoolCut, datagrams: 1, lines: 1)])
        spool.lookAtDirectory()
        #expect(spool.figures.isCrashSafe)
    }

    /// With nobody to read, it is told all the same.
    @Test func whatCannotBeReadAnyMoreIsTold() throws {
        let spool = try Spool(directory: home)
        try send(1...3, to: spool)
        try deleteAll()
        for _ in 0..<2 { spool.lookAtDirectory() }
        try send(4...4, to: spool)
        for _ in 0..<2 { spool.tellLosses() }
        #expect(try payloads(spool) == ["m4:1|c"])
        #expect(
            try reports(spool) == [LossReport(cause: .spoolCut, datagrams: 1, lines: 1)])
        #expect(spool.segments().count == 1)
    }

    @Test func anotherDirectoryInItsPlaceIsUsed() throws {
        let spool = try Spool(directory: home)
        try send(1...3, to: spool)
        #expect(rename(home, directory("away")) == 0)
        #expect(mkdir(home, 0o700) == 0)
        // What an older landing said counts no more.
        try Spool(directory: home).landing.arm(
            arrival: Timestamp(microseconds: 1), dialect: .statsd)
        spool.lookAtDirectory()
        try send(4...4, to: spool)
        #expect(spool.figures.isCrashSafe)
        #expect(try spool.segments().last.map { try spool.frames(of: $0).count } == 1)
        #expect(throws: SpoolError.inUse(path: home)) { try Spool(directory: home) }
    }

    /// What is in flight when it is made anew is in the new file, and completed at the next start.
    @Test func theNewLandingOutlivesTheProcess() throws {
        do {
            let spool = try Spool(directory: home)
            try send(1...1, to: spool)
            #expect(try payloads(spool).count == 1)
            spool.acknowledgeAll()
            try deleteAll()
            spool.lookAtDirectory()
            try send(2...2, to: spool)
            let pair = try DatagramPair()
            try pair.send(Array("late:1|c".utf8))
            spool.landing.arm(
                arrival: Timestamp(microseconds: WallClock.microseconds()), dialect: .statsd)
            #expect(spool.landing.receive(from: pair.receiver.raw).datagrams == 1)
        }
        let spool = try Spool(directory: home)
        #expect(try payloads(spool) == ["m2:1|c", "late:1|c"])
    }
}

@Suite struct SpoolWatchTests {
    private func figures(_ change: (inout SpoolFigures) -> Void) -> SpoolFigures {
        var figures = SpoolFigures()
        change(&figures)
        return figures
    }

    @Test func aBoutIsToldAtItsBeginningAndItsEnd() {
        var watch = SpoolWatch(directory: "/s")
        #expect(watch.look(SpoolFigures()).isEmpty)
        let full = figures {
            $0.bytes = 640
            $0.isRefusing = true
            $0.refusedDatagrams = 5
        }
        let begun = watch.look(full)
        #expect(begun.map(\.0) == [.warning])
        #expect(begun.first?.1.contains("full with 640 bytes") == true)
        #expect(watch.look(full).isEmpty)
        let over = figures { $0.refusedDatagrams = 9 }
        // Some were refused since the last look.
        #expect(watch.look(over).isEmpty)
        let ended = watch.look(over)
        #expect(ended.map(\.0) == [.info])
        #expect(ended.first?.1.contains("9 datagrams") == true)
        #expect(watch.look(over).isEmpty)
    }

    @Test func aFailureIsNamedOnce() {
        var watch = SpoolWatch(directory: "/s")
        var now = SpoolFigures()
        now.failures = 1
        now.lastFailure = .notFound("open", path: "/s/1")
        #expect(watch.look(now).map(\.0) == [.warning])
        now.failures = 2
        #expect(watch.look(now).isEmpty)
        now.failures = 3
        now.refusedDatagrams = 1
        let refused = watch.look(now)
        #expect(refused.first?.1.contains("cannot be written") == true)
        #expect(watch.look(now).map(\.0) == [.info])
    }

    @Test func aDirectoryThatIsGoneIsTold() {
        var watch = SpoolWatch(directory: "/s")
        #expect(watch.look(figures { $0.isCrashSafe = false }).map(\.0) == [.warning])
        let restored = figures { $0.restorations = 1 }
        #expect(watch.look(restored).map(\.0) == [.warning, .info])
        #expect(watch.look(restored).isEmpty)
    }
}
