import Glibc
import Platform
import QuipuModel
import Testing

@testable import AgentCore

/// What a SIGKILL leaves, at every step of a receive: the landing as it was at one moment, the
/// segments as they were then. Each state is made from a real receive, copied at the moments
/// between its steps.
@Suite struct SpoolRecoveryTests {
    let directory: ReceivingDirectory

    init() throws { directory = try ReceivingDirectory() }

    private static let ringOffset = 256
    private static let arrival = Timestamp(microseconds: WallClock.microseconds())
    private static let earlier = Array("earlier:1|c".utf8)
    private static let payloads = ["a:1|c", "bb:22|c\nb:2|g\n", "c", "dddddddd:4|ms|#x:y"].map {
        Array($0.utf8)
    }

    /// The directory's files, without the landing's untouched end.
    private struct State {
        var landing: [UInt8]
        var segments: [String: [UInt8]]
    }

    private func state() throws -> State {
        var state = State(landing: [], segments: [:])
        for name in try PlainFiles.names(in: directory.path) {
            let isLanding = name == Landing.fileName
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: isLanding ? 600_000 : 100_000, alignment: 8)
            defer { buffer.deallocate() }
            let count = try PlainFiles.read(directory(name), at: 0, into: buffer)
            let bytes = Array(buffer[..<count])
            if isLanding { state.landing = bytes } else { state.segments[name] = bytes }
        }
        return state
    }

    private func put(_ state: State) throws {
        for name in try PlainFiles.names(in: directory.path) {
            try PlainFiles.remove(directory(name))
        }
        try write(state.landing, to: directory(Landing.fileName))
        for (name, bytes) in state.segments { try write(bytes, to: directory(name)) }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = OwnedDescriptor(owning: open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600))
        let count = Glibc.write(descriptor.raw, bytes, bytes.count)
        try #require(count == bytes.count)
    }

    /// A receive with a loss to tell and four datagrams: as it was before it was appended, and
    /// after.
    private func receive() throws -> (before: State, after: State) {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        try pair.send(Self.earlier)
        try pair.send([UInt8](repeating: 0, count: Limits.datagramBytesMax + 1))
        try spool.take(pair)
        for payload in Self.payloads { try pair.send(payload) }
        spool.landing.arm(arrival: Self.arrival, dialect: .dogstatsd)
        #expect(spool.landing.receive(from: pair.receiver.raw).datagrams == 4)
        let before = try state()
        spool.append()
        return (before, try state())
    }

    /// Everything once, in order, told as it should be; also when the spool is opened again.
    private func expectComplete(
        payloads: ArraySlice<[UInt8]> = Self.payloads[...], cut: [LossReport] = [],
        _ comment: Comment
    ) throws {
        for _ in 0..<2 {
            let spool = try Spool(directory: directory.path)
            spool.tellLosses()
            let frames = try spool.allFrames()
            #expect(
                frames.filter { $0.header.kind == .datagram }.map(\.payload)
                    == [Self.earlier] + payloads, comment)
            #expect(
                frames.compactMap(\.report) == [
                    LossReport(cause: .datagramTooLong, datagrams: 1, lines: 1)
                ] + cut, comment)
            let late = frames.filter { $0.header.kind == .datagram }.dropFirst()
            #expect(late.allSatisfy { $0.header.dialect == .dogstatsd }, comment)
            #expect(late.allSatisfy { $0.header.arrival == Self.arrival }, comment)
        }
    }

    @Test func killedWhileTheKernelFillsTheSlots() throws {
        let (before, _) = try receive()
        for filled in 0...Self.payloads.count {
            try put(before)
            do {
                let mapping = try SharedMapping(
                    path: directory(Landing.fileName), byteCount: before.landing.count)
                let ring = MessageRing(at: mapping.pointer(at: Self.ringOffset))
                let pending = Int(UInt32.max)
                for slot in filled..<Self.payloads.count { ring.setLength(pending, slot: slot) }
            }
            try expectComplete(payloads: Self.payloads[..<filled], "\(filled) slots filled")
        }
    }

    @Test func killedAtEveryByteOfTheWriteAndBeforeItIsSettled() throws {
        let (before, after) = try receive()
        let name = try #require(after.segments.keys.first)
        let old = try #require(before.segments[name])
        let new = try #require(after.segments[name])
        #expect(new.count > old.count && new.starts(with: old))
        for end in old.count...new.count {
            try put(State(landing: before.landing, segments: [name: Array(new[..<end])]))
            try expectComplete("write cut after \(end - old.count) bytes")
        }
    }

    @Test func killedWhileItIsSettled() throws {
        let (before, after) = try receive()
        // Word by word the losses, then the number that settles.
        let changed = stride(from: 0, to: 256, by: 8).filter {
            before.landing[$0..<$0 + 8] != after.landing[$0..<$0 + 8]
        }
        let settled = 16
        #expect(changed.contains(settled))
        let order = changed.filter { $0 != settled } + [settled]
        for steps in 0...order.count {
            var state = State(landing: before.landing, segments: after.segments)
            for offset in order[..<steps] {
                state.landing[offset..<offset + 8] = after.landing[offset..<offset + 8]
            }
            try put(state)
            try expectComplete("\(steps) words of settling")
        }
    }

    @Test func killedAgainDuringRecovery() throws {
        let (before, after) = try receive()
        let name = try #require(after.segments.keys.first)
        let old = try #require(before.segments[name])
        let new = try #require(after.segments[name])
        for end in [old.count, old.count + 20, old.count + 60, new.count - 1] {
            let first = State(landing: before.landing, segments: [name: Array(new[..<end])])
            try put(first)
            do { _ = try Spool(directory: directory.path) }
            let recovered = try state()
            let made = try #require(recovered.segments.keys.first { $0 != name })
            let bytes = try #require(recovered.segments[made])
            for cut in 0...bytes.count {
                var second = recovered
                second.landing = before.landing
                second.segments[made] = Array(bytes[..<cut])
                try put(second)
                try expectComplete("killed after \(end) bytes, again after \(cut)")
            }
        }
    }

    @Test func aLossIsToldOnceWhenKilledWhileItIsTold() throws {
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        try pair.send([UInt8](repeating: 0, count: Limits.datagramBytesMax + 1))
        try spool.take(pair)
        spool.landing.arm(arrival: Self.arrival, dialect: .statsd)
        let before = try state()
        spool.append()
        let after = try state()
        let (name, bytes) = try #require(after.segments.first)
        for end in 0...bytes.count {
            try put(State(landing: before.landing, segments: [name: Array(bytes[..<end])]))
            let spool = try Spool(directory: directory.path)
            spool.tellLosses()
            #expect(
                try spool.allFrames().map(\.report) == [
                    LossReport(cause: .datagramTooLong, datagrams: 1, lines: 1)
                ])
        }
    }

    private static let torn: [[UInt8]] = [
        [0x50], [0x50, 0x51, 1, 0, 200], [UInt8](repeating: 0, count: 5_000),
        [UInt8](repeating: 0xff, count: 300_000), Array(repeating: 0x50, count: 30),
    ]

    /// A power loss tears the end of a segment. What it was nobody knows: one datagram is told.
    @Test(arguments: torn) func aTornOrDamagedEndIsALoss(end: [UInt8]) throws {
        let (_, after) = try receive()
        let (name, bytes) = try #require(after.segments.first)
        try put(State(landing: after.landing, segments: [name: bytes + end]))
        do {
            let spool = try Spool(directory: directory.path)
            #expect(throws: SpoolError.cut) { try spool.allFrames() }
            spool.tellLosses()
            #expect(spool.figures.cutBytes == UInt64(end.count))
        }
        try expectComplete(
            cut: [LossReport(cause: .spoolCut, datagrams: 1, lines: 1)],
            "\(end.count) bytes of garbage")
        #expect(try state().segments[name] == bytes)
    }

    /// What the daemon has is no loss, wherever the power loss has torn it.
    @Test(arguments: torn) func aTornEndThatIsAcknowledgedIsNoLoss(end: [UInt8]) throws {
        let (_, after) = try receive()
        let (name, bytes) = try #require(after.segments.first)
        try put(State(landing: after.landing, segments: [name: bytes + end]))
        let spool = try Spool(directory: directory.path)
        let segment = try #require(spool.segments().first)
        #expect(segment.endOffset == UInt64(bytes.count + end.count))
        spool.acknowledge(segment: segment.id, through: segment.endOffset)
        #expect(!spool.hasUntoldLosses)
        #expect(try state().segments.isEmpty)
    }

    /// A hole in what the daemon has does not cost the frames behind it.
    @Test func framesBehindAHoleAreRead() throws {
        let (before, after) = try receive()
        let (name, bytes) = try #require(after.segments.first)
        let begin = try #require(before.segments[name]).count
        let hole = [UInt8](repeating: 0, count: begin)
        try put(State(landing: after.landing, segments: [name: hole + bytes[begin...]]))
        let spool = try Spool(directory: directory.path)
        let segment = try #require(spool.segments().first)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 8)
        defer { buffer.deallocate() }
        #expect(
            try spool.read(segment: segment.id, from: UInt64(begin), into: buffer)
                == bytes.count - begin)
        #expect(!spool.hasUntoldLosses)
    }

    @Test func aLandingThatIsOlderThanTheSegmentsIsForgotten() throws {
        let (before, _) = try receive()
        // After a power loss: the segments know later receives than the landing does.
        let spool = try Spool(directory: directory.path)
        let pair = try DatagramPair()
        for payload in Self.payloads {
            try pair.send(payload)
            try spool.take(pair)
        }
        let frames = try spool.allFrames()
        let newest = try state()
        for landing in [before.landing, [], [UInt8](repeating: 0xa5, count: 20_000)] {
            try put(State(landing: landing, segments: newest.segments))
            let again = try Spool(directory: directory.path)
            #expect(try again.allFrames() == frames)
            try pair.send(Self.earlier)
            try again.take(pair)
            let last = try #require(try again.allFrames().last)
            #expect(last.payload == Self.earlier)
            #expect(frames.allSatisfy { $0.header.sequence < last.header.sequence })
        }
    }

    /// After a power loss the landing may say that something is in flight that was appended, sent
    /// and deleted long since.
    @Test func whatWasInFlightBeforeTheMachineStartedIsForgotten() throws {
        let (before, _) = try receive()
        let (armedAt, mark) = (48, 56)
        for (offset, value) in [(armedAt, Int64.max), (mark, 1)] {
            var later = before
            withUnsafeBytes(of: value.littleEndian) {
                later.landing.replaceSubrange(offset..<offset + 8, with: $0)
            }
            try put(later)
            try expectComplete(payloads: [], "started anew")
        }
    }

    @Test func segmentsOfEarlierProcessesAreNeverAppendedTo() throws {
        let pair = try DatagramPair()
        var ids: [UInt64] = []
        for _ in 0..<3 {
            let spool = try Spool(directory: directory.path)
            try pair.send(Self.earlier)
            try spool.take(pair)
            let sealed = spool.segments().dropLast().map(\.isSealed)
            #expect(!sealed.contains(false))
            ids = spool.segments().map(\.id)
        }
        #expect(ids.count == 3)
        #expect(Set(ids).count == 3)
    }

    @Test func otherFilesInTheDirectoryAreLeftAlone() throws {
        for name in ["x.spool", "00000000000000zz.spool", "0000000000000001.spool.bak", "note"] {
            try write([1, 2, 3], to: directory(name))
        }
        do { _ = try Spool(directory: directory.path) }
        #expect(try PlainFiles.names(in: directory.path).count == 5)
    }
}
