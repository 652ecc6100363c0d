import Foundation
import Testing

/// The files of this repository as git knows them: tracked, or new and not ignored.
struct Repository {
    struct File: Sendable, CustomTestStringConvertible {
        /// Relative to the root.
        let path: String
        let lines: [String]

        var testDescription: String { path }
        var isSwift: Bool { path.hasSuffix(".swift") }
        var isMarkdown: Bool { path.hasSuffix(".md") }

        /// `Platform` for `Sources/Platform/Poller.swift`; nil outside `Sources` and the folders of
        /// programs beside it.
        var target: String? {
            let parts = path.split(separator: "/")
            guard parts.count > 2 else { return nil }
            let isProgram = ["Examples", "Benchmarks"].contains(parts[0]) && isSwift
            return parts[0] == "Sources" || isProgram ? String(parts[1]) : nil
        }

        /// Lines with their numbers from 1, without those that only comment.
        var code: [(number: Int, text: String)] {
            lines.enumerated().compactMap { index, line in
                line.drop(while: { $0 == " " }).hasPrefix("//") ? nil : (index + 1, line)
            }
        }

        /// Whether a comment stands directly above a line; attributes may stand in between.
        func hasCommentAbove(_ number: Int) -> Bool {
            let above = lines[..<(number - 1)].last {
                !$0.drop(while: { $0 == " " }).hasPrefix("@")
            }
            return above?.drop(while: { $0 == " " }).hasPrefix("//") ?? false
        }
    }

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All text files but sample data, which is what it is.
    static let files: [File] = {
        let data = ["Tests/Fixtures/", "Fuzz/corpus/", "protocol/examples/", "protocol/sessions/"]
        return paths().compactMap { path in
            guard !data.contains(where: path.hasPrefix),
                let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8)
            else { return nil }
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if lines.last == "" { lines.removeLast() }
            return File(path: path, lines: lines.map(String.init))
        }
    }()

    static let swiftFiles = files.filter(\.isSwift)
    static let markdownFiles = files.filter(\.isMarkdown)

    static func file(_ path: String) -> File? { files.first { $0.path == path } }

    private static func paths() -> [String] {
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = [
            // A checkout may belong to another user than the one who tests it.
            "git", "-c", "safe.directory=*", "-C", root.path(percentEncoded: false),
            "ls-files", "-z", "--cached", "--others", "--exclude-standard",
        ]
        let output = Pipe()
        git.standardOutput = output
        guard (try? git.run()) != nil else { return [] }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        let paths = String(decoding: bytes, as: UTF8.self).split(separator: "\0").map(String.init)
        return Set(paths).sorted()
    }
}
