import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct DocumentTests {
    private func put(
        _ store: SQLiteStore, _ id: String, _ text: String = "", title: String? = nil,
        kind: String? = nil, body: String? = nil, at seconds: Double = 1
    ) async throws {
        try await store.put(
            DocumentUpdate(
                id: id, kind: kind, title: title, body: body ?? #"{"text":"\#(text)"}"#, text: text),
            at: at(seconds))
    }

    private func found(
        _ store: SQLiteStore, _ query: String, filters: [Filter] = [],
        in range: TimeRange = everything
    ) async throws -> [String] {
        let search = DocumentSearch(query)
        guard !search.terms.isEmpty else { return [] }
        return try await store.search(search, DocumentQuery(range: range, filters: filters)).rows
            .map(\.summary.id)
    }

    private func listed(
        _ store: SQLiteStore, _ filters: [Filter] = [], in range: TimeRange = everything
    ) async throws -> [String] {
        try await store.documents(DocumentQuery(range: range, filters: filters)).rows.map(\.id)
    }

    @Test func aDocumentIsReplacedAndTakenAway() async throws {
        try await withStore { store in
            try await put(store, "a", "old words", at: 1)
            try await put(store, "a", "new words", title: "T", kind: "spec", at: 2)
            let document = try #require(try await store.document("a"))
            #expect(document.body == #"{"text":"new words"}"#)
            #expect(document.summary.version == 2)
            #expect(document.summary.created == at(1))
            #expect(document.summary.updated == at(2))
            #expect(try await found(store, "old").isEmpty)
            #expect(try await found(store, "new") == ["a"])
            #expect(try await store.deleteDocument("a"))
            #expect(try await !store.deleteDocument("a"))
            #expect(try await found(store, "new").isEmpty)
            let gone = try await store.document("a")
            #expect(gone == nil)
        }
    }

    @Test func bodiesOfAnySizeComeBackAsTheyWere() async throws {
        var random = SeededGenerator()
        try await withStorePath { path in
            var store = try await SQLiteStore(path: path, hostName: "here")
            var bodies: [String: String] = [:]
            for index in 0..<20 {
                let count = Int.random(
                    in: 0..<(1 << Int.random(in: 0..<17, using: &random)), using: &random)
                let isNoise = random.chance(50)
                let text = String(
                    (0..<count).map { _ in
                        Character(
                            Unicode.Scalar(
                                isNoise ? UInt8.random(in: 97...122, using: &random) : 97))
                    })
                bodies["\(index)"] = #"{"text":"\#(text)"}"#
                try await put(store, "\(index)", body: bodies["\(index)"])
            }
            await store.close()
            store = try await SQLiteStore(path: path, hostName: "here")
            for (id, body) in bodies {
                let document = try await store.document(id)
                #expect(document?.body == body, "seed \(random.seed)")
                #expect(document?.summary.sizeBytes == Int64(body.utf8.count))
            }
            await store.close()
        }
    }

    @Test func searchKnowsWordsPhrasesAndBeginnings() async throws {
        try await withStore { store in
            try await put(store, "a", "load balancer in front of a queue", title: "Shop")
            try await put(store, "b", "balancer load; a Queueing café")
            try await put(store, "shop", "nothing", title: "The shop's queue")
            #expect(try await found(store, "load balancer").sorted() == ["a", "b"])
            #expect(try await found(store, #""load balancer""#) == ["a"])
            #expect(try await found(store, "queue*").sorted() == ["a", "b", "shop"])
            #expect(try await found(store, "QUEUE load") == ["a"])
            #expect(try await found(store, "cafe") == ["b"])
            #expect(try await found(store, "load-balancer") == ["a"])
            #expect(try await found(store, #""load bal"*"#) == ["a"])
            // The title weighs more.
            #expect(try await found(store, "shop").first != nil)
            let hit = try await store.search(
                DocumentSearch("balancer"), DocumentQuery(range: everything)
            ).rows
            #expect(hit.allSatisfy { $0.snippet.contains("[balancer]") && $0.score > 0 })
            #expect(hit.map(\.score) == hit.map(\.score).sorted(by: >))
        }
    }

    /// Whatever is typed is text: no error of FTS5's syntax, no operator, no column filter.
    @Test(arguments: [
        "\"", "\"\"", "\"\"\"", "a\"b", "NEAR(a b)", "a NEAR b", "a AND b", "a OR b", "NOT a",
        "a NOT b",
        "-a", "a -b", "title:a", "title : a", "{title body}:a", "^a", "a^2", "a*", "*", "**",
        "a**b",
        "* a", "(a", "a)", "()", "a + b", "a\0b", "\0", "🙂", "🙂*", "a 🙂",
        "'; DROP TABLE documents; --",
        "\u{fffe}", "ﷺ", "\u{301}", "a\u{301}", "%", "_", "\\", "a\\", "--", "/* a", "你好", "body:*",
        "\"a",
        "a\"*\"b", "\u{202e}a", "½", "a,b;c", "#a", "@a", "$a", "?1", ":a",
    ])
    func hostileQueriesAreText(_ query: String) async throws {
        try await withStore { store in
            try await put(store, "a", "a b c near and or not title body 2 你好")
            try await put(store, "z", "zebra")
            #expect(try await found(store, query).allSatisfy { $0 == "a" })
            #expect(try await listed(store).count == 2)
        }
    }

    @Test func randomQueriesAreText() async throws {
        var random = SeededGenerator()
        let parts = [
            "\"", "*", " ", "a", "NEAR", "(", ")", ":", "^", "-", "+", "{", "}", "\0", "é", "OR",
            ",", "'",
            "title", "🙂", "\n", "\\", "1",
        ]
        try await withStore { store in
            try await put(store, "a", "a near or title 1 é")
            for _ in 0..<500 {
                let query = (0..<Int.random(in: 1..<12, using: &random))
                    .map { _ in random.pick(parts) }.joined()
                await #expect(throws: Never.self, "seed \(random.seed): \(query.debugDescription)")
                {
                    _ = try await found(store, query)
                }
            }
            let long = String(repeating: "\"", count: 4_095) + "a"
            #expect(try await found(store, long) == ["a"])
        }
    }

    @Test func filtersTestColumnsAndTheBody() async throws {
        try await withStore { store in
            for (id, provider, at) in [("1", "aws", 10.0), ("2", "gcp", 20), ("3", "aws", 30)] {
                try await put(
                    store, id, "spec", kind: id == "3" ? "report" : "architecture",
                    body: #"{"provider":"\#(provider)","size":{"nodes":\#(id)},"on":true}"#, at: at)
            }
            func filter(_ path: String, _ test: Filter.Test) -> [Filter] {
                [Filter(path: path, test: test)]
            }
            #expect(
                try await listed(store, filter("provider", .oneOf([.string("aws")]))) == ["3", "1"])
            #expect(
                try await listed(store, filter("body.size.nodes", .above(.int(1)))) == ["3", "2"])
            #expect(try await listed(store, filter("on", .oneOf([.bool(true)]))).count == 3)
            #expect(try await listed(store, filter("kind", .oneOf([.string("report")]))) == ["3"])
            #expect(try await listed(store, filter("absent", .oneOf([.null]))).count == 3)
            let range = TimeRange(since: at(20), until: at(30))
            #expect(try await listed(store, in: range) == ["2"])
            #expect(try await found(store, "spec", in: range) == ["2"])
            let aws = filter("provider", .oneOf([.string("aws")]))
            #expect(try await found(store, "spec", filters: aws).sorted() == ["1", "3"])
        }
    }

    @Test func cursorsWalkAllDocuments() async throws {
        try await withStore { store in
            for index in 0..<40 { try await put(store, "\(index)", "word", at: Double(index / 10)) }
            var listed: [String] = []
            var found: [String] = []
            var page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.documents(DocumentQuery(range: everything, page: page))
                listed += answer.rows.map(\.id)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.search(
                    DocumentSearch("word"), DocumentQuery(range: everything, page: page))
                found += answer.rows.map(\.summary.id)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            for ids in [listed, found] {
                #expect(ids.count == 40)
                #expect(Set(ids).count == 40)
            }
        }
    }

    @Test func documentsStayUnlessAnAgeIsSetAndGoLastForTheirBytes() async throws {
        try await withStore { store in
            try await put(store, "old", "words", at: 0)
            try await put(store, "new", "words", at: 500)
            try await store.commit((0..<50).map { EventLine(time: Double($0), name: "Bash") })
            var policy = RetentionPolicy()
            let now = at(86_400 * 1_000)
            #expect(try await store.retainable(policy, at: now).documents == 0)
            #expect(try await store.retain(policy, at: now).documents == 0)
            policy.documentsSeconds = 86_400 * 1_000 - 100
            #expect(try await store.retainable(policy, at: now).documents == 1)
            #expect(try await store.retain(policy, at: now).documents == 1)
            #expect(try await found(store, "words") == ["new"])
            let text = (0..<40_000).map { "words\($0 * 7_919 % 99_991)" }.joined(separator: " ")
            try await put(store, "large", text, at: 600)
            policy.databaseBytesMax = store.usedBytes - 100_000
            let report = try await store.retain(policy, at: now)
            #expect(report.documents == 2)
            #expect(try await found(store, "words").isEmpty)
        }
    }

    /// Where all the rest is above the budget, nobody's documents go for nothing.
    @Test func theyStayWhereTheirGoingIsOfNoUse() async throws {
        try await withStore { store in
            try await put(store, "kept", "words", at: 100)
            try await store.commit([EventLine(time: 50)])
            var policy = RetentionPolicy()
            policy.databaseBytesMax = 16 << 10
            let foretold = try await store.retainable(policy, at: at(1_000))
            let report = try await store.retain(policy, at: at(1_000))
            #expect(foretold.documents == 0)
            #expect(report.documents == 0)
            #expect(report.events == 1)
            #expect(try await found(store, "words") == ["kept"])
        }
    }

    /// The words go over with the rows, into a backup and into memory.
    @Test func copiesCanBeSearched() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            try await put(store, "a", "words", at: 100)
            try await put(store, "older", "words", at: 10)
            _ = try await store.backup(to: path + ".copy")
            let copy = try await SQLiteStore(path: path + ".copy", hostName: "here")
            #expect(try await found(copy, "words").sorted() == ["a", "older"])
            await copy.close()
            let memory = try await SQLiteStore(path: nil, hostName: "here")
            try await memory.copyRecent(from: path, since: at(50))
            #expect(try await found(memory, "words") == ["a"])
            try await put(memory, "b", "words", at: 200)
            #expect(try await found(memory, "words").sorted() == ["a", "b"])
            await memory.close()
            await store.close()
        }
    }
}
