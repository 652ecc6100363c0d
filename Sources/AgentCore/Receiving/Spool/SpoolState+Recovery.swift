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

    /// Takes over the segments of earlier processes, and completes the receive that was in flight.
    mutating func recover(_ landing: Landing) throws(SystemError) {
        let ids = try system.segmentNames(directory).compactMap(SpoolSegment.id(fileName:))
        var newest: UInt64 = 0
        var stored = 0
        var last: (id: UInt64, contents: Contents)?
        for id in ids.sorted() {
            let contents = try scan(path(id), receive: landing.armedSequence)
            newest = max(newest, contents.newestFrame)
            stored += contents.framesOfReceive
            if contents.fileBytes > 0 {
                adopt(id: id, end: contents.fileBytes, whole: contents.end)
            } else {
                remove(path(id))
            }
            last = (id, contents)
        }
        if !landing.isCredible(newestFrame: newest) { landing.reset(newestFrame: newest) }
        let mark = bootMark
        if landing.isArmed,
            !landing.isOfThisBoot(mark: mark, now: system.monotonicMicroseconds())
        {
            landing.dropInFlight()
        }
        if landing.isArmed {
            // Only the last segment can have been in the middle of a write, and that is completed.
            if let last, last.contents.endsInReceive { cut(last.id, last.contents) }
            append(landing, refused: Losses(), stored: stored)
        }
        figures.hasUntoldLosses = !landing.untold.isEmpty
        // What stands in the slots is nobody's any more.
        landing.pointSlots()
        landing.markBoot(mark)
    }

    /// The file system of /run is made when the machine starts. Where it does not tell when, only
    /// the clock is left, which a machine that was up for less time than before gives away. The
    /// kernel's own mark is in a part of /proc that a hardened service does not see.
    private var bootMark: UInt64 {
        guard let status = try? system.status("/run", followingLinks: true) else { return 0 }
        return UInt64(bitPattern: status.identity.birthNanoseconds)
    }

    /// Removes what is no whole frame. Of other segments it stays, to be told as a loss when the
    /// daemon turns out not to have it.
    private mutating func cut(_ id: UInt64, _ contents: Contents) {
        let torn = contents.fileBytes - contents.end
        figures.cutBytes += torn
        figures.bytes -= torn
        if contents.end == 0 {
            segments.removeLast()
            return remove(path(id))
        }
        segments[segments.count - 1].end = contents.end
        truncate(path(id), to: contents.end)
    }

    private func scan(_ path: String, receive: UInt64) throws(SystemError) -> Contents {
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.chunkBytes, alignment: 8)
        defer { chunk.deallocate() }
        var contents = Contents()
        contents.fileBytes = try system.status(path, followingLinks: false).sizeBytes
        while true {
            let count = try system.readSegment(path, at: contents.end, into: chunk)
            var walk = FrameWalk()
            walk.go(UnsafeRawBufferPointer(rebasing: chunk[..<count])) { header in
                contents.newestFrame = max(contents.newestFrame, header.sequence)
                if header.sequence == receive { contents.framesOfReceive += 1 }
            }
            contents.end += UInt64(walk.offset)
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
