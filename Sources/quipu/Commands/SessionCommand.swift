import ArgumentParser
import QuipuProtocol

struct SessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "One session and its timeline.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var page: PageOptions

    @Argument(help: "The session's id.")
    var id: String

    @Flag(help: "The timeline's newest events first.")
    var newestFirst = false

    func run() throws {
        var params = Params()
        params.set("session", id)
        if newestFirst { params.set("order", "desc") }
        page.add(to: &params)
        try global.ask(.sessionsGet, params) { reply, screen in
            SessionView.show(reply, on: &screen)
        }
    }
}

enum SessionView {
    static func show(_ reply: JSON, on screen: inout Screen) {
        let facts: Set<String> = ["timeline", "next_cursor"]
        let summary = (reply.members ?? []).filter { !facts.contains($0.name) && $0.value != .null }
        screen.write(Outline(now: screen.now, style: screen.style).lines(.object(summary)))
        screen.write("")
        let table = EventRows.table(reply["timeline"]?.array ?? [], now: screen.now)
        screen.show(table, orElse: "no events on this page")
        screen.tellOfMore(reply)
    }
}
