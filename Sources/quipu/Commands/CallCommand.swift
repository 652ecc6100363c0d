import ArgumentParser
import QuipuClient
import QuipuProtocol

struct CallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Ask any method, and write its result as JSON.",
        discussion: "quipu call events.query '{\"kind\":\"tool_use\",\"limit\":1}'")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Such as events.query; see quipu discover.")
    var method: String

    @Argument(help: ArgumentHelp("The params, an object.", valueName: "json"))
    var params = "{}"

    func run() throws {
        let value: JSON
        do throws(JSONError) {
            value = try JSON.parse(params.utf8)
        } catch {
            throw ValidationError("the params are not JSON: \(error.message)")
        }
        guard value.members != nil else {
            throw ValidationError("the params are an object of named members")
        }
        guard method != QuipuProtocol.Method.subscribe.rawValue else {
            throw ValidationError("a subscription lives as long as its connection; use quipu tail")
        }
        var global = global
        global.json = true
        try global.ask(method, value) { _, _ in }
    }
}
