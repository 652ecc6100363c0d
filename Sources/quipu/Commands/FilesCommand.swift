import ArgumentParser
import QuipuModel
import QuipuProtocol

struct FilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files", abstract: "Files that tools touched, the last touched first.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only this file; may be repeated. --where 'path~%.swift' takes a pattern.")
    var path: [String] = []

    @Option(help: "Only what this session touched; may be repeated.")
    var session: [String] = []

    @Option(help: "Only in this project, a path; may be repeated.")
    var project: [String] = []

    func run() throws {
        var params = Params()
        params.set("path", path)
        params.set("session", session)
        params.set("project", project)
        range.add(to: &params)
        page.add(to: &params)
        conditions.add(to: &params)
        try global.ask(.filesList, params) { reply, screen in
            let table = FileRows.table(reply["files"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no files were touched; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

enum FileRows {
    private static let counts = ["reads", "writes", "edits"]

    static func table(_ files: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .path("FILE"), .number("READS"), .number("WRITES"), .number("EDITS"),
            .number("SESSIONS").rank(2), .word("FIRST SEEN").rank(1), .word("LAST SEEN"),
        ])
        for file in files {
            table.add(
                [Table.Cell(file["path"]?.string ?? Units.absent, .bold)]
                    + counts.map { Outcome.count(file, $0) } + [
                        Outcome.count(file, "sessions"),
                        Table.Cell(Units.ago(file["first_seen"]?.string, now: now), .dim),
                        Table.Cell(Units.ago(file["last_seen"]?.string, now: now)),
                    ])
        }
        guard files.count > 1 else { return table }
        let sums = counts.map { name in files.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
        table.add(
            [Table.Cell("TOTAL", .bold)] + sums.map { Table.Cell(Units.grouped($0), .bold) }
                + ["", "", ""])
        return table
    }
}
