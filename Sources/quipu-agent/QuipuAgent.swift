import AgentCore
import ArgumentParser
import Platform
import QuipuModel
import QuipuProtocol
import Settings

@main
struct QuipuAgent: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quipu-agent",
        abstract: "Tails log files, receives datagrams, and ships both to quipud.",
        version: Version.text)

    @Option(help: "Configuration file (YAML).")
    var config: String?

    @Option(help: "Directory of the sockets.")
    var runtimeDir: String?

    @Option(help: "Directory of the state; the spool is below it.")
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "Log files to tail, with *, ?, **, [a-z] and {a,b}; again for more.",
            valueName: "glob"))
    var watch: [String] = []

    @Option(
        help: ArgumentHelp(
            "Receive datagrams on UDP, too; on loopback, unless the configuration says udp.anywhere.",
            valueName: "host:port"))
    var udp: String?

    func validate() throws {
        if let udp, Sockets.address(udp) == nil {
            throw ValidationError("--udp: \"\(udp)\" is not HOST:PORT")
        }
    }

    func run() throws {
        ProcessMemory.limitAllocator()
        let environment = ProcessFacts.environment()
        let log = Log(isJournal: environment["JOURNAL_STREAM"] != nil)
        do {
            // Before any thread, so that all of them leave the signals to the loop.
            let signals = try SignalDescriptor([.hangup, .interrupt, .terminate])
            let (agent, sockets) = try make(environment, signals: signals, log: log)
            try withExtendedLifetime(sockets) { try agent.run() }
        } catch {
            log.write(.error, "\(error)")
            throw ExitCode.failure
        }
    }

    private func make(
        _ environment: [String: String], signals: SignalDescriptor, log: Log
    ) throws -> (Agent, Sockets) {
        let places = Places(
            role: .service, environment: environment, userID: ProcessFacts.userID,
            runtimeDirectory: runtimeDir, stateDirectory: stateDir)
        let settings = try settings(environment: environment, places: places)
        let manager = ServiceManager(environment: environment)
        for name in manager.closeSockets(except: Sockets.kinds) {
            log.write(.warning, "closed a socket that nobody here serves: \(name)")
        }
        let sockets = try Sockets(places: places, settings: settings, manager: manager)
        let options = Agent.Options(
            globs: settings.watch, environment: environment,
            workingDirectory: ProcessFacts.workingDirectory, ingestSocket: places.ingestSocket,
            spoolDirectory: places.spoolDirectory, rescanSeconds: settings.rescanSeconds)
        let agent = try Agent(
            options: options, listeners: sockets.all, manager: manager, signals: signals,
            reloadGlobs: { globs(environment: environment, places: places) },
            report: { level, text in log.write(level == .info ? .info : .warning, text) })
        return (agent, sockets)
    }

    private func globs(
        environment: [String: String], places: Places
    ) -> Result<[String], Agent.ReloadFailure> {
        do {
            return .success(try settings(environment: environment, places: places).watch)
        } catch {
            return .failure(Agent.ReloadFailure("\(error)"))
        }
    }

    private func settings(
        environment: [String: String], places: Places
    ) throws -> AgentSettings {
        var flags: [String: Layers.Flag] = [:]
        if !watch.isEmpty { flags["watch"] = .strings(watch) }
        if let udp { flags["udp.listen"] = .string(udp) }
        let file = config
        let layers = try Waiting.result { [flags] in
            try await Layers(
                flags: flags, environment: environment, file: file ?? places.configurationFile,
                mayBeMissing: file == nil)
        }
        return try AgentSettings(layers)
    }
}
