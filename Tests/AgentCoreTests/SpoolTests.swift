import Glibc
import Platform
import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

@Suite struct SpoolTests {
    let directory: ReceivingDirectory

    init() throws { directory = try ReceivingDirectory() }

    private func text(_ number: Int, _ count: Int = 8) -> [UInt8] {
        Array("m\(number):1|c".utf8) + [UInt8](repeating: 0x20, count: max(0, count - 8))
    }

    @Test func framesCarryWhatWasReceived() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        try pair.send(Array("a:1|c".utf8))
        try pair.send([])
        try pair.send(Array("b:2|c\nc:3|c\n".utf8))
        try spool.take(pair, dialect: .dogstatsd)

        let frames = try spool.allFrames()
        #expect(frames.map(\.payload) == [Array("a:1|c".utf8), Array("b:2|c\nc:3|c\n".utf8)])
        #expect(frames.allSatisfy { $0.header.dialect == .dogstatsd })
        #expect(frames.allSatisfy { $0.header.arrival == Timestamp(microseconds: 1_000) })
        #expect(frames.allSatisfy { $0.header.kind == .datagram })
    }

    @Test func aDatagramThatIsTooLongIsALoss() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        let longest = [UInt8](repeating: 0x61, count: Limits.datagramBytesMax)
        try pair.send(longest)
        try pair.send(longest + [0x61])
        try spool.take(pair)
        #expect(try spool.allFrames().map(\.payload) == [longest])
        spool.tellLosses()
        let frames = try spool.allFrames()
        #expect(frames.count == 2)
        #expect(frames[1].report == LossReport(cause: .datagramTooLong, datagrams: 1, lines: 1))
        spool.tellLosses()
        #expect(try spool.allFrames().count == 2)
    }

    @Test func segmentsRollAndGoWhenAcknowledged() throws {
        let spool = try Spool(directory: directory.path, segmentBytes: 200)
        let pair = try DatagramPair()
        for number in 0..<20 {
            try pair.send(text(number, 50))
            try spool.take(pair)
        }
        let segments = spool.segments()
        #expect(segments.count == 10)
        #expect(segments.map(\.id) == segments.map(\.id).sorted())
        #expect(segments.map(\.isSealed) == Array(repeating: true, count: 9) + [false])
        #expect(try spool.allFrames().map(\.payload) == (0..<20).map { text($0, 50) })

        // Not to its end: stays. The open one: stays.
        spool.acknowledge(segment: segments[0].id, through: segments[0].endOffset - 1)
        spool.acknowledge(segment: segments[9].id, through: segments[9].endOffset)
        #expect(spool.segments() == segments)
        spool.acknowledge(segment: segments[0].id, through: segments[0].endOffset)
        #expect(spool.segments() == Array(segments.dropFirst()))
        #expect(access(segments[0].path, F_OK) != 0)
        spool.sealCurrent()
        #expect(spool.segments().last?.isSealed == true)
        spool.acknowledgeAll()
        #expect(spool.segments() == [])
        #expect(try PlainFiles.names(in: directory.path) == [Landing.fileName])
        #expect(spool.figures.bytes == 0)
    }

    @Test func anIdleSegmentEndsOnceItIsAcknowledged() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        try pair.send(text(1))
        try spool.take(pair)
        spool.sealIfIdle(microseconds: 0)
        #expect(spool.segments().map(\.isSealed) == [false])
        spool.acknowledgeAll()
        spool.sealIfIdle(microseconds: 3_600_000_000)
        #expect(spool.segments().map(\.isSealed) == [false])
        spool.sealIfIdle(microseconds: 0)
        #expect(spool.segments().map(\.isSealed) == [true])
        spool.acknowledgeAll()
        #expect(spool.segments() == [])
    }

    @Test func readingGivesWholeFramesAsManyAsFit() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        for number in 0..<5 { try pair.send(text(number, 40)) }
        try spool.take(pair)
        let segment = try #require(spool.segments().first)
        #expect(segment.endOffset == 5 * 64)
        for bufferBytes in [64, 65, 127, 128, 200, 1_000] {
            let frames = try spool.frames(of: segment, bufferBytes: bufferBytes)
            #expect(frames.map(\.payload) == (0..<5).map { text($0, 40) })
        }
        #expect(throws: SpoolError.bufferTooSmall(bytes: 64)) {
            try spool.frames(of: segment, bufferBytes: 63)
        }
        #expect(throws: SpoolError.unknownSegment) {
            try spool.frames(
                of: SpoolSegment(id: 1, path: "", endOffset: 1, isSealed: false))
        }
    }

    @Test func damagedBytesAreHandedOverForTheDaemonToRefuse() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        for number in 0..<3 { try pair.send(text(number, 40)) }
        try spool.take(pair)
        let segment = try #require(spool.segments().first)
        let raw = open(segment.path, O_WRONLY)
        #expect(pwrite(raw, [0, 0], 2, 64) == 2)
        close(raw)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_000, alignment: 8)
        defer { buffer.deallocate() }
        #expect(try spool.read(segment: segment.id, from: 0, into: buffer) == 64)
        #expect(try spool.read(segment: segment.id, from: 64, into: buffer) == 128)
        #expect(truncate(segment.path, 100) == 0)
        #expect(throws: SpoolError.cut) {
            try spool.read(segment: segment.id, from: 64, into: buffer)
        }
    }

    /// A power cut or a person takes the end of a segment, or all of it: what is left is read, the
    /// rest is told once, and what comes later is kept.
    @Test(arguments: [0, 30, 64, 100]) func whatIsGoneIsALoss(_ leftBytes: Int) throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        for number in 0..<3 { try pair.send(text(number, 40)) }
        try spool.take(pair)
        let segment = try #require(spool.segments().first)
        #expect(truncate(segment.path, leftBytes) == 0)
        if leftBytes == 0 { #expect(unlink(segment.path) == 0) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_000, alignment: 8)
        defer { buffer.deallocate() }
        let whole = leftBytes / 64
        #expect((try? spool.read(segment: segment.id, from: 0, into: buffer)) ?? 0 == whole * 64)
        #expect(spool.figures.cutBytes == UInt64((3 - whole) * 64))
        try pair.send(text(9, 40))
        try spool.take(pair)
        for _ in 0..<2 { spool.tellLosses() }
        let frames = try spool.allFrames()
        #expect(frames.filter { $0.header.kind == .datagram }.map(\.payload).last == text(9, 40))
        #expect(
            frames.compactMap(\.report) == [
                LossReport(cause: .spoolCut, datagrams: 1, lines: 1)
            ])
    }

    @Test func theReaderIsToldOnceUntilItAsks() throws {
        let wake = try WakeUp()
        func signals() -> UInt64 {
            var count: UInt64 = 0
            return read(wake.raw, &count, 8) == 8 ? count : 0
        }
        let spool = try Spool(directory: directory.path, onChange: { wake.signal() })
        let pair = try DatagramPair()
        for _ in 0..<3 {
            for number in 0..<3 {
                try pair.send(text(number))
                try spool.take(pair)
            }
            #expect(signals() == 1)
            _ = spool.segments()
        }
    }

    @Test func oneProcessHasTheDirectory() throws {
        let first = try Spool(directory: directory.path)
        #expect(throws: SpoolError.inUse(path: directory.path)) {
            try Spool(directory: directory.path)
        }
        #expect(first.segments() == [])
    }
}

@Suite struct SpoolFullTests {
    let directory: ReceivingDirectory

    init() throws { directory = try ReceivingDirectory() }

    /// Frames of 64 bytes with two lines each; the spool holds 10, four to a segment.
    private let line = Array("metric.name.abc:1|c\nmetric.name.abc:2|c\n".utf8)

    private func makeSpool() throws -> Spool {
        try Spool(directory: directory.path, bytesMax: 640, segmentBytes: 256)
    }

    private func send(_ count: Int, to spool: Spool) throws {
        let pair = try DatagramPair()
        for _ in 0..<count {
            try pair.send(line)
            try spool.take(pair)
        }
    }

    @Test func theNewestAreRefusedAndToldOnce() throws {
        let spool = try makeSpool()
        try send(25, to: spool)
        #expect(try spool.allFrames().count == 10)
        #expect(spool.figures.isRefusing)
        #expect(spool.figures.refusedDatagrams == 15)
        spool.tellLosses()
        #expect(try spool.allFrames().count == 10)

        spool.acknowledgeAll()
        #expect(spool.segments() == [])
        spool.tellLosses()
        #expect(
            try spool.allFrames().map(\.report) == [
                LossReport(cause: .spoolFull, datagrams: 15, lines: 30)
            ])
        try send(2, to: spool)
        #expect(!spool.figures.isRefusing)
        #expect(try spool.allFrames().map(\.header.kind) == [.loss, .datagram, .datagram])
    }

    @Test func theLossComesBeforeWhatFollowsIt() throws {
        let spool = try makeSpool()
        try send(12, to: spool)
        spool.acknowledgeAll()
        try send(1, to: spool)
        let frames = try spool.allFrames()
        #expect(frames.map(\.header.kind) == [.loss, .datagram])
        #expect(frames[0].report == LossReport(cause: .spoolFull, datagrams: 2, lines: 4))
    }

    @Test func aLossThatWasNotToldOutlivesTheProcess() throws {
        do {
            let spool = try makeSpool()
            try send(13, to: spool)
        }
        do {
            let spool = try makeSpool()
            #expect(spool.figures.hasUntoldLosses)
            try send(2, to: spool)
            spool.acknowledgeAll()
        }
        let spool = try makeSpool()
        spool.tellLosses()
        #expect(
            try spool.allFrames().map(\.report) == [
                LossReport(cause: .spoolFull, datagrams: 5, lines: 10)
            ])
    }

    /// Whatever comes and goes: received = read + told as lost, to the datagram and the line.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func theCountsClose(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let spool = try Spool(directory: directory.path, bytesMax: 3_000, segmentBytes: 700)
        let pair = try DatagramPair()
        var sentLines: UInt64 = 0
        var sent: UInt64 = 0
        var readLines: UInt64 = 0
        var read: UInt64 = 0
        var lostLines: UInt64 = 0
        var lost: UInt64 = 0
        func drain() throws {
            for frame in try spool.allFrames() {
                if let report = frame.report {
                    lost += report.datagrams
                    lostLines += report.lines
                } else {
                    read += 1
                    readLines += frame.payload.withUnsafeBytes(Losses.lines)
                }
            }
            spool.sealCurrent()
            spool.acknowledgeAll()
        }
        for _ in 0..<300 {
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let lines = Int.random(in: 1...20, using: &random)
                let rows = Array(repeating: "name.of:\(sent)|c", count: lines)
                try pair.send(Array(rows.joined(separator: "\n").utf8))
                sent += 1
                sentLines += UInt64(lines)
            }
            try spool.take(pair)
            if Int.random(in: 0..<8, using: &random) == 0 { try drain() }
        }
        try drain()
        spool.tellLosses()
        try drain()
        #expect(lost > 0)
        #expect(read + lost == sent)
        #expect(readLines + lostLines == sentLines)
    }

    @Test func aDirectoryThatCannotBeWrittenIsALossUntilItCan() throws {
        let home = directory("spool")
        let away = directory("away")
        let spool = try Spool(directory: home, segmentBytes: 100)
        try send(1, to: spool)
        #expect(rename(home, away) == 0)
        // No directory can be made there.
        try PlainFiles.create(home)
        try send(4, to: spool)
        #expect(spool.figures.failures > 0)
        #expect(spool.figures.lastFailure?.isMissing == true)
        #expect(!spool.figures.isCrashSafe)
        try PlainFiles.remove(home)
        #expect(rename(away, home) == 0)
        try send(1, to: spool)
        let frames = try spool.allFrames()
        #expect(frames.map(\.header.kind) == [.datagram, .loss, .datagram])
        #expect(frames[1].report == LossReport(cause: .spoolFull, datagrams: 4, lines: 8))
    }
}
