import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Hand a hook's input to the agent: for hook commands of coding agents.",
        discussion: """
            Reads the JSON of one hook event on standard input, adds the time where it has none, and sends it to \
            quipu-agent. Prints nothing and exits 0, whatever happens: a hook must not disturb whom it watches. \
            In Claude Code's settings.json, for each event that is to be kept:

            {"hooks":{"PreToolUse":[{"matcher":"*","hooks":[{"type":"command","command":"quipu hook"}]}]}}
            """)

    @OptionGroup var global: GlobalOptions

    func run() { Hook.run(places: global.places) }
}

/// What `quipu hook` does. A coding agent starts it before and after every tool it uses and waits
/// for it, so it goes without the argument parser where it can.
enum Hook {
    /// Does it all if these are the arguments of a plain `quipu hook`.
    static func runIfAsked(_ arguments: [String]) -> Bool {
        guard arguments.count > 1, arguments[1] == "hook" else { return false }
        var runtimeDirectory: String?
        var rest = arguments.dropFirst(2)
        while let argument = rest.popFirst() {
            guard argument == "--runtime-dir", let path = rest.popFirst() else { return false }
            runtimeDirectory = path
        }
        run(
            places: Places(
                role: .client, environment: ProcessFacts.environment(),
                userID: ProcessFacts.userID, runtimeDirectory: runtimeDirectory,
                exists: Files.exists))
        return true
    }

    static func run(places: Places) {
        do throws(SystemError) {
            let input = try OwnedDescriptor(owning: 0).readAll(bytesMax: Limits.lineBytesMax)
            guard let line = HookLine.make(input, time: Timestamp.now.rfc3339) else { return }
            try OneShot(metricsSocket: places.metricsSocket, statsdSocket: places.statsdSocket)
                .send(line)
        } catch {
            // Nobody to tell: a hook that fails, or says something, changes what the agent does.
        }
    }
}
