import Platform
import QuipuModel

extension SpoolState {
    /// What is whole in a segment.
    private struct Contents {
        var end: UInt64 = 0
        var fileBytes: UInt64 = 0
        var newestFrame: UInt64 = 0
        /// Frames of the receive that was asked for.
        var framesOfReceive = 0
        /// What follows the whole frames may be one of that receive, cut within its write.
        var endsInReceive = false
    }

    /// The buffer that segments are read through at the start; at least one frame.
    private static let chunkBytes = Limits.batchBytes

    /// Takes over the segments of earlier processes, cuts torn ends off, and completes the receive
    /// that was in flight.
    mutating func recover(_ landing: Landing) throws(SystemError) {
        let ids = try PlainFiles.names(in: directory).compactMap(SpoolSegment.id(fileName:))
        var newest: UInt64 = 0
        var stored = 0
        var cutEnds: UInt64 = 0
        var endsInReceive = false
        for id in ids.sorted() {
            let contents = try scan(path(id), receive: landing.armedSequence)
            newest = max(newest, contents.newestFrame)
            stored += contents.framesOfReceive
            if contents.end < contents.fileBytes { cutEnds += 1 }
            endsInReceive = contents.endsInReceive
            cut(path(id), contents)
            if contents.end > 0 { adopt(id: id, end: contents.end) }
        }
        if !landing.isCredible(newestFrame: newest) { landing.reset(newestFrame: newest) }
        let now = Timestamp(microseconds: WallClock.microseconds())
        if landing.isArmed,
            !landing.isOfThisBoot(now: now, monotonicNow: MonotonicClock.microseconds())
        {
            landing.dropInFlight()
        }
        // What stands in the slots otherwise is nobody's any more, and must not be appended with
        // the losses.
        if !landing.isArmed { landing.pointSlots() }
        // Only the last segment can have been in the middle of a write, and that is completed.
        if landing.isArmed, endsInReceive { cutEnds -= 1 }
        complete(landing, stored: stored, cutEnds: cutEnds)
        figures.hasUntoldLosses = !landing.untold.isEmpty
        landing.pointSlots()
    }

    /// Completes the receive that was in flight, and books the losses that were found.
    private mutating func complete(_ landing: Landing, stored: Int, cutEnds: UInt64) {
        var losses = Losses()
        losses.add(.spoolCut, datagrams: cutEnds, lines: cutEnds)
        if landing.isArmed {
            append(landing, refused: losses, stored: stored)
        } else if !losses.isEmpty {
            landing.arm(
                arrival: Timestamp(microseconds: WallClock.microseconds()), dialect: .statsd)
            append(landing, refused: losses, stored: 0)
        }
    }

    /// Removes what is no whole frame. Where the disk refuses, it stays and is not read.
    private mutating func cut(_ path: String, _ contents: Contents) {
        guard contents.end < contents.fileBytes || contents.end == 0 else { return }
        figures.cutBytes += contents.fileBytes - contents.end
        if contents.end == 0 { return remove(path) }
        do {
            try PlainFiles.truncate(path, to: contents.end)
        } catch {
            note(error)
        }
    }

    private func scan(_ path: String, receive: UInt64) throws(SystemError) -> Contents {
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.chunkBytes, alignment: 8)
        defer { chunk.deallocate() }
        var contents = Contents()
        while true {
            let count = try PlainFiles.read(path, at: contents.end, into: chunk)
            var walk = FrameWalk()
            walk.go(UnsafeRawBufferPointer(rebasing: chunk[..<count])) { header in
                contents.newestFrame = max(contents.newestFrame, header.sequence)
                if header.sequence == receive { contents.framesOfReceive += 1 }
            }
            contents.end += UInt64(walk.offset)
            contents.fileBytes = contents.end + UInt64(count - walk.offset)
            // A chunk without a whole frame is the end, or no frame.
            if walk.offset == 0 || count < chunk.count {
                let rest = UnsafeRawBufferPointer(rebasing: chunk[walk.offset..<count])
                contents.endsInReceive = Self.mayBegin(rest, receive: receive)
                return contents
            }
        }
    }

    /// Whether bytes can be the beginning of a frame of a receive.
    private static func mayBegin(_ bytes: UnsafeRawBufferPointer, receive: UInt64) -> Bool {
        if bytes.count >= SpoolFrame.headerBytes {
            return SpoolFrame.read(bytes)?.sequence == receive
        }
        var magic: [UInt8] = []
        withUnsafeBytes(of: SpoolFrame.magic.littleEndian) { magic = Array($0) }
        return zip(bytes, magic).allSatisfy { $0 == $1 } && !bytes.isEmpty
    }
}
