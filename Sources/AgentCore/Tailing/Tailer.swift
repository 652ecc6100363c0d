import Platform
import QuipuModel

/// Finds the files that the globs name and follows them by identity through renames, rewrites and
/// deletions. What it sees it tells the link, which reads and ships. Used from one thread.
///
/// inotify says where to look; what is there is always asked from the file system, so that a late
/// or lost event costs time and never data. `rescan` looks everywhere.
final class Tailer {
    struct WatchedDirectory {
        var path: String
        var states: [GlobSet.State]
        /// The scan that saw it last.
        var scan: Int
    }

    /// Since when a file did not grow (monotonic milliseconds), and how large it was then. Events
    /// may have told of its growth before.
    struct Lingering {
        var sinceMs: Int64
        var bytes: UInt64
        /// It is where it was, and no glob names it any more: nobody waits for it to grow.
        var isDismissed = false
    }

    let system: any AgentSystem
    let notices: any ChangeNotices
    var globs: GlobSet
    let host: String
    let link: ShippingLink
    let report: Report
    let openFiles: OpenFiles
    private var filesByToken: [SourceToken: TailedFile] = [:]
    var files: [FileIdentity: (file: TailedFile, token: SourceToken)] = [:]
    /// Of the identities without their devices, whose key is not a twin's.
    private var holders: [FileIdentity: FileIdentity] = [:]
    var filesByPath: [String: TailedFile] = [:]
    var directories: [Int32: WatchedDirectory] = [:]
    var scan = 0
    /// During a rescan: the paths that were found.
    var found: Set<String>?
    /// Paths that no glob names, where a file was renamed to; with the drain that saw it.
    var strayPaths: [String: Int] = [:]
    var drainCount = 0
    /// Files that have lost a name since the last `settle`.
    var loosened: [FileIdentity] = []
    /// Those whose name no glob names any more.
    var dismissed: Set<FileIdentity> = []
    /// Those of which a name was deleted rather than moved.
    var deleted: Set<FileIdentity> = []
    /// Files that seem to be deleted and cannot be read; with the scan that decides. A rename away
    /// looks the same until its event, or a scan, tells where to.
    var suspects: [FileIdentity: Int] = [:]
    /// During a drain: paths from which files were renamed.
    var movedAway: Set<String> = []
    private var complaints: Set<String> = []
    /// Directories that were found too deep since the last scan began.
    var tooDeep: [String] = []
    /// Files without a watched name.
    var lingering: [FileIdentity: Lingering] = [:]
    private(set) var rescanAtMs: Int64 = 0
    private var scanMs: Int64 = 0
    private var watchesHaveFailed = false

    init(
        globs: GlobSet, host: String, link: ShippingLink, openFiles: OpenFiles = OpenFiles(),
        system: any AgentSystem, notices: any ChangeNotices, report: @escaping Report
    ) {
        self.system = system
        self.notices = notices
        self.globs = globs
        self.host = host
        self.link = link
        self.openFiles = openFiles
        self.report = report
    }

    var fileCount: Int { files.count }
    var hasLingering: Bool { !lingering.isEmpty }

    /// Other globs from now on. Files that none of them names are read to their end and then left.
    func reload(_ globs: GlobSet, nowMs: Int64, everyMs: Int64) {
        self.globs = globs
        // States belong to the globs that they were made from.
        for watch in directories.keys { directories[watch]?.states = [] }
        rescan(nowMs: nowMs, everyMs: everyMs)
    }

    /// Takes the events that wait.
    func drain(nowMs: Int64) {
        drainCount += 1
        var batch = EventBatch()
        var isMore = true
        while isMore {
            do throws(SystemError) {
                isMore = try notices.read { batch.events.append($0) }
            } catch {
                report(.warning, "\(error), looking at all files")
                batch.needsRescan = true
                isMore = false
            }
        }
        sort(&batch)
        movedAway = batch.movedAway
        // First where files were renamed to: a document is told of under its new path before
        // another one is under its old path.
        for path in batch.movedHere {
            if let entry = batch.entries.removeValue(forKey: path) {
                examine(entry, hasChanged: true)
            }
        }
        for entry in batch.entries.values { examine(entry, hasChanged: true) }
        movedAway = []
        settle(nowMs: nowMs)
        if batch.needsRescan { rescanSoon(nowMs: nowMs) }
    }

    /// Looks at everything that the globs name.
    func rescan(nowMs: Int64, everyMs: Int64) {
        let start = system.monotonicMicroseconds()
        scan += 1
        found = []
        tooDeep = []
        walk("/", globs.start)
        tellTooDeep()
        for path in Array(filesByPath.keys) where found?.contains(path) != true {
            examine(Entry(known: path), hasChanged: false)
        }
        found = nil
        for (watch, directory) in directories where directory.scan != scan {
            notices.unwatch(watch)
            directories[watch] = nil
        }
        settle(nowMs: nowMs)
        openFiles.closeIdle { file in
            guard let (_, token) = files[file.file], !file.names.isEmpty else { return false }
            return link.shipper.cursor(token)?.isCaughtUp ?? true
        }
        scanMs = (system.monotonicMicroseconds() - start) / 1_000
        rescanAtMs = nowMs + max(everyMs, scanMs * AgentLimits.rescanShare)
        decideSuspects()
        if !suspects.isEmpty { rescanSoon(nowMs: nowMs) }
    }

    /// Something was missed: the next scan comes at once, but not one after the other.
    private func rescanSoon(nowMs: Int64) {
        rescanAtMs = min(rescanAtMs, nowMs + max(Int64(Limits.batchDelayMs), scanMs * 20))
    }

    /// Tells of a failure once, not every time that it is met.
    func complain(_ error: SystemError) { complain("\(error), trying again later") }

    /// - Parameter key: What was told of before is not told again; nil for the text itself.
    func complain(_ text: String, once key: String? = nil) {
        guard complaints.count < 1_000, complaints.insert(key ?? text).inserted else { return }
        report(.warning, text)
    }

    func watch(_ path: String, _ states: [GlobSet.State]) {
        var changes: Inotify.Change = [
            .created, .movedAway, .movedHere, .deleted, .directoryGone,
        ]
        if globs.holdsFiles(states) { changes.formUnion([.modified, .attributes]) }
        do throws(SystemError) {
            let watch = try notices.watch(directory: path, changes)
            var states = states
            if let known = directories[watch], known.scan == scan || known.path == path {
                states = Set(known.scan == scan ? known.states + states : states).sorted()
            }
            directories[watch] = WatchedDirectory(path: path, states: states, scan: scan)
        } catch {
            guard !error.isMissing, !watchesHaveFailed else { return }
            watchesHaveFailed = true
            report(.warning, "\(error): changes there are seen by the periodic scan only")
        }
    }
}

// MARK: - Events

extension Tailer {
    struct EventBatch {
        var events: [Inotify.Event] = []
        /// What to look at, each path once.
        var entries: [String: Entry] = [:]
        /// Renames away from names that matter.
        var cookies: Set<UInt32> = []
        var movedAway: Set<String> = []
        var movedHere: [String] = []
        var needsRescan = false
    }

    /// Finds out which paths to look at, following renames to names that no glob matches.
    private func sort(_ batch: inout EventBatch) {
        for event in batch.events {
            if event.change.contains(.overflow) {
                report(.warning, "inotify dropped events, looking at all files")
                batch.needsRescan = true
            } else if event.change.contains(.watchEnded) {
                directories[event.watch] = nil
            } else if !event.change.isDisjoint(with: .directoryGone) {
                // Whatever path it has now, the walk finds it.
                notices.unwatch(event.watch)
                directories[event.watch] = nil
                batch.needsRescan = true
            } else if let directory = directories[event.watch], let name = event.name {
                sort(event, Entry(directory.path, name, directory.states), &batch)
            }
        }
    }

    private func sort(_ event: Inotify.Event, _ entry: Entry, _ batch: inout EventBatch) {
        let path = entry.path
        let next = globs.advance(entry.states, name: entry.name)
        if event.change.contains(.isDirectory) {
            if event.change.contains(.movedAway) { batch.needsRescan = true }
            if !next.states.isEmpty { batch.entries[path] = entry }
            return
        }
        let isKnown = next.isWatched || strayPaths[path] != nil
        if event.change.contains(.movedAway), isKnown {
            batch.cookies.insert(event.cookie)
            batch.movedAway.insert(path)
            strayPaths[path] = nil
        } else if event.change.contains(.movedHere), !next.isWatched,
            batch.cookies.contains(event.cookie)
        {
            strayPaths[path] = drainCount
        } else if !isKnown {
            return
        }
        if event.change.contains(.deleted), let file = filesByPath[path] {
            deleted.insert(file.file)
        }
        if event.change.contains(.movedHere) { batch.movedHere.append(path) }
        batch.entries[path] = entry
    }
}

// MARK: - Files

extension Tailer {
    /// The file that `name` leads to is the one of `status` now.
    func bind(_ name: TailedFile.Name, _ status: FileStatus, hasChanged: Bool) {
        if let known = filesByPath[name.path], known.file != status.identity {
            // Another file was renamed over it.
            if hasChanged, !movedAway.contains(name.path) { deleted.insert(known.file) }
            unbind(name.path)
        }
        guard let (file, token) = files[status.identity] else {
            let isTwin = isTwin(status.identity)
            let file = TailedFile(
                status, name, host: host, isTwin: isTwin, openFiles: openFiles, system: system)
            if !isTwin { holders[status.identity.lasting] = status.identity }
            let token = link.add(file, size: status.sizeBytes)
            files[status.identity] = (file, token)
            filesByToken[token] = file
            filesByPath[name.path] = file
            leaveReplaced(name.path)
            if status.sizeBytes > 0 { file.openIfRoom() }
            return
        }
        if let index = file.names.firstIndex(where: { $0.path == name.path }) {
            let wasWatched = file.isWatched
            file.names[index] = name
            if wasWatched, !file.isWatched {
                loosened.append(file.file)
                dismissed.insert(file.file)
            }
        } else {
            file.names.insert(name, at: name.isWatched ? 0 : file.names.count)
            filesByPath[name.path] = file
        }
        if file.isWatched {
            lingering[file.file] = nil
            suspects[file.file] = nil
        }
        let renamed = followRename(file)
        look(file, renamed ?? token, status, hasChanged: hasChanged)
    }

    /// Whether a file on another device has the same identity otherwise and is still there, as a
    /// snapshot's is. One that is no longer there is this one: its disk was mounted anew.
    private func isTwin(_ identity: FileIdentity) -> Bool {
        guard let known = holders[identity.lasting], known != identity,
            let (file, token) = files[known]
        else { return false }
        if statusByName(file) != nil { return true }
        forget(file, token)
        return false
    }

    /// Tells the link what a look at a file found.
    func look(_ file: TailedFile, _ token: SourceToken, _ status: FileStatus, hasChanged: Bool) {
        let isNew =
            status.changeNanoseconds != file.changeNanoseconds
            || status.sizeBytes != file.seenBytes
        guard isNew || hasChanged else { return }
        file.changeNanoseconds = status.changeNanoseconds
        file.seenBytes = status.sizeBytes
        link.saw(token, size: status.sizeBytes, hasChanged: true)
        // An open file survives its deletion.
        file.openIfRoom()
    }

    /// No file, or another one, is at `path`.
    func unbind(_ path: String) {
        guard let file = filesByPath.removeValue(forKey: path) else { return }
        file.names.removeAll { $0.path == path }
        loosened.append(file.file)
        followRename(file)
    }

    /// A document that has lost the path by which it is known goes on under another one.
    @discardableResult
    private func followRename(_ file: TailedFile) -> SourceToken? {
        guard file.isDocument, let path = file.names.first?.path,
            !file.names.contains(where: { $0.path == file.identity.path }),
            let (_, old) = files[file.file]
        else { return nil }
        link.remove(old)
        filesByToken[old] = nil
        file.moveDocument(to: path)
        let token = link.add(file, size: file.seenBytes)
        files[file.file] = (file, token)
        filesByToken[token] = file
        return token
    }

    /// Where another file is at a document's path, that one is the document now.
    private func leaveReplaced(_ path: String) {
        for identity in lingering.keys {
            guard let (file, token) = files[identity], file.isDocument, file.names.isEmpty,
                file.identity.path == path
            else { continue }
            forget(file, token)
        }
    }

    /// After all paths of a batch were looked at: what became of files that lost a name.
    private func settle(nowMs: Int64) {
        for identity in loosened {
            guard let (file, token) = files[identity], !file.isWatched else { continue }
            if file.isDocument, file.names.isEmpty, filesByPath[file.identity.path] != nil {
                forget(file, token)
            } else if file.names.isEmpty, !file.isOpen {
                if deleted.contains(identity) {
                    suspect(identity, nowMs: nowMs)
                } else {
                    forget(file, token)
                }
            } else {
                lingering[identity] = Lingering(
                    sinceMs: nowMs, bytes: file.seenBytes,
                    isDismissed: dismissed.contains(identity))
            }
        }
        loosened.removeAll()
        dismissed.removeAll()
        deleted.removeAll()
        strayPaths = strayPaths.filter {
            filesByPath[$0.key] != nil || $0.value > drainCount - 4
        }
    }

    /// Looks at deleted and renamed files, of which no event tells, and leaves them when they are
    /// done.
    func checkLingering(nowMs: Int64) {
        for (identity, known) in lingering {
            guard let (file, token) = files[identity] else {
                lingering[identity] = nil
                continue
            }
            linger(file, token, known, nowMs: nowMs)
        }
        releaseDeleted()
    }

    /// Deleted files that are held until the daemon has them take space that nobody can find: of
    /// too much, those go first of which nothing is lost, then the oldest.
    private func releaseDeleted() {
        var held: [(file: TailedFile, token: SourceToken, bytes: UInt64, isDone: Bool)] = []
        for identity in lingering.keys {
            guard let (file, token) = files[identity], let status = file.statusIfOpen(),
                status.links == 0
            else { continue }
            let isDone = link.shipper.cursor(token)?.isCaughtUp ?? true
            held.append((file, token, status.sizeBytes, isDone))
        }
        held.sort { ($0.isDone ? 0 : 1, $0.token.number) < ($1.isDone ? 0 : 1, $1.token.number) }
        var bytes: UInt64 = 0
        while let last = held.last {
            bytes = bytes.addingClamped(last.bytes)
            if bytes > AgentLimits.deletedBytesMax { break }
            held.removeLast()
        }
        for (file, token, _, _) in held {
            lingering[file.file] = nil
            file.close()
            if link.end(token, .destroyed) { forget(file, token) }
        }
    }

    /// Two scans find it wherever a glob looks, also when it is renamed during the first.
    private func suspect(_ identity: FileIdentity, nowMs: Int64) {
        if suspects[identity] == nil { suspects[identity] = scan + 2 }
        rescanSoon(nowMs: nowMs)
    }

    /// What no scan has found is destroyed.
    private func decideSuspects() {
        for (identity, due) in suspects where scan >= due {
            suspects[identity] = nil
            guard let (file, token) = files[identity], !file.isOpen, statusByName(file) == nil
            else { continue }
            if link.end(token, .destroyed) { forget(file, token) }
        }
    }

    private func linger(_ file: TailedFile, _ token: SourceToken, _ known: Lingering, nowMs: Int64)
    {
        guard let status = file.statusIfOpen() ?? statusByName(file) else {
            // It was open, and had to make room for others.
            lingering[file.file] = nil
            suspect(file.file, nowMs: nowMs)
            return
        }
        if known.isDismissed, status.links > 0 {
            let cursor = link.shipper.cursor(token)
            if cursor?.isCaughtUp ?? true, cursor?.isDurable ?? true { forget(file, token) }
            return
        }
        let hasGrown = status.sizeBytes != known.bytes
        look(file, token, status, hasChanged: false)
        let isBusy = hasGrown || link.shipper.cursor(token)?.isCaughtUp == false
        if isBusy {
            lingering[file.file] = Lingering(sinceMs: nowMs, bytes: status.sizeBytes)
        }
        let idleMs = isBusy ? 0 : nowMs - known.sinceMs
        if status.links == 0 {
            if idleMs >= AgentLimits.deletedIdleMs, link.end(token, .complete) {
                forget(file, token)
            }
        } else if idleMs >= AgentLimits.strayIdleMs, link.shipper.cursor(token)?.isDurable ?? true {
            // What only memory has will be asked for again.
            forget(file, token)
        }
    }

    private func statusByName(_ file: TailedFile) -> FileStatus? {
        for name in file.names {
            let status = try? system.status(name.path, followingLinks: name.linkOwner != nil)
            if let status, status.identity == file.file { return status }
        }
        return nil
    }

    /// The daemon has all of a source, and nothing will follow; nothing happens for other tokens.
    func finished(_ token: SourceToken) {
        if let file = filesByToken[token] { forget(file, token) }
    }

    private func forget(_ file: TailedFile, _ token: SourceToken) {
        for name in file.names { filesByPath[name.path] = nil }
        files[file.file] = nil
        if holders[file.file.lasting] == file.file { holders[file.file.lasting] = nil }
        filesByToken[token] = nil
        lingering[file.file] = nil
        suspects[file.file] = nil
        file.close()
        link.remove(token)
    }
}
