import GRDBSQLite
import QuipuModel
import Testing

@testable import QuipuStore

/// Functions that SQLite would work on for minutes, or overflow the stack with, in one call.
/// No deadline ends these tests: what is refused here is refused for what it would cost.
@Suite struct SQLFunctionTests {
    private static func repeated(_ text: String, _ count: Int) -> String {
        "replace(printf('%\(count)s', ''), ' ', '\(text)')"
    }

    @Test(arguments: [
        ("printf", "printf('%.*c', 1000000000, 'x')"),
        ("printf", "printf('%d %*d', 1, -1000001, 2)"),
        ("printf", "printf('%99999999999999999999999d', 1)"),
        ("printf", "printf('%s%y%*d', 1, 1000000000, 1)"),
        ("format", "format('%.2000000000c%.2000000000c', 'x', 'x')"),
        ("format", "format('%600000d%600000d', 1, 1)"),
        ("instr", "instr(\(repeated("a", 900_000)), \(repeated("a", 200_000)) || 'b')"),
        ("replace", "replace(\(repeated("a", 900_000)), \(repeated("a", 200_000)) || 'b', 'c')"),
        ("trim", "trim(\(repeated("a", 80_000)), \(repeated("b", 80_000)) || 'a')"),
        ("ltrim", "ltrim(\(repeated("a", 80_000)), \(repeated("b", 80_000)) || 'a')"),
        ("rtrim", "rtrim(\(repeated("a", 80_000)), \(repeated("b", 80_000)) || 'a')"),
        ("like", "\(repeated("a", 900_000)) LIKE '%' || \(repeated("a", 190)) || 'b'"),
        ("glob", "\(repeated("a", 900_000)) GLOB '*' || \(repeated("[ab]", 45)) || 'c'"),
        ("json_patch", "json_patch(\(repeated(" ", 400_000)), \(repeated(" ", 400_000)))"),
        ("json_set", "json_set('{}', '$' || \(repeated(".a", 200_000)), 1)"),
        ("json_insert", "json_insert('[]', '$.b', 1, '$' || \(repeated("[0]", 200_000)), 1)"),
    ])
    func functionsTellWhatTheyCost(_ name: String, _ call: String) async throws {
        try await withStore { store in
            let hint = try await store.hint("SELECT length(\(call))")
            #expect(hint.hasPrefix(name + ": "))
        }
    }

    /// They give what they give on a connection that nobody touched.
    @Test func boundedFunctionsAreThoseOfSQLite() async throws {
        let calls = [
            "printf('%d %5.2f|%-5s|%05d|%%|%x', 1, 2.5, 'a', 7, 255)", "printf(NULL)", "printf()",
            "printf('%*d|%.*f', 5, 1, 2, 1.2345)", "format('%,d', 1234567)", "printf('100%')",
            "format('%q %Q %w', 'it''s', NULL, 'a')", "printf('%s', x'6162')", "printf(5)",
            "instr('hello', 'l')", "instr(x'0102', x'02')", "instr(123, 3)", "instr(NULL, 'a')",
            "replace('aXbX', 'X', 'yy')", "replace(10, 1, 2)", "replace('a', '', 'b')",
            "trim('xxaxx', 'x')", "ltrim('xxa', 'x')", "rtrim('axx', 'x')", "trim('  a ')",
            "trim('a', NULL)", "'Hello' LIKE 'h%o'", "'a%' LIKE 'a\\%' ESCAPE '\\'",
            "'a' NOT LIKE NULL", "like('a', 'A')", "'Hello' GLOB 'H*o'", "'hello' GLOB 'H*'",
            "json_patch('{\"a\":1}', '{\"a\":null,\"b\":[1]}')", "json_patch(NULL, '{}')",
            "json_array(json_patch('{}', '{\"a\":1}'))", "json_array(json_set('{}', '$.a', 1))",
            "json_set('{\"a\":1}', '$.b', json('[1,2]'))", "json_set('{}', '$.b', '[1,2]')",
            "json_set('{}', '$.a', json_object('b', 1), '$.c', 'd')", "json_set(NULL, '$.a', 1)",
            "json_insert('[1]', '$[#]', json_array(2))", "json_insert('{\"a\":1}', '$.a', 2)",
            "typeof(instr('a', 'a'))", "typeof(replace(1, 2, 3))", "json_set('{}')",
        ]
        var plain: OpaquePointer?
        try #require(sqlite3_open(":memory:", &plain) == SQLITE_OK)
        defer { sqlite3_close(plain) }
        let connection = try #require(plain)
        try await withStore { store in
            for call in calls {
                let expected = try RawStatement(connection, "SELECT quote(\(call))")
                #expect(try expected.step(), "\(call)")
                let found = try await store.answer("SELECT quote(\(call))").rows
                #expect(found == [[.string(try #require(expected.string(0)))]], "\(call)")
            }
        }
    }

    @Test(arguments: [
        "json_patch('{', '{}')", "json_set('{', '$.a', 1)", "json_set('{}', 'a', 1)",
        "'a' LIKE 'a' ESCAPE 'ab'", "json_set('{}', '$.a')", "'a' LIKE \(repeated("a", 300))",
    ])
    func theirErrorsAreThoseOfSQLite(_ call: String) async throws {
        var plain: OpaquePointer?
        try #require(sqlite3_open(":memory:", &plain) == SQLITE_OK)
        defer { sqlite3_close(plain) }
        sqlite3_limit(plain, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200)
        try #require(sqlite3_exec(plain, "SELECT \(call)", nil, nil, nil) == SQLITE_ERROR)
        let message = String(cString: sqlite3_errmsg(plain))
        try await withStore { store in
            let hint = try await store.hint("SELECT \(call)")
            #expect(hint == message)
        }
    }
}
