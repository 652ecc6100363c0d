public import QuipuModel

/// What a source's path says about all of its lines. Made once for each source.
public struct SourceContext: Sendable {
    let kind: SourceKind
    let dialect: Dialect
    /// The session that the path names; empty when it names none.
    let session: [UInt8]
    /// The hook that the file's name names.
    let hook: Hook?
    /// Whose directory it lies in; empty when nobody's.
    let user: [UInt8]
    /// The subagent that the file's name names.
    let agentID: [UInt8]
    /// The coding agent that writes such files.
    let writer: Writer

    enum Writer {
        case unknown, claude, codex, gemini
    }

    /// `dialect` is used only where datagrams do not carry their own.
    public init(kind: SourceKind, path: String, dialect: Dialect = .statsd) {
        self.kind = kind
        self.dialect = dialect
        guard kind == .file else {
            session = []
            hook = nil
            user = []
            agentID = []
            writer = .unknown
            return
        }
        let parts = path.split(separator: "/")
        let file = parts.last ?? ""
        let stem = file.split(separator: ".", maxSplits: 1).first ?? ""
        let directories = parts.dropLast()
        hook = SourceContext.hook(stem)
        writer = SourceContext.writer(directories, stem: stem)
        user = Array(SourceContext.user(directories).utf8)
        let isSubagent = writer == .claude && stem.hasPrefix("agent-")
        agentID = isSubagent ? Array(stem.dropFirst(6).utf8) : []
        let session =
            switch writer {
            case .codex: stem.suffix(36)
            case .gemini: stem
            case .claude, .unknown: SourceContext.session(directories, stem: stem)
            }
        self.session = Array(session.utf8)
    }

    /// Codex names its files `rollout-<time>-<uuid>`, Gemini keeps them in `chats`, and Claude Code
    /// in `projects`, by a directory whose path has dashes for slashes.
    private static func writer(_ directories: ArraySlice<Substring>, stem: Substring) -> Writer {
        if stem.hasPrefix("rollout-"), isUUID(stem.suffix(36)) { return .codex }
        if directories.last == "chats", directories.contains(".gemini") { return .gemini }
        guard let index = directories.lastIndex(of: "projects"), index + 1 < directories.endIndex
        else { return .unknown }
        let isClaude =
            directories[..<index].last == ".claude" || directories[..<index].last == "claude"
        return isClaude || directories[index + 1].hasPrefix("-") ? .claude : .unknown
    }

    private static func user(_ directories: ArraySlice<Substring>) -> Substring {
        if directories.first == "root" { return "root" }
        guard let home = directories.first, home == "home" || home == "Users" else { return "" }
        return directories.dropFirst().first ?? ""
    }

    /// `post_tool_use`, also with the `_raw` that some loggers add.
    private static func hook(_ stem: Substring) -> Hook? {
        var name = Array(stem.utf8)
        if stem.hasSuffix("_raw") { name.removeLast(4) }
        return name.withUnsafeBytes { Hook.known($0) }
    }

    /// `…/sessions/<id>/x.jsonl`, a transcript `…/projects/<slug>/<id>.jsonl` with what lies below
    /// `…/projects/<slug>/<id>/`, and any file in a directory that is named by a UUID.
    private static func session(
        _ directories: ArraySlice<Substring>, stem: Substring
    ) -> Substring {
        if let index = directories.lastIndex(of: "sessions"), index + 1 < directories.endIndex {
            return directories[index + 1]
        }
        if let index = directories.lastIndex(of: "projects"), index + 1 < directories.endIndex {
            return index + 2 < directories.endIndex ? directories[index + 2] : stem
        }
        if let last = directories.last, isUUID(last) { return last }
        return ""
    }

    private static func isUUID(_ text: Substring) -> Bool {
        text.utf8.count == 36
            && text.utf8.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index)
                    ? byte == 0x2d
                    : byte.isDigit || (0x61...0x66).contains(byte.lowercased)
            }
    }
}
