import Platform
import QuipuModel

/// One log file: known by identity, whatever it is called. Opened when it is read.
final class TailedFile: ShippableSource {
    /// A path that leads to it.
    struct Name {
        var path: String
        /// Who owns the link, when the path is a symbolic link.
        var linkOwner: UInt32?
        /// Whether a glob says so; else it was renamed there.
        var isWatched: Bool
    }

    let file: FileIdentity
    private(set) var identity: SourceIdentity
    private var isKindSettled = false
    private weak var openFiles: OpenFiles?
    private let system: any AgentSystem
    private var handle: (any ReadableFile)?
    var names: [Name]
    /// When content or attributes changed last, as seen.
    var changeNanoseconds: Int64
    var seenBytes: UInt64
    /// For `OpenFiles.closeIdle`.
    fileprivate var idleRounds = 0

    /// - Parameter isTwin: Another file that is there has the same identity but for the device.
    init(
        _ status: FileStatus, _ name: Name, host: String, isTwin: Bool = false,
        openFiles: OpenFiles, system: any AgentSystem
    ) {
        file = status.identity
        let prefix = isTwin ? SourceKey.twinPrefix : SourceKey.filePrefix
        identity = SourceIdentity(
            host: host, kind: .file, key: prefix + status.identity.text, path: name.path)
        self.openFiles = openFiles
        self.system = system
        names = [name]
        changeNanoseconds = status.changeNanoseconds
        seenBytes = status.sizeBytes
        if name.path.hasSuffix(".json") { becomeDocument() }
    }

    var isDocument: Bool { identity.kind == .document }

    private func becomeDocument() {
        isKindSettled = true
        identity.kind = .document
        identity.key = "path:" + identity.path
    }

    /// A document is known by its path: from now on by this one.
    func moveDocument(to path: String) {
        identity.formerKey = identity.key
        identity.path = path
        identity.key = "path:" + path
    }

    /// What begins with a bracket is a document.
    func settleKind() throws(ReadFailure) {
        guard !isKindSettled else { return }
        let head = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Limits.headBytes, alignment: 1)
        defer { head.deallocate() }
        let bytes = head.prefix(try read(at: 0, into: head))
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let start = bytes.starts(with: mark) ? mark.count : 0
        guard let first = bytes[start...].first(where: { $0 > 0x20 }) else { return }
        isKindSettled = true
        if first == UInt8(ascii: "[") { becomeDocument() }
    }

    var isOpen: Bool { handle != nil }
    var isWatched: Bool { names.contains(where: \.isWatched) }
    var path: String { names.first?.path ?? identity.path }

    func close() {
        handle = nil
        openFiles?.closed(self)
    }

    /// Opens it when that pushes out no other file.
    func openIfRoom() {
        // Whoever reads it finds out why it cannot be opened.
        if handle == nil, openFiles?.hasRoom == true { _ = try? opened() }
    }

    /// Its status by its descriptor; nil when it is not open.
    func statusIfOpen() -> FileStatus? {
        guard let handle else { return nil }
        return try? handle.status()
    }

    func size() throws(ReadFailure) -> UInt64 {
        do throws(SystemError) {
            return try opened().status().sizeBytes
        } catch {
            throw .system(error)
        }
    }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> Int {
        do throws(SystemError) {
            return try opened().read(at: offset, into: buffer)
        } catch {
            throw .system(error)
        }
    }

    func changeStamp() throws(ReadFailure) -> Int64 {
        do throws(SystemError) {
            return try opened().status().changeNanoseconds
        } catch {
            throw .system(error)
        }
    }

    private func opened() throws(SystemError) -> any ReadableFile {
        if let handle {
            openFiles?.used(self)
            return handle
        }
        let handle = try open()
        self.handle = handle
        openFiles?.opened(self)
        return handle
    }

    private func open() throws(SystemError) -> any ReadableFile {
        var failure = SystemError.notFound("open", path: path)
        for name in names {
            do throws(SystemError) {
                return try system.open(name.path, identity: file, linkOwner: name.linkOwner)
            } catch {
                failure = error
            }
        }
        throw failure
    }
}

/// The files that are open, least recently used first; at most `AgentLimits.openFilesMax`.
final class OpenFiles {
    private var files: [TailedFile] = []
    private let filesMax: Int

    /// Where descriptors are few, connections must find some too.
    init(filesMax: Int = min(AgentLimits.openFilesMax, ProcessFacts.descriptorsMax / 4)) {
        self.filesMax = filesMax
    }

    var count: Int { files.count }
    var hasRoom: Bool { files.count < filesMax }

    /// Closes those that were not read for some calls of this and that the caller has no more use
    /// for.
    func closeIdle(_ isDone: (TailedFile) -> Bool) {
        for file in files {
            file.idleRounds += 1
            if file.idleRounds > AgentLimits.idleRoundsMax, isDone(file) { file.close() }
        }
    }

    func opened(_ file: TailedFile) {
        file.idleRounds = 0
        files.append(file)
        guard files.count > filesMax else { return }
        // A file without a name cannot be opened again: such go last.
        let victim = files.dropLast().first { !$0.names.isEmpty } ?? files.first
        victim?.close()
    }

    func used(_ file: TailedFile) {
        file.idleRounds = 0
        guard files.last !== file, let index = files.firstIndex(where: { $0 === file }) else {
            return
        }
        files.remove(at: index)
        files.append(file)
    }

    func closed(_ file: TailedFile) { files.removeAll { $0 === file } }
}
