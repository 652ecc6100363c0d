import ArgumentParser
import DaemonCore
import Logging
import Platform
import QuipuModel
import QuipuProtocol
import Settings

@main
struct Quipud: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quipud",
        abstract:
            "Keeps what this machine's applications and coding agents do, and answers questions.",
        version: Version.text)

    @Option(help: "Configuration file (YAML).")
    var config: String?

    @Option(help: "Directory of the sockets.")
    var runtimeDir: String?

    @Option(help: "Directory of the database.")
    var stateDir: String?

    @Flag(help: "Keep everything in memory; nothing survives the process.")
    var memory = false

    func run() async throws {
        ProcessMemory.limitAllocator()
        ProcessFacts.keepNewFilesPrivate()
        let environment = ProcessFacts.environment()
        let places = Places(
            role: .service, environment: environment, userID: ProcessFacts.userID,
            runtimeDirectory: runtimeDir, stateDirectory: stateDir)
        let isMemory = memory
        let config = config
        let load: @Sendable () async throws(SettingsError) -> DaemonSettings = {
            () async throws(SettingsError) in
            let layers = try await Layers(
                flags: isMemory ? ["persistence": .bool(false)] : [:], environment: environment,
                file: config ?? places.configurationFile, mayBeMissing: config == nil)
            return try DaemonSettings(layers)
        }
        let isJournal = environment["JOURNAL_STREAM"] != nil
        let log = Logger(label: "quipud") { _ in StderrLog(isJournal: isJournal) }
        do {
            let daemon = Daemon(
                options: Daemon.Options(
                    places: places, settings: try await load(), reload: load,
                    version: Version.text, systemZone: SystemZone.name(environment: environment),
                    trafficLog: environment["QUIPU_TRAFFIC_LOG"]),
                manager: ServiceManager(environment: environment), log: log)
            try await daemon.run()
        } catch {
            log.critical("\(error)")
            throw ExitCode.failure
        }
    }
}
