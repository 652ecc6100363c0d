import Testing

/// `docs/threat-model.md` claims much; each claim names what shows it, and that exists.
@Suite struct ThreatModelTests {
    private static let suites = Set(
        Repository.swiftFiles.flatMap { file in
            file.lines.compactMap {
                $0.firstMatch(of: /@Suite.* struct (\w+)/).map { String($0.1) }
            }
        })
    private static let rows = Set(
        Repository.files.filter { $0.path.hasPrefix("Tests/faults/faults/") }
            .flatMap { file in
                file.lines.compactMap { $0.firstMatch(of: /^@row\("(\w+)"/).map { String($0.1) } }
            })
    private static let functions = Set(
        Repository.swiftFiles.flatMap { file in
            file.lines.compactMap { $0.firstMatch(of: /func (\w+)\(/).map { String($0.1) } }
        })

    @Test func everythingThatShowsAClaimExists() throws {
        let file = try #require(Repository.file("docs/threat-model.md"))
        var named = 0
        for line in file.lines {
            for match in line.matches(of: /\b(\w+Tests)\b/) {
                #expect(Self.suites.contains(String(match.1)), "\(match.1)")
            }
            for match in line.matches(of: /`([a-z]+[A-Z]\w+)`/) {
                #expect(Self.functions.contains(String(match.1)), "\(match.1)")
            }
            for match in line.matches(of: /`([FRDSUTC]\d+)`/) {
                named += 1
                #expect(Self.rows.contains(String(match.1)), "\(match.1)")
            }
        }
        #expect(named > 20)
    }

    @Test func everyClaimNamesWhatShowsIt() throws {
        let file = try #require(Repository.file("docs/threat-model.md"))
        for line in file.lines where line.hasPrefix("| ") && !line.hasPrefix("| who") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count == 5, !line.contains("see below") else { continue }
            #expect(cells[3].contains { !$0.isWhitespace }, "\(line)")
        }
    }
}
