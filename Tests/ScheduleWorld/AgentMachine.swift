import AgentCore
import Platform
internal import QuipuModel

/// What survives an agent: its spool's segments and the memory where receives are in flight.
final class SpoolDisk {
    var segments: [String: [UInt8]] = [:]
    var identities: [String: FileIdentity] = [:]
    var landing: SharedMapping?
    /// The words before the slots, as they were when the agent died.
    var wordsAtDeath: [UInt8]?
    var nextInode: UInt64

    static let wordBytes = 8_192

    init(firstInode: UInt64) { nextInode = firstInode }
}

/// The operating system under one agent, until the agent dies. It dies at one of its own calls,
/// which may be half done; whatever it calls afterwards has no effect.
// One schedule runs on one thread.
final class AgentMachine: AgentSystem, @unchecked Sendable {
    unowned let world: World
    let spoolDisk: SpoolDisk
    let notices: Notices
    let number: Int
    private(set) var isDead = false
    /// So many calls from now on it dies.
    var actionsLeft: Int?
    weak var connection: Connection?

    init(_ world: World, _ spoolDisk: SpoolDisk, number: Int) {
        self.number = number
        self.world = world
        self.spoolDisk = spoolDisk
        notices = Notices(eventsMax: world.profile.eventsMax)
        world.disk.listeners.append(notices)
    }

    private static let died = SystemError(code: 5, operation: "died")

    /// Before each call: others may have their turn, and this may be the one that it dies in.
    func act() throws(SystemError) {
        if isDead { throw Self.died }
        world.interleave()
        guard let left = actionsLeft else { return }
        actionsLeft = left - 1
        if left <= 0 {
            die()
            throw Self.died
        }
    }

    func die() {
        guard !isDead else { return }
        isDead = true
        notices.isDead = true
        world.disk.listeners.removeAll { $0 === notices }
        connection?.agentIsGone = true
        if let landing = spoolDisk.landing {
            spoolDisk.wordsAtDeath = Array(
                UnsafeRawBufferPointer(start: landing.pointer(at: 0), count: SpoolDisk.wordBytes))
        }
    }

    // MARK: Clocks

    func monotonicMicroseconds() -> Int64 { world.nowMs * 1_000 }
    func wallMicroseconds() -> Int64 { world.wallMicroseconds }

    // MARK: Files

    func status(_ path: String, followingLinks: Bool) throws(SystemError) -> FileStatus {
        try act()
        guard let bytes = spoolDisk.segments[path] else { return try world.disk.status(path) }
        guard let identity = spoolDisk.identities[path] else {
            throw .notFound("statx", path: path)
        }
        return FileStatus(
            identity: identity, kind: .regular, sizeBytes: UInt64(bytes.count),
            changeNanoseconds: 0, links: 1, owner: 0)
    }

    func list(
        _ directory: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) -> [(name: String, mayBeDirectory: Bool)] {
        try act()
        try world.disk.list(directory, body)
        return []
    }

    func open(
        _ path: String, identity: FileIdentity, linkOwner: UInt32?
    ) throws(SystemError) -> any ReadableFile {
        try act()
        guard let file = world.disk.file(path) else { throw .notFound("open", path: path) }
        guard file.identity == identity else {
            throw SystemError(code: 116, operation: "open", path: path)
        }
        return OpenFile(file, self)
    }

    func connect(to socket: String) throws(SystemError) -> any DaemonStream {
        try act()
        guard let connection = world.daemon.accept(self) else {
            throw SystemError(code: 111, operation: "connect")
        }
        self.connection = connection
        return connection
    }

    // MARK: Spool

    func landing(_ directory: String, byteCount: Int) throws(SystemError) -> SharedMapping {
        try act()
        if let known = spoolDisk.landing {
            if let words = spoolDisk.wordsAtDeath {
                known.pointer(at: 0).copyMemory(from: words, byteCount: words.count)
                spoolDisk.wordsAtDeath = nil
            }
            return known
        }
        let landing = try SharedMapping(anonymousByteCount: byteCount)
        spoolDisk.landing = landing
        return landing
    }

    func isInPlace(_ landing: SharedMapping, in directory: String) -> Bool { true }
    func replace(_ landing: SharedMapping, in directory: String) throws(SystemError) { try act() }

    func segmentNames(_ directory: String) throws(SystemError) -> [String] {
        try act()
        return spoolDisk.segments.keys.map { Disk.split($0).name }.sorted()
    }

    func makeSegment(_ path: String) throws(SystemError) -> any SegmentFile {
        try act()
        spoolDisk.segments[path] = []
        spoolDisk.nextInode += 1
        spoolDisk.identities[path] = FileIdentity(
            device: 1, inode: spoolDisk.nextInode, generation: 1, birthNanoseconds: 0)
        return OpenSegment(path, self)
    }

    func readSegment(
        _ path: String, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try act()
        guard let bytes = spoolDisk.segments[path] else { throw .notFound("open", path: path) }
        return copy(bytes, at: offset, into: buffer)
    }

    func truncateSegment(_ path: String, to byteCount: UInt64) throws(SystemError) {
        try act()
        guard let bytes = spoolDisk.segments[path] else { return }
        spoolDisk.segments[path] = Array(bytes.prefix(Int(byteCount)))
    }

    func removeSegment(_ path: String) throws(SystemError) {
        try act()
        spoolDisk.segments[path] = nil
    }
}

private func copy(
    _ bytes: [UInt8], at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
) -> Int {
    guard offset < UInt64(bytes.count) else { return 0 }
    let part = bytes[Int(offset)...].prefix(buffer.count)
    buffer.copyBytes(from: part)
    return part.count
}

/// A log that an agent has open.
private final class OpenFile: ReadableFile {
    private let file: DiskFile
    private let machine: AgentMachine

    init(_ file: DiskFile, _ machine: AgentMachine) {
        self.file = file
        self.machine = machine
        file.openCount += 1
    }

    deinit {
        file.openCount -= 1
        machine.world.closed(file)
    }

    func status() throws(SystemError) -> FileStatus {
        try machine.act()
        file.seenBytes = max(file.seenBytes, file.content.count)
        return file.status
    }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try machine.act()
        return copy(file.content, at: offset, into: buffer)
    }
}

// One schedule runs on one thread.
private final class OpenSegment: SegmentFile, @unchecked Sendable {
    private let path: String
    private let machine: AgentMachine

    init(_ path: String, _ machine: AgentMachine) {
        self.path = path
        self.machine = machine
    }

    func write(
        _ list: inout GatherList, at offset: UInt64
    ) -> (written: Int, failure: SystemError?) {
        let bytes = list.bytes
        list.removeAll()
        let wasDead = machine.isDead
        do throws(SystemError) {
            try machine.act()
        } catch {
            // Killed within the write: a part of it may be there, or all.
            if !wasDead {
                let choices = machine.world.choices
                let part = choices.chance(30) ? bytes.count : choices.below(bytes.count + 1)
                put(bytes.prefix(part), offset)
            }
            return (0, error)
        }
        put(bytes[...], offset)
        return (bytes.count, nil)
    }

    private func put(_ bytes: ArraySlice<UInt8>, _ offset: UInt64) {
        let kept = machine.spoolDisk.segments[path] ?? []
        machine.spoolDisk.segments[path] = Array(kept.prefix(Int(offset))) + bytes
    }

    func truncate(to byteCount: UInt64) throws(SystemError) {
        try machine.truncateSegment(path, to: byteCount)
    }
}
