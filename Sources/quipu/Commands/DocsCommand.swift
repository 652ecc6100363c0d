import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

struct DocsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "docs", abstract: "JSON documents by id, such as architecture specs.",
        subcommands: [
            DocsListCommand.self, DocsGetCommand.self, DocsPutCommand.self,
            DocsSearchCommand.self, DocsDeleteCommand.self,
        ],
        defaultSubcommand: DocsListCommand.self)
}

/// Which documents.
struct DocumentOptions: ParsableArguments {
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var conditions: WhereOptions

    @Option(help: "Only of this kind; may be repeated.")
    var kind: [String] = []

    @Option(help: "Only of this task; may be repeated.")
    var task: [String] = []

    func add(to params: inout Params) {
        params.set("kind", kind)
        params.set("task", task)
        range.add(to: &params)
        page.add(to: &params)
        conditions.add(to: &params)
    }
}

struct DocsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Which documents there are, the newest change first.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: DocumentOptions

    func run() throws {
        var params = Params()
        options.add(to: &params)
        try global.ask(.documentsList, params) { reply, screen in
            let table = DocumentRows.table(reply["documents"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no documents match")
            screen.tellOfMore(reply)
        }
    }
}

struct DocsSearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Documents that have all words, the best fit first.",
        discussion: "Words, \"phrases\" in quotes, and beginnings* of words.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: DocumentOptions

    @Argument(help: "What to search for.")
    var words: [String]

    func run() throws {
        var params = Params()
        params.set("query", words.joined(separator: " "))
        options.add(to: &params)
        try global.ask(.documentsSearch, params) { reply, screen in
            let found = reply["documents"]?.array ?? []
            let table = DocumentRows.table(found, now: screen.now, isFound: true)
            screen.show(table, orElse: "no document has all of this")
            screen.tellOfMore(reply)
        }
    }
}

struct DocsGetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Write a document's body; with --json also what is about it.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The document's id.")
    var id: String

    func run() throws {
        var params = Params()
        params.set("id", id)
        try global.ask(.documentsGet, params) { reply, screen in
            screen.write(json: (reply["body"] ?? .null).bytes)
        }
    }
}

struct DocsPutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Make a document, or replace it.",
        discussion: "For root, the daemon's user and members of admin_group.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The document's id.")
    var id: String

    @Argument(help: "A file of JSON; - is standard input.", completion: .file())
    var file = "-"

    @Option(help: "Such as architecture.")
    var kind: String?

    @Option var title: String?

    @Option(help: "Whose it is.")
    var task: String?

    @Option var session: String?

    func run() throws {
        try reportingFailure {
            var params = Params()
            params.set("id", id)
            params.set("kind", kind)
            params.set("title", title)
            params.set("task", task)
            params.set("session", session)
            params.set("body", try body())
            try global.ask(.documentsPut, params) { reply, screen in
                let facts = (reply.members ?? []).filter { $0.value != .null }
                screen.write(Outline(now: screen.now, style: screen.style).lines(.object(facts)))
            }
        }
    }

    private func body() throws -> JSON {
        // One byte more than there may be, so that what is too long is told as that.
        let bytesMax = Limits.requestBytesMax + 1
        let bytes =
            file == "-"
            ? try OwnedDescriptor(owning: 0).readAll(bytesMax: bytesMax)
            : try OwnedDescriptor(readingFile: file, followingLinks: true)
                .readAll(bytesMax: bytesMax)
        guard bytes.count <= Limits.documentBytesMax else {
            throw ValidationError("longer than \(Limits.documentBytesMax) bytes")
        }
        do throws(JSONError) {
            return try JSON.parse(bytes)
        } catch {
            throw ValidationError("\(file) is not JSON: \(error.message)")
        }
    }
}

struct DocsDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Take a document away.",
        discussion: "For root, the daemon's user and members of admin_group.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The document's id.")
    var id: String

    func run() throws {
        var params = Params()
        params.set("id", id)
        try global.ask(.documentsDelete, params) { _, _ in }
    }
}

enum DocumentRows {
    static func table(_ documents: [JSON], now: Timestamp, isFound: Bool = false) -> Table {
        var table = Table(
            [
                .text("DOCUMENT"), .text("KIND"), .text("TITLE"), .word("UPDATED"),
                .number("VERSION"), .number("SIZE"), .text("TASK"),
            ] + (isFound ? [.text("FOUND")] : []))
        for document in documents {
            func cell(_ name: String, _ color: Style.Color? = nil) -> Table.Cell {
                Table.Cell(document[name]?.string ?? Units.absent, color)
            }
            table.add(
                [
                    cell("id", .bold), cell("kind"), cell("title"),
                    Table.Cell(Units.ago(document["updated"]?.string, now: now)),
                    Table.Cell(Units.grouped(document["version"]?.int ?? 0)),
                    Table.Cell(Units.bytes(document["size_bytes"]?.double ?? 0)),
                    cell("task", .dim),
                ] + (isFound ? [cell("snippet", .dim)] : []))
        }
        return table
    }
}
