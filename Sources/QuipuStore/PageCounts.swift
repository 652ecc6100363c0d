/// How many of the database's pages are in use, as a connection sees it.
final class PageCounts {
    private let pages: RawStatement
    private let free: RawStatement
    private let pageBytes: Int64

    init(_ connection: OpaquePointer) throws {
        pages = try RawStatement(connection, "PRAGMA page_count")
        free = try RawStatement(connection, "PRAGMA freelist_count")
        pageBytes = try Self.value(RawStatement(connection, "PRAGMA page_size"))
    }

    func fileBytes() throws -> Int64 { try Self.value(pages) * pageBytes }

    func usedBytes() throws -> Int64 {
        (try Self.value(pages) - Self.value(free)) * pageBytes
    }

    private static func value(_ statement: RawStatement) throws -> Int64 {
        defer { statement.reset() }
        return try statement.step() ? statement.int(0) : 0
    }
}
