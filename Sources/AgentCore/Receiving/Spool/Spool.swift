public import Platform
public import QuipuModel
import Synchronization

/// One file of the spool: a source for the shipping side.
public struct SpoolSegment: Sendable, Equatable {
    /// Never given twice; later segments have larger ones.
    public var id: UInt64
    public var path: String
    /// Whole frames end here.
    public var endOffset: UInt64
    /// Nothing more will come.
    public var isSealed: Bool

    static let fileSuffix = ".spool"

    /// 16 hexadecimal digits and `.spool`.
    public static func fileName(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + fileSuffix
    }

    /// Nil when the name is no segment's.
    static func id(fileName: String) -> UInt64? {
        guard fileName.hasSuffix(fileSuffix),
            let id = UInt64(fileName.dropLast(fileSuffix.count), radix: 16),
            Self.fileName(id) == fileName
        else { return nil }
        return id
    }
}

/// The spool's own figures.
public struct SpoolFigures: Sendable, Equatable {
    /// Whole frames on the disk.
    public var bytes: UInt64 = 0
    /// Datagrams refused since the start because the spool was full or could not be written.
    public var refusedDatagrams: UInt64 = 0
    /// The newest datagrams were refused.
    public var isRefusing = false
    /// Losses wait for room to be told in.
    public var hasUntoldLosses = false
    /// Operations on its files that failed since the start, and the last of them.
    public var failures: UInt64 = 0
    public var lastFailure: SystemError?
    /// False when a SIGKILL may lose what was just received: the disk had no room for the landing,
    /// or its file is gone.
    public var isCrashSafe = true
    /// How often the directory or the landing was gone and was made anew.
    public var restorations: UInt64 = 0
    /// Bytes that were cut off because they were no whole frames (a power loss, or a kill within a
    /// write), or that were gone.
    public var cutBytes: UInt64 = 0
}

public enum SpoolError: Error, Sendable, Equatable {
    /// Another process has the directory.
    case inUse(path: String)
    case system(SystemError)
    case unknownSegment
    /// The next frame is larger than the buffer; one of `bytes` would do.
    case bufferTooSmall(bytes: Int)
    /// The file is shorter than what was written to it. It ends there from now on.
    case cut
}

/// Datagrams between their arrival and the daemon's acknowledgement, as frames in segment files.
///
/// The receiving thread appends, one shipping thread reads and acknowledges. Every datagram that
/// the kernel handed over is in it exactly once, whatever instruction a SIGKILL hits (see
/// `Landing`). It does not call `fsync`: a power loss takes what the page cache held, and then a
/// segment may be shorter than what the daemon knows of it; such a segment is done with.
///
/// Its bytes are bounded: beyond that, or when the disk refuses, the newest datagrams are refused
/// and counted, and the count goes into the spool itself as a loss frame as soon as there is room.
public final class Spool: Sendable {
    package let landing: Landing
    private let state: Mutex<SpoolState>
    private let system: any AgentSystem
    private let onChange: @Sendable () -> Void

    /// Opens the spool in `directory`, made where need be, and completes what a killed process left
    /// half-done. Older segments are never appended to.
    /// - Parameters:
    ///   - bytesMax: bytes of all segments together.
    ///   - segmentBytes: a segment gets no more appended once it would be larger than this.
    ///   - onChange: called on the appending thread when there is something to read or a segment
    ///     was sealed;
    ///     once, until `segments` is called.
    public convenience init(
        directory: String, bytesMax: Int = Limits.spoolBytesMax,
        segmentBytes: Int = Limits.spoolSegmentBytes, onChange: @escaping @Sendable () -> Void = {}
    ) throws(SpoolError) {
        try self.init(
            directory: directory, bytesMax: bytesMax, segmentBytes: segmentBytes,
            system: OperatingSystem(), onChange: onChange)
    }

    package init(
        directory: String, bytesMax: Int, segmentBytes: Int, system: any AgentSystem,
        onChange: @escaping @Sendable () -> Void
    ) throws(SpoolError) {
        do {
            landing = try Landing(directory: directory, system: system)
            var state = SpoolState(
                directory: directory, bytesMax: bytesMax, segmentBytes: segmentBytes,
                system: system)
            try state.recover(landing)
            self.state = Mutex(state)
        } catch {
            throw error.isWouldBlock ? .inUse(path: directory) : .system(error)
        }
        self.system = system
        self.onChange = onChange
    }

    // MARK: The receiving side

    /// Moves what is in flight in the landing, and `refused`, to the spool.
    package func append(refused: Losses = Losses()) {
        change { $0.append(landing, refused: refused, stored: 0) }
    }

    /// Losses wait for room to be told in.
    var hasUntoldLosses: Bool { state.withLock { $0.figures.hasUntoldLosses } }

    /// Tells losses where there is room by now.
    package func tellLosses() {
        guard hasUntoldLosses else { return }
        landing.arm(
            arrival: Timestamp(microseconds: system.wallMicroseconds()), dialect: .statsd,
            now: system.monotonicMicroseconds())
        append()
    }

    /// Seals the open segment when all of it is acknowledged and nothing came for `microseconds`,
    /// so that its source can end.
    package func sealIfIdle(microseconds: Int64) {
        let isSealed = state.withLock { $0.sealIfIdle(microseconds: microseconds) }
        if isSealed { change { _ in } }
    }

    /// Does something that the reader is to learn of.
    private func change(_ body: (inout SpoolState) -> Void) {
        let mustTell = state.withLock { state in
            body(&state)
            defer { state.isReaderTold = true }
            return !state.isReaderTold
        }
        if mustTell { onChange() }
    }

    // MARK: The shipping side

    /// Segments with something in them, oldest first. Asks `onChange` to tell of the next change.
    public func segments() -> [SpoolSegment] {
        state.withLock { state in
            state.isReaderTold = false
            return state.segments.filter { $0.end > 0 }.map {
                SpoolSegment(
                    id: $0.id, path: state.path($0.id), endOffset: $0.end, isSealed: $0.isSealed)
            }
        }
    }

    /// Reads whole frames from `offset`, where one began: as many as fit; 0 at the segment's end.
    /// Where the file has none any more, because a power loss or someone took it, the segment ends
    /// there from now on, and the rest is a loss. Behind a hole that lies before `offset`, frames
    /// are read as ever: the daemon has what was in it.
    public func read(
        segment id: UInt64, from offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SpoolError) -> Int {
        let found = state.withLock { state in
            state.segments.first { $0.id == id }.map { (path: state.path(id), segment: $0) }
        }
        guard let found else { throw .unknownSegment }
        let (whole, end) = (found.segment.whole, found.segment.end)
        guard offset < end else { return 0 }
        let limit = offset < whole ? whole : end
        let wanted = Int(clamping: min(UInt64(buffer.count), limit - offset))
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        let count: Int
        do {
            count = try system.readSegment(found.path, at: offset, into: part)
        } catch {
            guard error.isMissing else { throw .system(error) }
            count = 0
        }
        var walk = FrameWalk()
        walk.go(UnsafeRawBufferPointer(rebasing: part[..<count])) { _ in }
        if count < wanted { shorten(segment: id, to: offset + UInt64(walk.offset)) }
        if walk.offset > 0 {
            state.withLock { $0.handed(id, to: offset + UInt64(walk.offset)) }
            return walk.offset
        }
        if count == wanted, let bytes = walk.nextFrameBytes, offset + UInt64(bytes) <= limit {
            throw .bufferTooSmall(bytes: bytes)
        }
        // Damage where frames were written: the daemon refuses it, and counts it.
        if count == wanted, offset < whole { return count }
        shorten(segment: id, to: offset)
        throw .cut
    }

    /// Nothing of a segment is left behind `end`; counts the loss. The reader is told.
    func shorten(segment id: UInt64, to end: UInt64) { change { $0.shorten(id, to: end) } }

    /// Everything of a segment before `offset` is in the database. A sealed segment whose end is
    /// acknowledged is deleted; one that is sealed later waits to be acknowledged once more.
    public func acknowledge(segment id: UInt64, through offset: UInt64) {
        // The file goes outside the lock: freeing 8 MiB may take the disk a while.
        let path = state.withLock { $0.acknowledge(id, through: offset) }
        guard let path else { return }
        do {
            try system.removeSegment(path)
        } catch {
            state.withLock { $0.note(error) }
        }
    }

    /// Finds out whether somebody took the directory away. The next receive makes it anew.
    public func lookAtDirectory() {
        if state.withLock({ $0.lookAtDirectory(landing) }) { change { _ in } }
    }

    /// Ends the open segment now.
    public func sealCurrent() { change { $0.seal() } }

    public var figures: SpoolFigures {
        state.withLock { state in
            var figures = state.figures
            figures.isCrashSafe = landing.isCrashSafe && !state.isLandingGone
            return figures
        }
    }
}
