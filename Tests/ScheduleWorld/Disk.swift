import AgentCore
import Platform

/// A file of the simulated disk; names lead to it, and whoever has it open keeps it.
final class DiskFile {
    let identity: FileIdentity
    var content: [UInt8] = []
    var changeNanoseconds: Int64 = 0
    var links: UInt32 = 1
    /// What its content is made of; another one whenever it is rewritten.
    var era: Int
    /// What it was made of before.
    var earlierEras: [Int] = []
    /// No glob leads to it.
    var isOutside = false
    /// When it was written last.
    var writtenMs: Int64 = 0
    /// What the writer has begun and not ended.
    var unfinished: [UInt8] = []
    /// The largest size that a living agent was told.
    var seenBytes = 0
    var openCount = 0

    init(_ identity: FileIdentity, era: Int) {
        self.identity = identity
        self.era = era
    }

    var status: FileStatus {
        FileStatus(
            identity: identity, kind: .regular, sizeBytes: UInt64(content.count),
            changeNanoseconds: changeNanoseconds, links: links, owner: 0)
    }
}

/// Directories, names and files, and who is told of changes. It outlives every process.
final class Disk {
    /// Entries by directory; directories have no other names.
    private(set) var directories: [String: [String: DiskFile]] = [
        "/logs": [:], "/logs/d": [:],
    ]
    /// The same files by their whole paths.
    private var files: [String: DiskFile] = [:]
    var listeners: [Notices] = []
    private var nextInode: UInt64 = 100
    private var freeInodes: [UInt64] = []
    private var nextGeneration: UInt64 = 1
    private var nextCookie: UInt32 = 1
    private var stamp: Int64 = 1_800_000_000_000_000_000

    static func split(_ path: String) -> (directory: String, name: String) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let directory = path[..<slash]
        return (
            directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...])
        )
    }

    func file(_ path: String) -> DiskFile? { files[path] }

    private func tell(
        _ directory: String, _ name: String, _ change: Inotify.Change, cookie: UInt32 = 0
    ) {
        for listener in listeners { listener.tell(directory, name, change, cookie: cookie) }
    }

    private func touch(_ file: DiskFile) {
        stamp += 1_000
        file.changeNanoseconds = stamp
    }

    // MARK: What writers do

    /// An inode that was free may come again, with another generation.
    func create(_ path: String, reuse: Bool, era: Int) -> DiskFile {
        let (directory, name) = Self.split(path)
        let inode = reuse ? freeInodes.popLast() : nil
        if inode == nil { nextInode += 1 }
        let file = DiskFile(
            FileIdentity(
                device: 1, inode: inode ?? nextInode, generation: nextGeneration,
                birthNanoseconds: stamp), era: era)
        nextGeneration += 1
        touch(file)
        if let old = directories[directory]?[name] { drop(old) }
        directories[directory]?[name] = file
        files[path] = file
        tell(directory, name, .created)
        return file
    }

    func append(_ bytes: some Collection<UInt8>, to path: String) {
        guard let file = file(path) else { return }
        file.content.append(contentsOf: bytes)
        touch(file)
        let (directory, name) = Self.split(path)
        tell(directory, name, .modified)
    }

    func truncate(_ path: String, to size: Int) {
        guard let file = file(path) else { return }
        file.content.removeLast(file.content.count - size)
        touch(file)
        let (directory, name) = Self.split(path)
        tell(directory, name, .modified)
    }

    func rename(_ path: String, to newPath: String) {
        let (directory, name) = Self.split(path)
        let (newDirectory, newName) = Self.split(newPath)
        guard let file = directories[directory]?.removeValue(forKey: name) else { return }
        if let old = directories[newDirectory]?[newName] { drop(old) }
        directories[newDirectory]?[newName] = file
        files[path] = nil
        files[newPath] = file
        touch(file)
        nextCookie += 1
        tell(directory, name, .movedAway, cookie: nextCookie)
        tell(newDirectory, newName, .movedHere, cookie: nextCookie)
    }

    func remove(_ path: String) {
        let (directory, name) = Self.split(path)
        guard let file = directories[directory]?.removeValue(forKey: name) else { return }
        files[path] = nil
        drop(file)
        tell(directory, name, .deleted)
    }

    private func drop(_ file: DiskFile) {
        file.links = 0
        touch(file)
        freeIfUnused(file)
    }

    /// Someone closed it.
    func freeIfUnused(_ file: DiskFile) {
        if file.links == 0, file.openCount == 0 { freeInodes.append(file.identity.inode) }
    }

    // MARK: What agents ask

    func status(_ path: String) throws(SystemError) -> FileStatus {
        guard let file = files[path] else {
            guard path == "/" || directories[path] != nil else {
                throw .notFound("statx", path: path)
            }
            return FileStatus(
                identity: FileIdentity(
                    device: 1, inode: 1, generation: 0, birthNanoseconds: 0),
                kind: .directory, sizeBytes: 0, changeNanoseconds: 0, links: 2, owner: 0)
        }
        file.seenBytes = max(file.seenBytes, file.content.count)
        return file.status
    }

    func list(
        _ directory: String, _ body: (_ name: String, _ mayBeDirectory: Bool) -> Void
    ) throws(SystemError) {
        guard let entries = directories[directory] else {
            throw .notFound("opendir", path: directory)
        }
        for name in entries.keys.sorted() { body(name, false) }
        if directory == "/logs" { body("d", true) }
    }
}

/// One agent's inotify.
final class Notices: ChangeNotices {
    private var watches: [Int32: (directory: String, changes: Inotify.Change)] = [:]
    private var numbers: [String: Int32] = [:]
    private var nextWatch: Int32 = 1
    private var events: [Inotify.Event] = []
    private let eventsMax: Int
    /// Events were dropped since this was last cleared.
    var hasOverflowed = false
    /// The agent is no more; nothing that it calls has an effect.
    var isDead = false

    init(eventsMax: Int) { self.eventsMax = eventsMax }

    var isEmpty: Bool { events.isEmpty }

    func tell(_ directory: String, _ name: String, _ change: Inotify.Change, cookie: UInt32) {
        guard let watch = numbers[directory], let known = watches[watch],
            !known.changes.isDisjoint(with: change)
        else { return }
        guard events.count < eventsMax else {
            if !hasOverflowed {
                hasOverflowed = true
                events.append(
                    Inotify.Event(watch: -1, change: .overflow, cookie: 0, name: nil))
            }
            return
        }
        let event = Inotify.Event(watch: watch, change: change, cookie: cookie, name: name)
        // As the kernel does.
        if events.last != event { events.append(event) }
    }

    func watch(directory path: String, _ changes: Inotify.Change) throws(SystemError) -> Int32 {
        let watch = numbers[path] ?? nextWatch
        if watch == nextWatch { nextWatch += 1 }
        numbers[path] = watch
        watches[watch] = (path, changes)
        return watch
    }

    func unwatch(_ watch: Int32) {
        guard let known = watches.removeValue(forKey: watch) else { return }
        numbers[known.directory] = nil
        events.append(Inotify.Event(watch: watch, change: .watchEnded, cookie: 0, name: nil))
    }

    func read(_ body: (Inotify.Event) -> Void) throws(SystemError) -> Bool {
        guard !isDead, !events.isEmpty else { return false }
        let some = events
        events = []
        hasOverflowed = false
        for event in some { body(event) }
        return true
    }
}
