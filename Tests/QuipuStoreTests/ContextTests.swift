import QuipuModel
import Testing

@testable import QuipuStore

/// Where events belong besides their session, and what their sessions know about that.
@Suite struct ContextTests {
    private func line(_ time: Double, _ session: String? = "s") -> EventLine {
        EventLine(time: time, name: "Bash", session: session)
    }

    @Test func whatALineDoesNotSayItsSessionSays() async throws {
        try await withStore { store in
            var first = line(1)
            first.project = "/p"
            first.model = "opus"
            first.user = "u"
            var second = line(3)
            second.branch = "main"
            second.model = "sonnet"
            try await store.commit([first, line(2)])
            try await store.commit([second, line(4), line(5, "other"), line(6, nil)], from: "b")
            let contexts = try await store.allEvents().map(\.context)
            #expect(
                contexts == [
                    [.project: "/p", .model: "opus", .user: "u"],
                    [.project: "/p", .model: "opus", .user: "u"],
                    [.project: "/p", .model: "sonnet", .user: "u", .branch: "main"],
                    [.project: "/p", .model: "sonnet", .user: "u", .branch: "main"],
                    [:], [:],
                ])
            let session = try #require(try await store.session("s")).summary
            #expect(session.context == contexts[3])
        }
    }

    @Test func whatASessionIsKnownBySurvivesAClose() async throws {
        try await withStorePath { path in
            var store = try await SQLiteStore(path: path, hostName: "here")
            var first = line(1)
            first.project = "/p"
            try await store.commit([first])
            await store.close()
            store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit([line(2)], from: "b")
            #expect(try await store.allEvents().map { $0.context[.project] } == ["/p", "/p"])
            await store.close()
        }
    }

    /// A session may be known by other rows before its first event comes.
    @Test func whatIsKnownBeforeTheFirstEventIsKept() async throws {
        try await withStore { store in
            var original = line(1, "origin")
            original.toolUseID = "toolu_0123456789abcdef"
            original.identity = original.toolUseID
            original.half = .closing
            var copy = original
            copy.session = "fork"
            copy.project = "/p"
            try await store.commit([original])
            try await store.commit([copy], from: "b")
            #expect(try await store.session("fork") == nil)
            try await store.commit([line(2, "fork")], from: "c")
            #expect(try await store.session("fork")?.summary.context == [.project: "/p"])
            #expect(try await store.allEvents().map { $0.context[.project] } == [nil, "/p"])
        }
    }

    @Test func aSubagentKeepsItsNameAndModelToItself() async throws {
        try await withStore { store in
            var main = line(1)
            main.project = "/p"
            main.model = "opus"
            var agent = line(2)
            agent.agentID = "a1"
            var speaking = agent
            speaking.time = 3
            speaking.model = "haiku"
            try await store.commit([main, agent, speaking, line(4)])
            #expect(
                try await store.allEvents().map(\.context) == [
                    [.project: "/p", .model: "opus"],
                    [.project: "/p", .agentID: "a1"],
                    [.project: "/p", .agentID: "a1", .model: "haiku"],
                    [.project: "/p", .model: "opus"],
                ])
            var child = line(9, "child")
            child.parent = "s"
            try await store.commit([child], from: "b")
            let detail = try #require(try await store.session("s"))
            #expect(detail.summary.subagentCount == 2)
            #expect(detail.subagents.map(\.agentID) == ["a1", nil])
            #expect(detail.subagents.map(\.session) == [nil, "child"])
            #expect(detail.subagents.map(\.toolCount) == [2, 1])
            #expect(detail.summary.toolCount == 4)
        }
    }

    @Test func columnsFilterAndGroup() async throws {
        try await withStore { store in
            var lines: [EventLine] = []
            for (index, project) in ["/a", "/b", "/a", nil].enumerated() {
                var line = line(Double(index), nil)
                line.project = project
                line.status = index == 2 ? .error : .ok
                lines.append(line)
            }
            // An application's own attribute of that name counts as well.
            lines[3].attributes = #"{"project":"/b"}"#
            try await store.commit(lines)
            let groups = try await store.summary(
                SummaryQuery(range: everything, groupBy: [GroupKey(word: "project")])
            ).rows
            #expect(groups.map { $0.group.map(\.value) } == [[.string("/a")], [.string("/b")]])
            #expect(groups.map(\.counts.count) == [2, 2])
            #expect(groups.map(\.counts.errors) == [1, 0])
            #expect(groups.map(\.last) == [at(2), at(3)])
            let filter = Filter(path: "project", test: .oneOf([.string("/a")]))
            #expect(try await store.allEvents([filter]).map(\.time) == [at(0), at(2)])
            let tools = try await store.tools(ToolQuery(range: everything, filters: [filter])).rows
            #expect(tools.map(\.counts.count) == [2])
            #expect(tools.map(\.errorsByCategory) == [[.unknown: 1]])
        }
    }

    @Test func sessionsAreFoundByWhatTheyAreKnownBy() async throws {
        try await withStore { store in
            for (session, user) in [("a", "u"), ("b", "v"), ("c", "u")] {
                var line = line(1, session)
                line.user = user
                try await store.commit([line], from: session)
            }
            let query = SessionQuery(
                range: everything,
                contextFilters: [Filter(path: "user", test: .oneOf([.string("u")]))], now: at(9))
            #expect(Set(try await store.sessions(query).rows.map(\.session)) == ["a", "c"])
        }
    }

    @Test func theSQLViewsShowThem() async throws {
        try await withStore { store in
            var line = line(1)
            line.project = "/p"
            line.agentID = "a1"
            line.status = .error
            line.error = "bash: foo: command not found"
            line.path = "/p/x.swift"
            line.access = .edit
            try await store.commit([line])
            let rows = try await store.sql(
                SQLQuery(
                    text: """
                        SELECT e.project, e.agent_id, e.error_category, s.project, f.path, f.edits
                        FROM events AS e JOIN sessions AS s USING (session)
                        JOIN files AS f USING (session)
                        """, rowsMax: 10)
            ).rows
            #expect(
                rows == [
                    [
                        .string("/p"), .string("a1"), .string("command_not_found"), .string("/p"),
                        .string("/p/x.swift"), .int(1),
                    ]
                ])
        }
    }
}
