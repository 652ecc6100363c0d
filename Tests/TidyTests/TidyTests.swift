import Foundation
import Testing

/// The rules of this house that a machine can check. CONTRIBUTING.md says them in prose.
@Suite struct TidyTests {
    /// Written by a script, and as long as what it was written from.
    static let generated: Set<String> = ["Sources/QuipuProtocol/OpenRPCDocument.swift"]

    @Test func theRepositoryIsSeen() {
        #expect(Repository.swiftFiles.count > 20)
        #expect(Repository.file("Package.swift") != nil)
    }

    @Test(arguments: Repository.swiftFiles)
    func swiftFilesAreShort(_ file: Repository.File) {
        guard !Self.generated.contains(file.path) else { return }
        #expect(file.lines.count <= 600)
        // The formatter sees to code, and knows which literals cannot be cut. Comments are left to
        // us.
        for (index, line) in file.lines.enumerated()
        where line.count > 100 && line.drop(while: { $0 == " " }).hasPrefix("//") {
            Issue.record("\(file.path):\(index + 1): \(line.count) columns; at most 100")
        }
        for function in functionLengths(file.lines) where function.length > 70 {
            Issue.record("\(file.path):\(function.line): \(function.length) lines; at most 70")
        }
    }

    @Test(arguments: Repository.swiftFiles)
    func bannedCallsAreAbsent(_ file: Repository.File) {
        for ban in Ban.all where ban.applies(file) {
            for (number, text) in file.code where ban.occurs(in: text) {
                Issue.record("\(file.path):\(number): \(ban.code) \(ban.instead)")
            }
        }
    }

    @Test(arguments: Repository.swiftFiles)
    func layersImportOnlyWhatTheyMay(_ file: Repository.File) {
        guard let target = file.target else { return }
        for (number, text) in file.code {
            guard let match = text.firstMatch(of: /^[@\w ]*\bimport (?:\w+ )?(\w+)/) else {
                continue
            }
            let module = String(match.1)
            guard let allowed = Layering.mayImport[module], !allowed.contains(target) else {
                continue
            }
            Issue.record(
                "\(file.path):\(number): only \(allowed.sorted()) may import \(module)")
        }
    }

    @Test(arguments: Repository.swiftFiles)
    func uncheckedConcurrencySaysWhy(_ file: Repository.File) {
        // The reason stands in the line above, as this one does.
        let escape = /@unchecked Sendable|nonisolated\(unsafe\)/
        for (number, text) in file.code where text.contains(escape) {
            if !file.hasCommentAbove(number) {
                Issue.record("\(file.path):\(number): say why in the line above")
            }
        }
    }

    @Test(arguments: Repository.files)
    func nothingIsLeftUnfinished(_ file: Repository.File) {
        // In two pieces, so that this file passes.
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for (index, line) in file.lines.enumerated() where marks.contains(where: line.contains) {
            Issue.record("\(file.path):\(index + 1): finish it, or open an issue")
        }
    }

    @Test(arguments: Repository.files)
    func linesEndCleanly(_ file: Repository.File) throws {
        let text = try String(
            contentsOf: Repository.root.appending(path: file.path), encoding: .utf8)
        #expect(text.isEmpty || text.hasSuffix("\n"), "no newline at the end")
        for (index, line) in file.lines.enumerated() where line.last?.isWhitespace ?? false {
            Issue.record("\(file.path):\(index + 1): space at the end of the line")
        }
    }

    @Test(arguments: Repository.markdownFiles)
    func markdownHasOneTitle(_ file: Repository.File) {
        var isFenced = false
        var titles = 0
        for line in file.lines {
            if line.hasPrefix("```") { isFenced.toggle() }
            if !isFenced, line.hasPrefix("# ") { titles += 1 }
        }
        #expect(titles == 1)
        #expect(file.lines.first?.hasPrefix("# ") ?? false, "the title is the first line")
    }

    @Test func scannerMeasuresFunctions() {
        let body = Array(repeating: "        work()", count: 80)
        let long = ["    func long(", "        a: Int", "    ) -> Int {"] + body + ["    }"]
        let lines =
            ["struct S {", "    init() {}", "    func need(_ a: Int)", ""] + long + ["}"]
        let found = functionLengths(lines)
        #expect(found.map(\.line) == [2, 5])
        #expect(found.map(\.length) == [1, 84])
    }
}
