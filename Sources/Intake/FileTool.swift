internal import CSimdJSON
internal import QuipuModel

/// Tools that touch one file.
enum FileTool {
    private static let tools: [(StaticString, FileAccess)] = [
        ("Read", .read), ("NotebookRead", .read), ("Write", .write), ("Edit", .edit),
        ("MultiEdit", .edit), ("NotebookEdit", .edit),
        // Gemini's
        ("read_file", .read), ("write_file", .write), ("replace", .edit),
    ]

    static func access(of tool: Bytes) -> FileAccess {
        tools.first { tool.equals($0.0) }?.1 ?? .none
    }
}

/// Members of one object, or elements of one array.
typealias Members = UnsafeBufferPointer<Member>

extension UnsafeBufferPointer where Element == quipu_json_member {
    /// The member of this name; nil when there is none, or only null.
    subscript(name: StaticString) -> Member? { place(of: name).map { self[$0] } }

    func place(of name: StaticString) -> Int? {
        indices.last { self[$0].nameBytes.equals(name) && self[$0].valueKind != QUIPU_JSON_NULL }
    }

    func text(_ name: StaticString) -> Bytes? { self[name]?.nonEmptyText }

    /// A count; 0 when the member is none.
    func count(_ name: StaticString) -> Int64 { self[name]?.count ?? 0 }

    /// The file that a tool was called for.
    var filePath: Bytes? {
        text("file_path") ?? text("notebook_path") ?? text("absolute_path")
    }
}

extension Member {
    /// A number of things; nil when the member is none.
    var count: Int64? {
        guard let number = numberValue, number >= 0, number < 1e15 else { return nil }
        return Int64(number)
    }
}
