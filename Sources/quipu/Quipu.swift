import ArgumentParser
import Platform
import QuipuModel

@main
enum Main {
    static func main() {
        if Hook.runIfAsked(CommandLine.arguments) { return }
        Import.becomeIfAsked(CommandLine.arguments)
        ProcessFacts.reportBrokenPipes()
        Quipu.main()
    }
}

struct Quipu: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quipu",
        abstract: "Ask quipud what this machine's applications and coding agents do.",
        discussion: """
            Times (--since, --until) are RFC 3339 (2026-11-20T15:00:00Z), Unix seconds, or spans back from \
            now: 90s 15m 24h 7d 4w.

            Exit status: 0 good, 1 failed, 64 wrong usage, 69 daemon not reachable.
            """,
        version: Version.text,
        subcommands: [
            HealthCommand.self, StatsCommand.self, LedgerCommand.self, EventsCommand.self,
            SessionsCommand.self, SessionCommand.self, ToolsCommand.self, ErrorsCommand.self,
            FilesCommand.self,
            CostCommand.self, LimitsCommand.self, PricesCommand.self, StatuslineCommand.self,
            TasksCommand.self, TaskCommand.self, OverviewCommand.self, DocsCommand.self,
            SQLCommand.self, MetricsCommand.self, TopCommand.self, TailCommand.self,
            SendCommand.self, HookCommand.self, ImportCommand.self, CallCommand.self,
            DiscoverCommand.self,
            BackupCommand.self, RestoreCommand.self, RetentionCommand.self,
            PersistenceCommand.self, FlushCommand.self,
        ])

    @OptionGroup var global: GlobalOptions
}
