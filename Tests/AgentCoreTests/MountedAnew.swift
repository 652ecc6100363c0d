import Platform

@testable import AgentCore

/// The operating system, but that disks get other numbers. Unchecked: a tailing test has one
/// thread.
final class MountedAnew: AgentSystem, @unchecked Sendable {
    private let real = OperatingSystem()
    /// How much the device of paths with a part differs from the real one.
    var devices: [String: UInt64] = [:]

    private func added(_ path: String) -> UInt64 {
        devices.reduce(0) { path.contains($1.key) ? $0 + $1.value : $0 }
    }

    func monotonicMicroseconds() -> Int64 { real.monotonicMicroseconds() }
    func wallMicroseconds() -> Int64 { real.wallMicroseconds() }

    func status(_ path: String, followingLinks: Bool) throws(SystemError) -> FileStatus {
        var status = try real.status(path, followingLinks: followingLinks)
        status.identity.device += added(path)
        return status
    }

    func list(
        _ directory: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) -> [(name: String, mayBeDirectory: Bool)] {
        try real.list(directory, body)
    }

    func open(
        _ path: String, identity: FileIdentity, linkOwner: UInt32?
    ) throws(SystemError) -> any ReadableFile {
        var identity = identity
        identity.device -= added(path)
        return try real.open(path, identity: identity, linkOwner: linkOwner)
    }

    func connect(to socket: String) throws(SystemError) -> any DaemonStream {
        try real.connect(to: socket)
    }

    func landing(_ directory: String, byteCount: Int) throws(SystemError) -> SharedMapping {
        try real.landing(directory, byteCount: byteCount)
    }

    func isInPlace(_ landing: SharedMapping, in directory: String) -> Bool {
        real.isInPlace(landing, in: directory)
    }

    func replace(_ landing: SharedMapping, in directory: String) throws(SystemError) {
        try real.replace(landing, in: directory)
    }

    func segmentNames(_ directory: String) throws(SystemError) -> [String] {
        try real.segmentNames(directory)
    }

    func makeSegment(_ path: String) throws(SystemError) -> any SegmentFile {
        try real.makeSegment(path)
    }

    func readSegment(
        _ path: String, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try real.readSegment(path, at: offset, into: buffer)
    }

    func truncateSegment(_ path: String, to byteCount: UInt64) throws(SystemError) {
        try real.truncateSegment(path, to: byteCount)
    }

    func removeSegment(_ path: String) throws(SystemError) { try real.removeSegment(path) }
}
