import Platform
import QuipuModel

/// The segments and what may still be read of them; all under the spool's lock.
struct SpoolState {
    struct Segment {
        var id: UInt64
        /// What may be read ends here.
        var end: UInt64
        /// Frames from the beginning on are known to be whole up to here.
        var whole: UInt64
        var acknowledged: UInt64 = 0
        /// The reader was given everything before.
        var handedOver: UInt64 = 0
        var isSealed: Bool
        /// Monotonic, microseconds.
        var lastAppend: Int64
    }

    /// A frame of the receive that is being appended.
    private struct Planned {
        var frame: UnsafeRawBufferPointer
        var payloadBytes: Int
        /// For frames that tell a loss.
        var report: LossReport?

        var payload: UnsafeRawBufferPointer {
            let start = SpoolFrame.headerBytes
            return UnsafeRawBufferPointer(rebasing: frame[start..<start + payloadBytes])
        }
    }

    let directory: String
    let system: any AgentSystem
    private let bytesMax: UInt64
    private let segmentBytes: UInt64
    /// Oldest first; only the last may be open.
    var segments: [Segment] = []
    var figures = SpoolFigures()
    /// Whether the reader has been told of a change since it last asked.
    var isReaderTold = false
    /// The landing's file is gone: a SIGKILL loses what was just received.
    var isLandingGone = false
    /// Nobody has tried to mend that since it was seen.
    var mustRestore = false
    /// Found by the shipping side, to be told with the next receive.
    private var found = Losses()
    private var newestID: UInt64 = 0
    /// The file of the last segment, while that is open.
    private var file: (any SegmentFile)?
    private var gather = GatherList()
    private var planned: [Planned] = []

    init(
        directory: String, bytesMax: Int, segmentBytes: Int, system: any AgentSystem
    ) {
        self.directory = directory
        self.system = system
        self.bytesMax = UInt64(bytesMax)
        self.segmentBytes = UInt64(segmentBytes)
    }

    func path(_ id: UInt64) -> String { "\(directory)/\(SpoolSegment.fileName(id))" }

    // MARK: Appending

    /// Moves what is in flight in the landing to the spool, in order and as far as there is room,
    /// and settles it; the rest becomes a loss. What to do is decided by the landing alone, so that
    /// the next process decides the same when this one is killed half-way.
    /// - Parameters:
    ///   - refused: losses that the caller found besides.
    ///   - stored: how many frames of this receive are in the spool already.
    mutating func append(_ landing: Landing, refused: Losses, stored: Int) {
        if mustRestore { restore(landing) }
        var untold = landing.untold
        plan(landing, &untold)
        untold.add(refused)
        untold.add(found)
        found = Losses()
        let written = min(stored, planned.count)
        let end = written + write(planned[written...], landing)
        for (index, item) in planned.enumerated() {
            if let report = item.report {
                if index < end { untold.subtract(report) }
            } else if index >= end {
                untold.add(.spoolFull, lines: Losses.lines(in: item.payload))
                figures.refusedDatagrams += 1
            }
        }
        figures.isRefusing = end < planned.count
        figures.hasUntoldLosses = !untold.isEmpty
        planned.removeAll(keepingCapacity: true)
        landing.settle(untold: untold)
    }

    /// The frames of the receive: first those that tell older losses, then the datagrams. Adds to
    /// `untold` the datagrams that were too long.
    private mutating func plan(_ landing: Landing, _ untold: inout Losses) {
        for report in untold.reports {
            planned.append(
                Planned(
                    frame: landing.frame(report), payloadBytes: report.payloadBytes, report: report)
            )
        }
        for slot in 0..<Landing.slots {
            guard let content = landing.content(slot: slot) else { break }
            switch content {
            case .empty: break
            case .tooLong: untold.add(.datagramTooLong, lines: 1)
            case .payload(let count):
                planned.append(
                    Planned(
                        frame: landing.frame(slot: slot, payloadBytes: count), payloadBytes: count))
            }
        }
    }

    /// Writes as many of the frames as there is room for; how many.
    private mutating func write(_ frames: ArraySlice<Planned>, _ landing: Landing) -> Int {
        let room = bytesMax - min(figures.bytes, bytesMax)
        gather.removeAll()
        for item in frames {
            guard UInt64(gather.byteCount + item.frame.count) <= room else { break }
            gather.append(item.frame)
        }
        guard gather.byteCount > 0 else {
            // Nothing more goes in until segments are deleted, and only sealed ones are.
            if !frames.isEmpty { seal() }
            return 0
        }
        guard let file = fileForAppending(gather.byteCount, landing) else { return 0 }
        let last = segments.count - 1
        let (written, failure) = file.write(&gather, at: segments[last].end)
        var whole = 0
        var count = 0
        for item in frames {
            guard whole + item.frame.count <= written else { break }
            whole += item.frame.count
            count += 1
        }
        segments[last].end += UInt64(whole)
        segments[last].whole = segments[last].end
        segments[last].lastAppend = system.monotonicMicroseconds()
        figures.bytes += UInt64(whole)
        if let failure { cutBack(after: failure) }
        return count
    }

    /// Takes a torn frame off the end of the open segment; a segment that can't be trusted to be
    /// written any more is left as it is.
    private mutating func cutBack(after failure: SystemError) {
        note(failure)
        guard let file, let end = segments.last?.end else { return }
        do {
            try file.truncate(to: end)
            if !failure.isNoSpace { seal() }
        } catch {
            seal()
        }
    }

    /// The open segment's file, or that of a new one when it is full; nil when none can be had.
    private mutating func fileForAppending(
        _ byteCount: Int, _ landing: Landing
    ) -> (any SegmentFile)? {
        if let last = segments.last, last.end > 0, last.end + UInt64(byteCount) > segmentBytes {
            seal()
        }
        if let file { return file }
        // By the clock, so that no segment ever has the number of one that the daemon knows.
        let now = UInt64(clamping: system.wallMicroseconds())
        newestID = max(newestID &+ 1, now)
        do throws(SystemError) {
            let made: any SegmentFile
            do throws(SystemError) {
                made = try system.makeSegment(path(newestID))
            } catch {
                guard error.isMissing, restore(landing) else { throw error }
                made = try system.makeSegment(path(newestID))
            }
            file = made
            segments.append(
                Segment(
                    id: newestID, end: 0, whole: 0, isSealed: false,
                    lastAppend: system.monotonicMicroseconds()))
            return made
        } catch {
            note(error)
            return nil
        }
    }

    /// The reader was given a segment's frames before `offset`.
    mutating func handed(_ id: UInt64, to offset: UInt64) {
        guard let index = segments.firstIndex(where: { $0.id == id }) else { return }
        segments[index].handedOver = max(segments[index].handedOver, offset)
    }

    mutating func note(_ failure: SystemError) {
        figures.failures += 1
        figures.lastFailure = failure
    }

    // MARK: Segments

    /// Closes the open segment; an empty one goes.
    mutating func seal() {
        guard file != nil, let last = segments.last else { return }
        file = nil
        if last.end == 0 {
            segments.removeLast()
            remove(path(last.id))
        } else {
            segments[segments.count - 1].isSealed = true
        }
    }

    /// Seals the open segment when all of it is acknowledged and nothing came for `microseconds`.
    mutating func sealIfIdle(microseconds: Int64) -> Bool {
        guard file != nil, let last = segments.last, last.acknowledged == last.end,
            last.lastAppend + microseconds <= system.monotonicMicroseconds()
        else { return false }
        seal()
        return true
    }

    /// Adds what an earlier process left.
    mutating func adopt(id: UInt64, end: UInt64, whole: UInt64) {
        segments.append(
            Segment(id: id, end: end, whole: whole, isSealed: true, lastAppend: 0))
        newestID = max(newestID, id)
        figures.bytes += end
    }

    /// A segment's file has no frames behind `end`, though there were: it ends there, and gets
    /// nothing more.
    mutating func shorten(_ id: UInt64, to end: UInt64) {
        guard let index = segments.firstIndex(where: { $0.id == id }), end < segments[index].end
        else { return }
        if !segments[index].isSealed { file = nil }
        segments[index].isSealed = true
        figures.bytes -= segments[index].end - end
        figures.cutBytes += segments[index].end - end
        segments[index].end = end
        segments[index].whole = min(segments[index].whole, end)
        found.add(.spoolCut, lines: 1)
        figures.hasUntoldLosses = true
        guard end <= segments[index].acknowledged else { return truncate(path(id), to: end) }
        figures.bytes -= end
        segments.remove(at: index)
        remove(path(id))
    }

    /// The path of the segment when it is done with and to be deleted.
    mutating func acknowledge(_ id: UInt64, through offset: UInt64) -> String? {
        guard let index = segments.firstIndex(where: { $0.id == id }) else { return nil }
        let segment = segments[index]
        segments[index].acknowledged = max(segment.acknowledged, min(offset, segment.end))
        guard segment.isSealed, segments[index].acknowledged == segment.end else { return nil }
        segments.remove(at: index)
        figures.bytes -= segment.end
        return path(id)
    }

    /// So that the next process does not find the loss again. Where the disk refuses, it may.
    mutating func truncate(_ path: String, to end: UInt64) {
        do {
            try system.truncateSegment(path, to: end)
        } catch {
            if !error.isMissing { note(error) }
        }
    }

    mutating func remove(_ path: String) {
        do {
            try system.removeSegment(path)
        } catch {
            if !error.isMissing { note(error) }
        }
    }
}
