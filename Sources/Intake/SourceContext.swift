public import QuipuModel

/// What a source's path says about all of its lines. Made once for each source.
public struct SourceContext: Sendable {
    let kind: SourceKind
    let dialect: Dialect
    /// The session that the path names; empty when it names none.
    let session: [UInt8]
    /// The hook that the file's name names.
    let hook: Hook?

    /// `dialect` is used only where datagrams do not carry their own.
    public init(kind: SourceKind, path: String, dialect: Dialect = .statsd) {
        self.kind = kind
        self.dialect = dialect
        guard kind != .datagrams else {
            session = []
            hook = nil
            return
        }
        let parts = path.split(separator: "/")
        let file = parts.last ?? ""
        let stem = file.split(separator: ".", maxSplits: 1).first ?? ""
        hook = SourceContext.hook(stem)
        session = Array(SourceContext.session(parts.dropLast(), stem: stem).utf8)
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
