import GRDBSQLite
import QuipuModel

/// Text to the id that stands for it in every other table; the writer's side.
final class StringTable {
    /// Beyond these the cache starts anew: what is in use comes back at once.
    private static let entriesMax = 8_192
    private static let textBytesMax = 256

    private struct Entry {
        var text: [UInt8]
        var id: Int64
    }

    private var entries: [UInt64: Entry] = [:]
    private let find: RawStatement
    private let insert: RawStatement
    private let connection: OpaquePointer

    init(_ connection: OpaquePointer) throws {
        self.connection = connection
        find = try RawStatement(connection, "SELECT id FROM strings WHERE text = ?1")
        insert = try RawStatement(connection, "INSERT INTO strings (text) VALUES (?1)")
    }

    func id(of text: UnsafeRawBufferPointer) throws -> Int64 {
        guard text.count <= Self.textBytesMax else { return try storedID(of: text) }
        var hash = FNV1a()
        hash.combine(text)
        if let entry = entries[hash.value], entry.text.count == text.count,
            entry.text.withUnsafeBytes({ $0.elementsEqual(text) })
        {
            return entry.id
        }
        let id = try storedID(of: text)
        if entries.count >= Self.entriesMax { entries.removeAll(keepingCapacity: true) }
        entries[hash.value] = Entry(text: [UInt8](text), id: id)
        return id
    }

    func id(of text: String) throws -> Int64 {
        var text = text
        return try text.withUTF8 { try id(of: UnsafeRawBufferPointer($0)) }
    }

    /// The least id that no text has yet; from here on they are given in order.
    func nextID() throws -> Int64 {
        let last = try RawStatement(connection, "SELECT ifnull(max(id), 0) FROM strings")
        return try last.step() ? last.int(0) + 1 : 1
    }

    private func storedID(of text: UnsafeRawBufferPointer) throws -> Int64 {
        find.bind(1, text: text)
        defer { find.reset() }
        if try find.step() { return find.int(0) }
        insert.bind(1, text: text)
        try insert.run()
        return sqlite3_last_insert_rowid(connection)
    }
}
