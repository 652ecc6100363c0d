import Platform
import QuipuModel
import QuipuProtocol

/// Finds out what files are, and what their rows become. Reads, and changes nothing.
public struct ImportPlanner {
    public private(set) var plan = ImportPlan()
    private let forced: OriginalKind?
    var builder: TableBuilder

    /// A JSON file that is no log is read whole; a larger one is refused.
    public static let documentBytesMax = 256 << 20
    private static let depthMax = 64

    /// - Parameter forced: What every file is, whatever it looks like.
    public init(times: LocalTime, as forced: OriginalKind? = nil) {
        self.forced = forced
        builder = TableBuilder(times: times)
    }

    /// A file, or a directory with all files below it.
    public mutating func add(_ path: String) {
        do throws(SystemError) {
            let status = try FileStatus(path: path, followingLinks: true)
            switch status.kind {
            case .directory: try addDirectory(path, depth: 0)
            case .regular: addFile(path, status, isNamed: true)
            case .link, .other: refuse(path, "is neither a file nor a directory")
            }
        } catch {
            refuse(path, error.description)
        }
    }

    private mutating func addDirectory(_ path: String, depth: Int) throws(SystemError) {
        guard depth < ImportPlanner.depthMax else { return }
        var names: [String] = []
        try DirectoryListing.read(path) { name, _ in names.append(name) }
        for name in names.sorted() {
            let child = path + "/" + name
            // Links are not followed: what they lead to may be anywhere, or above.
            guard let status = try? FileStatus(path: child, followingLinks: false) else { continue }
            do throws(SystemError) {
                switch status.kind {
                case .directory: try addDirectory(child, depth: depth + 1)
                case .regular: addFile(child, status, isNamed: false)
                case .link, .other: plan.passedOver.append(child)
                }
            } catch {
                refuse(child, error.description)
            }
        }
    }

    mutating func refuse(_ path: String, _ reason: String) {
        plan.refused.append(RefusedFile(path: path, reason: reason))
    }

    mutating func append(_ table: ImportedTable) { plan.tables.append(table) }
    mutating func annotate(table index: Int, _ notes: [String]) {
        plan.tables[index].notes.insert(contentsOf: notes, at: 0)
    }
    mutating func append(_ limits: [ImportedLimit]) { plan.limits += limits }

    // MARK: Files

    private mutating func addFile(_ path: String, _ status: FileStatus, isNamed: Bool) {
        guard status.sizeBytes > 0 else {
            plan.passedOver.append(path)
            return
        }
        let kind: FileKind
        do throws(SystemError) {
            kind = try FileKind.of(path, size: status.sizeBytes)
        } catch {
            return refuse(path, error.description)
        }
        builder.beginOriginal()
        switch (forced, kind) {
        case (.log?, _): plan.logs.append(path)
        case (.database?, _), (nil, .sqlite): addDatabase(path, isNamed: isNamed)
        case (let forced?, _): addDocument(path, status, forced)
        case (nil, .lines): plan.logs.append(path)
        case (nil, .document): addDocument(path, status, nil)
        case (nil, .unknown):
            if isNamed {
                refuse(path, "is neither JSON nor a SQLite database; --as says what it is")
            } else {
                plan.passedOver.append(path)
            }
        }
    }

    private mutating func addDocument(
        _ path: String, _ status: FileStatus, _ forced: OriginalKind?
    ) {
        guard status.sizeBytes <= UInt64(ImportPlanner.documentBytesMax) else {
            return refuse(path, "is larger than \(ImportPlanner.documentBytesMax) bytes")
        }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileKind.read(path, bytesMax: Int(status.sizeBytes))
        } catch {
            return refuse(path, error.description)
        }
        guard let json = try? JSON.parse(bytes, nestingMax: Limits.lineNestingMax) else {
            guard forced == nil else { return refuse(path, "is not one JSON document") }
            // Several values in one file, or lines and arrays: what hooks leave.
            plan.logs.append(path)
            return
        }
        switch forced ?? DocumentShape.kind(of: json) {
        case .usage: addUsage(path, json)
        case .toolUsage: addRows(path, json, .toolUsage)
        case .agentStatus: addRows(path, json, .agentStatus)
        case .tasks: addKeyed(path, json, .tasks)
        case .sessions: addKeyed(path, json, .sessions)
        case .log: plan.logs.append(path)
        case .database, nil: plan.passedOver.append(path)
        }
    }
}

/// What a file's first bytes say.
enum FileKind {
    case sqlite
    /// JSON lines: a first line that is an object by itself.
    case lines
    /// JSON that goes on over lines.
    case document
    case unknown

    private static let sqliteHeader = Array("SQLite format 3\0".utf8)
    private static let lookedAtBytes = 1 << 20

    static func of(_ path: String, size: UInt64) throws(SystemError) -> FileKind {
        let bytes = try read(path, bytesMax: Int(min(size, UInt64(lookedAtBytes))))
        if bytes.starts(with: sqliteHeader) { return .sqlite }
        let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        guard let start = text.firstIndex(where: { !isSpace($0) }) else { return .unknown }
        switch text[start] {
        case UInt8(ascii: "["): return .document
        case UInt8(ascii: "{"): break
        default: return .unknown
        }
        let end = text[start...].firstIndex(of: 0x0a) ?? text.endIndex
        let hasMore = text[end...].contains { !isSpace($0) }
        let isJSONL = path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson")
        let isObject =
            (try? JSON.parse(text[start..<end], nestingMax: Limits.lineNestingMax)) != nil
        return isObject && (hasMore || isJSONL) ? .lines : isJSONL ? .lines : .document
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try OwnedDescriptor(readingFile: path, followingLinks: true)
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SystemError) in try descriptor.read(at: 0, into: buffer) }
        }
        bytes.removeLast(bytesMax - (try count.get()))
        return bytes
    }
}

/// What a JSON document is, by the members that its rows have.
enum DocumentShape {
    static func kind(of json: JSON) -> OriginalKind? {
        if let elements = json.array { return array(elements) }
        guard let members = json.members, let first = members.first?.value else { return nil }
        // One hook event in a file of its own.
        if isHook(json) { return .log }
        guard first.members != nil else { return nil }
        let rows = members.prefix(20).map(\.value)
        if rows.contains(where: { $0["records"]?.array != nil || $0["total_cost"] != nil }) {
            return .usage
        }
        if rows.contains(where: { $0["status"] != nil && $0["description"] != nil }) {
            return .tasks
        }
        let times = ["last_activity", "updated_at", "last_used", "created_at"]
        if rows.contains(where: { row in times.contains { row[$0] != nil } }) { return .sessions }
        return nil
    }

    private static func array(_ elements: [JSON]) -> OriginalKind? {
        let rows = elements.prefix(20)
        guard rows.contains(where: { $0.members != nil }) else { return nil }
        if rows.contains(where: isHook) { return .log }
        if rows.contains(where: { $0["tool_name"] != nil && $0["timestamp"] != nil }) {
            return .toolUsage
        }
        if rows.contains(where: { $0["status"] != nil && $0["task_id"] != nil }) {
            return .agentStatus
        }
        return .log
    }

    private static func isHook(_ row: JSON) -> Bool {
        row["session_id"] != nil || row["hook_event_name"] != nil || row["sessionId"] != nil
            || row["tool_use_id"] != nil || row["uuid"] != nil
    }
}
