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

            With --guard it first asks whether a limit is passed (quipu limits), and if so prints Claude Code's \
            decision to stop. When the daemon does not answer in time, nobody is stopped.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: .customLong("guard"), help: "Stop the coding agent when a spending limit is passed.")
    var isGuard = false

    @Option(help: "With --guard: whose limits count, besides the session's and the project's.")
    var user: String?

    @Option(help: "With --guard: how long to wait for the daemon at most.")
    var patienceMs = Limits.guardPatienceMs

    func run() {
        let hookGuard = HookGuard(user: user, patienceMs: patienceMs)
        Hook.run(places: global.places, guarding: isGuard ? hookGuard : nil)
    }
}

/// What `quipu hook` does. A coding agent starts it before and after every tool it uses and waits
/// for it, so it goes without the argument parser where it can.
enum Hook {
    private static func isUnderstood(_ arguments: [String]) -> Bool {
        do {
            _ = try Quipu.parseAsRoot(Array(arguments.dropFirst()))
            return true
        } catch {
            return Quipu.exitCode(for: error) == .success
        }
    }

    /// Does it all if these are the arguments of a plain `quipu hook`.
    static func runIfAsked(_ arguments: [String]) -> Bool {
        guard arguments.count > 1, arguments[1] == "hook" else { return false }
        var runtimeDirectory: String?
        var hookGuard = HookGuard()
        var isGuard = false
        var rest = arguments.dropFirst(2)
        while let argument = rest.popFirst() {
            switch argument {
            case "--guard": isGuard = true
            case "--runtime-dir":
                guard let path = rest.popFirst() else { continue }
                runtimeDirectory = path
            case "--user":
                guard let name = rest.popFirst() else { continue }
                hookGuard.user = name
            case "--patience-ms":
                guard let count = rest.popFirst().flatMap({ Int64($0) }) else { continue }
                hookGuard.patienceMs = count
            // What is written in another way, or asks for help; what nobody knows is passed over.
            default: if isUnderstood(arguments) { return false }
            }
        }
        run(
            places: Places(
                role: .client, environment: ProcessFacts.environment(),
                userID: ProcessFacts.userID, runtimeDirectory: runtimeDirectory,
                exists: Files.exists),
            guarding: isGuard ? hookGuard : nil)
        return true
    }

    static func run(places: Places, guarding hookGuard: HookGuard?) {
        do throws(SystemError) {
            let input = try OwnedDescriptor(owning: 0).readAll(bytesMax: Limits.lineBytesMax)
            if let decision = hookGuard?.decision(input, querySocket: places.querySocket) {
                try StandardOutput.write(decision.bytes + [0x0a])
            }
            guard let line = HookLine.make(input, time: Timestamp.now.rfc3339) else { return }
            try OneShot(metricsSocket: places.metricsSocket, statsdSocket: places.statsdSocket)
                .send(line)
        } catch {
            // Nobody to tell: a hook that fails, or says something, changes what the agent does.
        }
    }
}
