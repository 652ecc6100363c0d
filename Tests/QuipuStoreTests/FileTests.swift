import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct FileTests {
    private func touch(
        _ time: Double, _ path: String, _ access: FileAccess, session: String? = "s"
    ) -> EventLine {
        EventLine(time: time, name: "Edit", session: session, path: path, access: access)
    }

    @Test func countsWhatCallsDid() async throws {
        try await withStore { store in
            try await store.commit([
                touch(1, "/a", .read), touch(2, "/a", .edit), touch(3, "/a", .edit, session: "t"),
                touch(4, "/b", .write), touch(5, "/c", .read, session: nil),
            ])
            let files = try await store.files(FileQuery(range: everything)).rows
            #expect(files.map(\.path) == ["/c", "/b", "/a"])
            #expect(
                files.last
                    == FileTouches(
                        path: "/a", reads: 1, writes: 0, edits: 2, firstSeen: at(1),
                        lastSeen: at(3), sessions: 2))
            #expect(files.first?.sessions == 0)
            let detail = try #require(try await store.session("s"))
            #expect(detail.files.map(\.path) == ["/b", "/a"])
            #expect(detail.files.last?.edits == 1)
            #expect(detail.summary.fileCount == 2)
        }
    }

    @Test func filtersAndPages() async throws {
        try await withStore { store in
            var lines = (0..<40).map { touch(Double($0 / 4), "/p/\($0).swift", .read) }
            lines.append(touch(50, "/p/x.md", .edit, session: "t"))
            lines[0].project = "/p"
            try await store.commit(lines)
            func paths(_ path: String, _ test: Filter.Test) async throws -> Int {
                try await store.files(
                    FileQuery(range: everything, filters: [Filter(path: path, test: test)])
                ).rows.count
            }
            #expect(try await paths("path", .like("%.md")) == 1)
            #expect(try await paths("session", .oneOf([.string("s")])) == 40)
            #expect(try await paths("project", .oneOf([.string("/p")])) == 40)
            #expect(try await paths("edits", .atLeast(.int(1))) == 1)
            await #expect(throws: StoreError.self) { try await paths("size", .like("x")) }
            let range = TimeRange(since: at(9), until: at(50))
            #expect(try await store.files(FileQuery(range: range)).rows.count == 4)
            var seen: [String] = []
            var page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.files(FileQuery(range: everything, page: page))
                seen += answer.rows.map(\.path)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(seen.count == 41)
            #expect(Set(seen).count == 41)
        }
    }

    @Test func retentionTakesOldTouches() async throws {
        try await withStore { store in
            let day = 86_400.0
            try await store.commit([
                touch(0, "/old", .read), touch(0, "/gone", .read, session: "t"),
                touch(100 * day, "/new", .read),
            ])
            _ = try await store.retain(RetentionPolicy(), at: at(101 * day))
            #expect(
                try await store.files(FileQuery(range: everything)).rows.map(\.path) == ["/new"])
            #expect(try await store.session("s")?.summary.fileCount == 1)
            // What the writer remembered of a session that is gone must not come back.
            try await store.commit([touch(101 * day, "/back", .read, session: "t")], from: "b")
            #expect(try await store.session("t")?.summary.eventCount == 1)
        }
    }
}
