import ArgumentParser
import Platform
import QuipuProtocol

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "A consistent copy of the database, while it is in use.",
        discussion: """
            The daemon writes the file, with its own rights; under systemd it may write below \
            /var/lib/quipu only. For root, the daemon's user and members of admin_group.

            To restore: quipu restore FILE
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Where to; nothing may be there yet.", completion: .file())
    var file: String

    func run() throws {
        var params = Params()
        params.set("path", .string(AbsolutePath.of(file)))
        try global.ask(.adminBackup, params) { reply, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(reply))
        }
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a backup in the place of the database.",
        discussion: """
            The daemon must not run. What was in the database is kept beside it, as quipu.db.before-restore, or \
            with a number behind that where something has that name. A backup that is not whole is refused. \
            Logs that still exist are read on from where the backup had read them.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: "Directory of the database.", completion: .directory)
    var stateDir: String?

    @Argument(help: "The backup.", completion: .file())
    var file: String

    func run() throws {
        let places = Places(
            role: .service, environment: ProcessFacts.environment(), userID: ProcessFacts.userID,
            stateDirectory: stateDir)
        try reportingFailure {
            // On a new machine the daemon has not made it yet.
            try Directories.make(places.stateDirectory)
            try DatabaseFile(path: places.databaseFile).replace(
                with: file, directory: places.stateDirectory)
            guard global.json else {
                return Diagnostics.write("restored to \(places.databaseFile); start quipud")
            }
            var screen = Screen.standard()
            screen.write(json: JSON.object([.init("path", .string(places.databaseFile))]).bytes)
            try screen.flush()
        }
    }
}

struct RetentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention", abstract: "Take away now what is too old or too much.",
        discussion: "The daemon does so by itself every five minutes; retention.* says how old.")

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Only tell what would go; for the size, an estimate.")
    var dryRun = false

    func run() throws {
        var params = Params()
        if dryRun { params.set("dry_run", .bool(true)) }
        try global.ask(.adminRetention, params) { reply, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(reply))
        }
    }
}

struct PersistenceCommand: ParsableCommand {
    enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

    static let configuration = CommandConfiguration(
        commandName: "persistence", abstract: "Switch persistence on or off.",
        discussion: """
            Off: what comes is kept in memory, the last two hours of it and 32 MiB at most; agents keep what \
            they sent. On: the file goes on from where it was, and agents send again what it lacks. The \
            configuration decides anew at the next start or reload.
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "on or off.")
    var choice: Choice

    func run() throws {
        var params = Params()
        params.set("enabled", .bool(choice == .on))
        try global.ask(.adminPersistence, params) { reply, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(reply))
        }
    }
}

struct FlushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush", abstract: "Commit now what waits for its group.")

    @OptionGroup var global: GlobalOptions

    func run() throws { try global.ask(.adminFlush, Params()) { _, _ in } }
}

enum AbsolutePath {
    static func of(_ path: String) -> String {
        path.hasPrefix("/") ? path : ProcessFacts.workingDirectory + "/" + path
    }
}
