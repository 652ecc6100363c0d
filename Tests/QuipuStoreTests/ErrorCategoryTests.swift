import QuipuModel
import Testing

@testable import QuipuStore

/// Texts as agents, shells and hooks write them.
@Suite struct ErrorCategoryTests {
    private func category(_ error: String, tool: String = "Bash") -> ErrorCategory {
        Array(error.utf8).withUnsafeBytes { error in
            Array(tool.utf8).withUnsafeBytes { ErrorCategory.of(error: error, tool: $0) }
        }
    }

    @Test(arguments: [
        (
            "Exit code 127\n/bin/bash: line 1: pnpm: command not found",
            ErrorCategory.commandNotFound
        ),
        ("'ls' is not recognized as an internal or external command", .commandNotFound),
        ("cat: /etc/shadow: Permission denied", .permission),
        ("EACCES: permission denied, open '/root/x'", .permission),
        ("PermissionError: [Errno 13] Permission denied: 'x'", .permission),
        ("git@github.com: Permission denied (publickey).\nfatal: Could not read", .permission),
        (
            "The user doesn't want to proceed with this tool use. The tool use was rejected",
            .permission
        ),
        ("Claude requested permissions to use Bash, but you haven't granted it yet.", .permission),
        ("Command timed out after 2m 0.0s", .timeout),
        ("connect ETIMEDOUT 140.82.121.4:443", .timeout),
        ("Read timeout", .timeout),
        ("curl: (6) Could not resolve host: example.org", .network),
        ("connect ECONNREFUSED 127.0.0.1:8001", .network),
        ("Request failed with status code 503", .network),
        (
            "fatal: unable to access 'https://x/': Could not resolve host: x", .network
        ),
        ("Exit code 128\nfatal: not a git repository (or any parent)", .git),
        ("CONFLICT (content): Merge conflict in README.md", .git),
        ("error: failed to push some refs to 'origin'", .git),
        ("error: pathspec 'nope' did not match any file(s) known to git", .git),
        ("  File \"x.py\", line 3\nSyntaxError: invalid syntax", .syntax),
        ("bash: -c: line 1: syntax error near unexpected token `('", .syntax),
        ("Unexpected end of JSON input", .syntax),
        ("String to replace not found in file.\nString: foo", .validation),
        ("File has not been read yet. Read it first before writing to it.", .validation),
        ("Found 3 matches of the string to replace, but replace_all is false.", .validation),
        ("InputValidationError: Read failed: required parameter file_path", .validation),
        ("ValueError: invalid literal for int() with base 10: 'x'", .validation),
        ("grep: x: No such file or directory", .notFound),
        ("ENOENT: no such file or directory, open '/tmp/x'", .notFound),
        ("File does not exist.", .notFound),
        ("ModuleNotFoundError: No module named 'x'", .notFound),
        ("write /tmp/x: no space left on device", .resource),
        ("FATAL ERROR: JavaScript heap out of memory", .resource),
        ("File content (31345 tokens) exceeds maximum allowed tokens (25000).", .resource),
        ("API Error: 529 overloaded_error", .resource),
        ("Exit code 1\n3 tests failed", .unknown),
        ("", .unknown),
    ])
    func realMessages(_ error: String, _ expected: ErrorCategory) {
        #expect(category(error) == expected, "\(error)")
    }

    @Test func aToolMayGiveAWordItsMeaning() {
        #expect(category("Exit code 124") == .timeout)
        #expect(category("Exit code 124", tool: "Read") == .unknown)
    }

    @Test func theWordsOfOtherSystemsAreKnown() {
        for category in ErrorCategory.allCases {
            #expect(ErrorCategory(word: category.word) == category)
        }
        for (word, category) in [
            ("permission_error", ErrorCategory.permission), ("file_not_found", .notFound),
            ("syntax_error", .syntax), ("network_error", .network), ("git_error", .git),
            ("validation_error", .validation), ("resource_error", .resource),
            ("unknown_error", .unknown), ("timeout", .timeout),
        ] {
            #expect(ErrorCategory(word: word) == category)
        }
        #expect(ErrorCategory(word: "error") == nil)
    }

    @Test func errorsHaveOneAndNothingElseHas() async throws {
        try await withStore { store in
            try await store.commit([
                EventLine(time: 1, name: "Bash", status: .error, error: "Permission denied"),
                EventLine(time: 2, name: "Bash", status: .ok, error: "Permission denied"),
                EventLine(
                    time: 3, name: "Bash", status: .error, error: "?",
                    attributes: #"{"error_category":"git_error"}"#),
                EventLine(time: 4, kind: "hook", name: "pre", status: .error, error: "timed out"),
                EventLine(
                    time: 5, name: "Bash", status: .running, half: .opening, toolUseID: "t"),
                EventLine(
                    time: 6, name: "Bash", status: .error, half: .closing, error: "ENOENT",
                    toolUseID: "t"),
            ])
            #expect(
                try await store.allEvents().map(\.errorCategory) == [
                    .permission, nil, .git, .timeout, .notFound,
                ])
            let filter = Filter(path: "error_category", test: .oneOf([.string("git")]))
            #expect(try await store.allEvents([filter]).map(\.time) == [at(3)])
            let groups = try await store.summary(
                SummaryQuery(
                    range: everything,
                    filters: [Filter(path: "status", test: .oneOf([.string("error")]))],
                    groupBy: [GroupKey(word: "error_category")])
            ).rows
            #expect(groups.count == 4)
            let tools = try await store.tools(ToolQuery(range: everything)).rows
            #expect(tools.map(\.errorsByCategory) == [[.permission: 1, .git: 1, .notFound: 1]])
            let bash = Filter(path: "name", test: .like("Ba%"))
            let some = TimeRange(since: at(2), until: at(4))
            #expect(
                try await store.tools(ToolQuery(range: some, filters: [bash])).rows
                    .map(\.errorsByCategory) == [[.git: 1]])
        }
    }
}
