import Testing

/// Package.swift, the folders and ARCHITECTURE.md tell the same story.
@Suite struct ArchitectureTests {
    let manifest: Manifest

    init() throws {
        manifest = Manifest(try #require(Repository.file("Package.swift")))
    }

    @Test func everyTargetHasAFolder() {
        #expect(manifest.targets == Set(Repository.files.compactMap(\.target)))
    }

    @Test func everyTestFolderIsATarget() {
        let folders = Repository.swiftFiles.compactMap { file -> String? in
            let parts = file.path.split(separator: "/")
            return parts.count > 2 && parts[0] == "Tests" ? String(parts[1]) : nil
        }
        #expect(manifest.testTargets == Set(folders))
    }

    /// Each target is a row of the table of layers, and each row a target.
    @Test func theTableOfLayersIsComplete() throws {
        let document = try #require(Repository.file("ARCHITECTURE.md"))
        let tables = document.lines.split(whereSeparator: { !$0.hasPrefix("|") })
        let table = try #require(
            tables.first { $0.contains { $0.hasPrefix("| `QuipuModel`") } },
            "no table has a row for `QuipuModel`")
        let names = table.flatMap { row in
            row.split(separator: "|", maxSplits: 1)[0].matches(of: /`([\w-]+)`/).map {
                String($0.1)
            }
        }
        #expect(manifest.targets == Set(names))
        #expect(names.count == Set(names).count, "a target has two rows")
    }
}
