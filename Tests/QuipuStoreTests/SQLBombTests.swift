import QuipuModel
import Testing

@testable import QuipuStore

/// SQL that SQLite would take all memory for before it calls anybody back.
/// No deadline ends these tests: what is refused here is refused for what it would take.
@Suite struct SQLBombTests {
    /// Each twice the one before.
    private static func laughs(_ count: Int, _ body: (String) -> String) -> String {
        let steps = (1...count).map { ", a\($0)(x) AS (\(body("a\($0 - 1)")))" }
        return "WITH a0(x) AS (SELECT 1)\(steps.joined()) SELECT count(*) FROM a\(count)"
    }

    private static func sum(_ term: String, _ count: Int, _ operation: String = "+") -> String {
        if count == 1 { return term }
        let (left, right) = (count / 2, count - count / 2)
        return "(\(sum(term, left, operation))\(operation)\(sum(term, right, operation)))"
    }

    @Test(arguments: [
        laughs(18) { "SELECT p.x FROM \($0) p, \($0) q" },
        laughs(25) { "SELECT p.x FROM \($0) p, \($0.uppercased()) q" },
        laughs(25) {
            "SELECT 1 AS y WHERE EXISTS (SELECT 1 FROM \"\($0)\") OR EXISTS (SELECT 1 FROM [\($0)])"
        },
        laughs(25) { "SELECT p.x FROM '\($0)' p JOIN (SELECT * FROM \($0)) q" },
        "SELECT \(sum("seq", 5_000)) AS a FROM events WHERE \(sum("a>0", 2_000, " AND "))",
        "SELECT \(sum("seq", 10_000)) AS a FROM events GROUP BY "
            + Array(repeating: "a", count: 190).joined(separator: ","),
        (0..<10).reduce("SELECT seq AS x FROM events") { inner, _ in
            "SELECT \(sum("x", 8)) AS x FROM (\(inner))"
        },
    ])
    func whatExpandsIsRefused(_ text: String) async throws {
        try await withStore { store in
            #expect(text.utf8.count < Limits.sqlTextBytesMax)
            let hint = try await store.hint(text)
            #expect(hint == "it needs more than 64 MiB of memory")
            #expect(try await store.answer("SELECT 1").rows == [[.int(1)]])
        }
    }

    /// Values that live at once.
    @Test func rowsOfLargeValuesAreRefused() async throws {
        try await withStore { store in
            let columns = (0..<100).map { "printf('%1000000s', \($0)) AS c\($0)" }
            let text = "SELECT \(columns.joined(separator: ", "))"
            let hint = try await store.hint(text)
            #expect(hint == "it needs more than 64 MiB of memory")
        }
    }

    /// Nothing calls back while a statement is prepared; the deadline ends that too.
    @Test func preparingEndsWithTheDeadline() async throws {
        try await withStore { store in
            let sandbox = try SQLSandbox(path: try #require(store.path))
            let deadline = Deadline(milliseconds: 600_000)
            deadline.withdraw()
            #expect(throws: SQLiteFailure.self) {
                try sandbox.run(
                    SQLQuery(text: "SELECT no_such_column", rowsMax: 1), bytesMax: 1_000,
                    until: deadline)
            }
        }
    }

    /// Some that use much and are honest.
    @Test func longStatementsAreAnswered() async throws {
        try await withStore { store in
            let chain = (1...200).map { ", a\($0) AS (SELECT x + 1 AS x FROM a\($0 - 1))" }
            let links = "WITH a0 AS (SELECT 1 AS x)\(chain.joined()) SELECT x FROM a200"
            let linked = try await store.answer(links).rows
            #expect(linked == [[.int(201)]])
            let list = "SELECT 7 IN (\((1...10_000).map(String.init).joined(separator: ", ")))"
            #expect(try await store.answer(list).rows == [[.int(1)]])
            let terms = "SELECT \(Self.sum("1", 10_000))"
            #expect(try await store.answer(terms).rows == [[.int(10_000)]])
        }
    }
}
