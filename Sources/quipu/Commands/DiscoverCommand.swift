import ArgumentParser
import QuipuProtocol

struct DiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover", abstract: "Which methods the daemon has.",
        discussion: "With --json: the whole OpenRPC document.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.ask(.discover, Params()) { document, screen in
            var table = Table([.word("METHOD"), .text("PARAMS"), .text("ANSWERS")])
            for method in document["methods"]?.array ?? [] {
                let params = (method["params"]?.array ?? []).compactMap { $0["name"]?.string }
                table.add([
                    Table.Cell(method["name"]?.string ?? Units.absent, .bold),
                    Table.Cell(params.joined(separator: " ")),
                    Table.Cell(method["summary"]?.string ?? ""),
                ])
            }
            screen.show(table, orElse: "the document names no methods")
        }
    }
}
