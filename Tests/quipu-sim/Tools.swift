import QuipuProtocol

/// A tool call before anybody logs it.
struct PlannedCall {
    var id: String
    var tool: String
    var input: JSON
    var output: JSON
    /// What the transcript shows of the output.
    var text: String
    /// `ok`, `error`, `blocked` or `running`.
    var status = "ok"
    var error: String?
    var category: String?
    var path: String?
    var access: String?
    var durationMs: Int64
}

/// How a call fails, and the category that an error text like this belongs to.
private let failures: [(category: String, text: String)] = [
    ("permission", "Exit code 1\ncp: cannot create '/etc/app.conf': Permission denied"),
    ("not_found", "Exit code 1\ncat: notes.txt: No such file or directory"),
    ("timeout", "Command timed out after 2m 0.0s"),
    ("syntax", "Exit code 1\nSyntaxError: invalid syntax (app.py, line 3)"),
    (
        "network",
        "Exit code 7\ncurl: (7) Failed to connect to localhost port 9000: Connection refused"
    ),
    ("git", "Exit code 128\nfatal: not a git repository (or any of the parent directories): .git"),
    ("command_not_found", "Exit code 127\n/bin/bash: line 1: ripgrep: command not found"),
]

extension World {
    /// One call of a tool that Claude Code has.
    func planCall(in project: Project) -> PlannedCall {
        let file = "\(project.directory)/src/file\(int(1...40)).swift"
        let kind = Int(int(0...99))
        switch kind {
        case 0..<34: return bash()
        case 34..<56: return read(file)
        case 56..<68: return edit(file)
        case 68..<74: return write(file)
        case 74..<82: return search("Grep", ["pattern": "func +run", "output_mode": "content"])
        case 82..<88: return search("Glob", ["pattern": "**/*.swift"])
        case 88..<92: return fetch()
        case 92..<96: return todo()
        default: return tool("mcp__tracker__list_issues", ["state": "open"], [["type": "text"]])
        }
    }

    private func tool(
        _ name: String, _ input: JSON, _ output: JSON, _ text: String = "done",
        ms: ClosedRange<Int64> = 5...900
    ) -> PlannedCall {
        PlannedCall(
            id: id("toolu_"), tool: name, input: input, output: output, text: text,
            durationMs: int(ms))
    }

    private func bash() -> PlannedCall {
        let command = pick(["swift build", "make test", "ls -la", "git status", "rg -n run"])
        let text = self.text(int(10...3_000))
        var call = tool(
            "Bash", ["command": .string(command), "description": .string("Runs \(command)")],
            ["stdout": .string(text), "stderr": "", "interrupted": false, "isImage": false],
            text, ms: 20...40_000)
        if chance(12) {
            let failure = pick(failures)
            call.status = "error"
            call.error = failure.text
            call.category = failure.category
        } else if chance(4) {
            call.status = "blocked"
        }
        return call
    }

    private func read(_ file: String) -> PlannedCall {
        let text = self.text(chance(5) ? int(20_000...60_000) : int(100...4_000))
        var call = tool(
            "Read", ["file_path": .string(file)],
            [
                "type": "text",
                "file": [
                    "filePath": .string(file), "content": .string(text), "numLines": 12,
                    "startLine": 1, "totalLines": 12,
                ],
            ], text)
        (call.path, call.access) = (file, "read")
        return call
    }

    private func edit(_ file: String) -> PlannedCall {
        let old = text(int(20...300))
        let new = text(int(20...300))
        var call = tool(
            "Edit",
            [
                "file_path": .string(file), "old_string": .string(old), "new_string": .string(new),
                "replace_all": false,
            ],
            [
                "filePath": .string(file), "oldString": .string(old), "newString": .string(new),
                "originalFile": .string(text(int(200...5_000))), "userModified": false,
            ])
        (call.path, call.access) = (file, "edit")
        return call
    }

    private func write(_ file: String) -> PlannedCall {
        let text = self.text(int(200...6_000))
        var call = tool(
            "Write", ["file_path": .string(file), "content": .string(text)],
            ["type": "create", "filePath": .string(file), "content": .string(text)])
        (call.path, call.access) = (file, "write")
        return call
    }

    private func search(_ name: String, _ input: JSON) -> PlannedCall {
        tool(
            name, input,
            ["filenames": ["a.swift", "b.swift"], "numFiles": 2, "durationMs": 14],
            "a.swift\nb.swift", ms: 8...300)
    }

    private func fetch() -> PlannedCall {
        var call = tool(
            "WebFetch", ["url": "https://example.org/spec", "prompt": "What does it say?"],
            ["bytes": 5_120, "code": 200, "codeText": "OK", "result": "It says so."],
            "It says so.", ms: 300...9_000)
        if chance(20) {
            call.status = "error"
            call.error = "Request failed: getaddrinfo ENOTFOUND example.org"
            call.category = "network"
        }
        return call
    }

    private func todo() -> PlannedCall {
        let list: JSON = [
            ["content": "write it", "status": "in_progress", "activeForm": "writing"]
        ]
        return tool("TodoWrite", ["todos": list], ["oldTodos": [], "newTodos": list])
    }
}
