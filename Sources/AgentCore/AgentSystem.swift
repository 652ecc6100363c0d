package import Platform

/// What the agent asks of the operating system: clocks, files, the spool's disk, the daemon's
/// socket. A simulation stands in for all of it, so that the state machines above can be driven
/// through any order of events.
package protocol AgentSystem: AnyObject, Sendable {
    func monotonicMicroseconds() -> Int64
    func wallMicroseconds() -> Int64

    /// Of what stands at `path`; of the link itself unless links are followed.
    func status(_ path: String, followingLinks: Bool) throws(SystemError) -> FileStatus
    /// The names in a directory, and whether each may be a directory. Gives back those that are
    /// not UTF-8, mended, which `body` is not told of.
    func list(
        _ directory: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) -> [(name: String, mayBeDirectory: Bool)]
    /// Opens the file that `identity` names, if it is what stands at `path` now.
    func open(
        _ path: String, identity: FileIdentity, linkOwner: UInt32?
    ) throws(SystemError) -> any ReadableFile

    func connect(to socket: String) throws(SystemError) -> any DaemonStream

    /// The spool's directory, made where need be, and the file where receives are in flight.
    func landing(_ directory: String, byteCount: Int) throws(SystemError) -> SharedMapping
    /// Whether the landing's file is what stands in the directory.
    func isInPlace(_ landing: SharedMapping, in directory: String) -> Bool
    /// Makes the directory where it is missing, and in it a new file for the landing.
    func replace(_ landing: SharedMapping, in directory: String) throws(SystemError)
    func segmentNames(_ directory: String) throws(SystemError) -> [String]
    func makeSegment(_ path: String) throws(SystemError) -> any SegmentFile
    func readSegment(
        _ path: String, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int
    func truncateSegment(_ path: String, to byteCount: UInt64) throws(SystemError)
    /// One that is not there is no error.
    func removeSegment(_ path: String) throws(SystemError)
}

/// A log file that is open.
package protocol ReadableFile: AnyObject {
    func status() throws(SystemError) -> FileStatus
    /// Fills `buffer` from `offset` on; fewer bytes only where the file ends.
    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int
}

/// A connection to the daemon that never waits.
package protocol DaemonStream: AnyObject {
    /// What to poll.
    var raw: Int32 { get }
    /// Sends what the socket takes.
    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int
    /// Reads at most the buffer's size; 0 at the end of the stream.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
}

/// A spool segment that is being written.
package protocol SegmentFile: AnyObject, Sendable {
    /// Writes the list at `offset` and leaves it empty. How much was written, and why not all.
    func write(
        _ list: inout GatherList, at offset: UInt64
    ) -> (written: Int, failure: SystemError?)
    func truncate(to byteCount: UInt64) throws(SystemError)
}

/// Where changes in directories are told.
package protocol ChangeNotices: AnyObject {
    /// The same number again for a directory that is watched already.
    func watch(directory path: String, _ changes: Inotify.Change) throws(SystemError) -> Int32
    func unwatch(_ watch: Int32)
    /// Hands over some of what waits; false when nothing did.
    func read(_ body: (Inotify.Event) -> Void) throws(SystemError) -> Bool
}

// MARK: - The real one

package final class OperatingSystem: AgentSystem {
    package init() {}

    package func monotonicMicroseconds() -> Int64 { MonotonicClock.microseconds() }
    package func wallMicroseconds() -> Int64 { WallClock.microseconds() }

    package func status(
        _ path: String, followingLinks: Bool
    ) throws(SystemError) -> FileStatus {
        try FileStatus(path: path, followingLinks: followingLinks)
    }

    package func list(
        _ directory: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) -> [(name: String, mayBeDirectory: Bool)] {
        try DirectoryListing.read(directory, body)
    }

    package func open(
        _ path: String, identity: FileIdentity, linkOwner: UInt32?
    ) throws(SystemError) -> any ReadableFile {
        OpenedFile(
            try OwnedDescriptor(readingFile: path, identity: identity, linkOwner: linkOwner))
    }

    package func connect(to socket: String) throws(SystemError) -> any DaemonStream {
        SocketStream(try UnixSocket.connect(to: socket, kind: .stream, nonBlocking: true))
    }

    package func landing(
        _ directory: String, byteCount: Int
    ) throws(SystemError) -> SharedMapping {
        try Directories.make(directory)
        try Directories.requireOwn(directory)
        do {
            return try SharedMapping(
                path: "\(directory)/\(Landing.fileName)", byteCount: byteCount)
        } catch  where error.isNoSpace || error.isUnsupported {
            // Where the disk can't give it a file, ordinary memory stands in.
            return try SharedMapping(anonymousByteCount: byteCount)
        }
    }

    package func isInPlace(_ landing: SharedMapping, in directory: String) -> Bool {
        landing.stands(at: "\(directory)/\(Landing.fileName)")
    }

    package func replace(
        _ landing: SharedMapping, in directory: String
    ) throws(SystemError) {
        try Directories.make(directory)
        try Directories.requireOwn(directory)
        guard landing.isFile, !isInPlace(landing, in: directory) else { return }
        try landing.move(to: "\(directory)/\(Landing.fileName)")
    }

    package func segmentNames(_ directory: String) throws(SystemError) -> [String] {
        try PlainFiles.names(in: directory)
    }

    package func makeSegment(_ path: String) throws(SystemError) -> any SegmentFile {
        try AppendFile(creating: path)
    }

    package func readSegment(
        _ path: String, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try PlainFiles.read(path, at: offset, into: buffer)
    }

    package func truncateSegment(_ path: String, to byteCount: UInt64) throws(SystemError) {
        try PlainFiles.truncate(path, to: byteCount)
    }

    package func removeSegment(_ path: String) throws(SystemError) {
        try PlainFiles.remove(path)
    }
}

extension AppendFile: SegmentFile {}

private final class OpenedFile: ReadableFile {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    func status() throws(SystemError) -> FileStatus { try FileStatus(of: descriptor) }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try descriptor.read(at: offset, into: buffer)
    }
}

private final class SocketStream: DaemonStream {
    private let descriptor: OwnedDescriptor
    var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try descriptor.send(bytes)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try descriptor.read(into: buffer)
    }
}

/// The kernel's.
final class InotifyNotices: ChangeNotices {
    private let inotify: Inotify
    private let events: PageBuffer
    var raw: Int32 { inotify.raw }

    init() throws(SystemError) {
        inotify = try Inotify()
        events = try PageBuffer(count: 64 << 10)
    }

    func watch(directory path: String, _ changes: Inotify.Change) throws(SystemError) -> Int32 {
        try inotify.watch(directory: path, changes)
    }

    func unwatch(_ watch: Int32) { inotify.unwatch(watch) }

    func read(_ body: (Inotify.Event) -> Void) throws(SystemError) -> Bool {
        try inotify.read(into: events.bytes, body)
    }
}
