import ArgumentParser
import Platform

/// For `--help`; `Quipu.main` runs the command itself before this is reached.
struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook", abstract: "Hand a hook's JSON on standard input to the agent.",
        discussion: """
            For hook commands of coding agents: adds the time, prints nothing, and always ends with 0. Texts of \
            an input beyond 64 KiB are cut. In Claude Code's settings.json:

              {"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": "quipu hook"}]}],
                         "PostToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": "quipu hook"}]}]}}
            """)

    @OptionGroup var global: GlobalOptions

    func run() {
        Hook.run(
            environment: ProcessFacts.environment(), runtimeDirectory: global.runtimeDirectory)
    }
}
