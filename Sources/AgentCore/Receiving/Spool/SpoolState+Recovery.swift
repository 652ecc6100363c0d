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
    }

    /// The buffer that segments are read through at the start; at least one frame.
    private static let chunkBytes = Limits.batchBytes

    /// Takes over the segments of earlier processes, cuts torn ends off, and completes the receive
    /// that was in flight.
    mutating func recover(_ landing: Landing) throws(SystemError) {
        let ids = try PlainFiles.names(in: directory).compactMap(SpoolSegment.id(fileName:))
        var newest: UInt64 = 0
        var stored = 0
        for id in ids.sorted() {
            let contents = try scan(path(id), receive: landing.armedSequence)
            newest = max(newest, contents.newestFrame)
            stored += contents.framesOfReceive
            cut(path(id), contents)
            if contents.end > 0 { adopt(id: id, end: contents.end) }
        }
        if !landing.isCredible(newestFrame: newest) { landing.reset(newestFrame: newest) }
        if landing.isArmed { append(landing, refused: Losses(), stored: stored) }
        figures.hasUntoldLosses = !landing.untold.isEmpty
        landing.pointSlots()
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
            if walk.offset == 0 || count < chunk.count { return contents }
        }
    }
}
