import AgentCore
import ArgumentParser
import Importing
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

@main
struct QuipuImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quipu import",
        abstract: "Take over what other systems and agents have logged so far.",
        discussion: """
            Reads usage.json, tool_usage.json, agent_status.json, tasks.json and sessions.json, a dashboard's \
            SQLite database (up to schema 14; opened read-only), and logs: JSON lines, hook files, \
            transcripts. A directory stands for all files below it. What a file is, its content says.

            Nothing is doubled: rows that are there already are merged, also when the file has grown, was \
            copied, or is read by an agent too. See first what would happen: quipu import --dry-run PATH

            Exit status: 0 good, 1 something was refused, 64 wrong usage, 69 daemon not reachable.
            """,
        version: Version.text)

    @Option(
        name: .customLong("runtime-dir"),
        help: "Where the sockets are; also QUIPU_RUNTIME_DIR.")
    var runtimeDirectory: String?

    @Flag(help: "Write the report as one line of JSON.")
    var json = false

    @Flag(help: "Only say what would be taken, merged and refused.")
    var dryRun = false

    @Flag(help: "Tell the fate of each row.")
    var verbose = false

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "What the files are: usage, tool_usage, agent_status, tasks, sessions, database, log.",
            valueName: "kind"))
    var kind: String?

    @Option(
        name: .customLong("time-zone"),
        help: "The zone of times without one, as Europe/Berlin; default: this machine's.")
    var timeZone: String?

    @Flag(help: "Set the spending limits that usage.json has, too.")
    var limits = false

    @Argument(help: "Files and directories.", completion: .file())
    var paths: [String]

    func validate() throws {
        if paths.isEmpty { throw ValidationError("nothing to import") }
        if let kind, OriginalKind(rawValue: kind) == nil {
            throw ValidationError(
                "--as is one of " + OriginalKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        if LocalTime(zoneName: timeZone) == nil {
            throw ValidationError("--time-zone: \(timeZone ?? "") is no time zone")
        }
    }

    func run() throws {
        ProcessMemory.limitAllocator()
        guard let times = LocalTime(zoneName: timeZone) else { return }
        var planner = ImportPlanner(times: times, as: kind.flatMap(OriginalKind.init))
        for path in paths { planner.add(AbsolutePath.of(path)) }
        let places = Places(
            role: .client, environment: ProcessFacts.environment(),
            userID: ProcessFacts.userID, runtimeDirectory: runtimeDirectory,
            exists: Files.exists)
        var run = ImportRun(plan: planner.plan, places: places)
        if dryRun { run.look() } else { try ship(&run) }
        let report = ImportReport(
            run: run, isDryRun: dryRun, isVerbose: verbose, hasSetLimits: limits && !dryRun,
            zoneName: times.zoneName)
        try show(report)
        if run.isAnyRefused { throw ExitCode(1) }
    }

    private func show(_ report: ImportReport) throws {
        let bytes = json ? report.json.bytes + [0x0a] : Array(report.text.utf8)
        let written = Result { () throws(SystemError) in try Output.write(bytes) }
        // Who reads may have seen enough.
        if case .failure(let error) = written, !error.isDisconnected { throw error }
    }

    private func ship(_ run: inout ImportRun) throws {
        do {
            try run.ship(setsLimits: limits)
        } catch let error as ClientError {
            try fail("\(error)", error.isUnreachable ? 69 : 1)
        } catch let error as OneTimeShipping.Failure {
            if case .unreachable(let socket) = error {
                try fail("\(ClientError.notRunning(socket: socket))", 69)
            }
            try fail("\(error)", 1)
        }
    }

    private func fail(_ message: String, _ status: Int32) throws {
        StandardError.write("quipu import: \(message)\n")
        throw ExitCode(status)
    }
}

enum AbsolutePath {
    static func of(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : ProcessFacts.workingDirectory + "/" + path
        return whole.count > 1 && whole.hasSuffix("/") ? String(whole.dropLast()) : whole
    }
}

enum Output {
    static func write(_ bytes: [UInt8]) throws(SystemError) {
        let descriptor = OwnedDescriptor(owning: 1)
        let result = bytes.withUnsafeBytes { all in
            Result { () throws(SystemError) in try descriptor.writeAll(all) }
        }
        // The process was started with it, and keeps it.
        _ = descriptor.release()
        try result.get()
    }
}
