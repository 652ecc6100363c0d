/// Where sockets, database, spool and configuration lie. The one home of these rules: every
/// executable resolves them here, and hands its environment in.
public struct Places: Sendable, Equatable {
    /// Holds the sockets.
    public var runtimeDirectory: String
    /// Holds the database.
    public var stateDirectory: String
    /// Holds the agent's spool.
    public var spoolDirectory: String
    public var configurationFile: String

    public var querySocket: String { runtimeDirectory + "/query.sock" }
    public var ingestSocket: String { runtimeDirectory + "/ingest.sock" }
    public var metricsSocket: String { runtimeDirectory + "/metrics.sock" }
    public var statsdSocket: String { runtimeDirectory + "/statsd.sock" }
    public var databaseFile: String { stateDirectory + "/quipu.db" }

    /// Who asks for the places.
    public enum Role: Sendable {
        /// Makes the directories: `quipud`, `quipu-agent`.
        case service
        /// Uses what a service has made: `quipu`, `quipu-web`.
        case client
    }

    /// - Parameters:
    ///   - environment: The process's own, as a dictionary.
    ///   - userID: The effective one; decides where neither flag nor environment do.
    ///   - exists: Whether a path exists; asked only by clients, for the system service's socket
    ///     and the
    ///     person's own.
    public init(
        role: Role, environment: [String: String], userID: UInt32, runtimeDirectory: String? = nil,
        stateDirectory: String? = nil, exists: (String) -> Bool = { _ in false }
    ) {
        let variables = environment.filter { !$0.value.isEmpty }
        let isSystem = userID == 0
        let home = variables["HOME"] ?? "/"

        let stateHome = variables["XDG_STATE_HOME"] ?? home + "/.local/state"
        let stateDefault = isSystem ? "/var/lib/quipu" : stateHome + "/quipu"
        // Without a session there is no private runtime directory, and /tmp is anybody's.
        let ownRuntime =
            variables["XDG_RUNTIME_DIR"].map { $0 + "/quipu" } ?? stateHome + "/quipu/run"
        let system = "/run/quipu"
        let runtimeDefault: String
        switch role {
        case .service: runtimeDefault = isSystem ? system : ownRuntime
        case .client:
            // A person's own daemon goes before the machine's.
            let preferred = isSystem ? [system, ownRuntime] : [ownRuntime, system]
            runtimeDefault =
                preferred.first { exists($0 + "/query.sock") } ?? preferred[0]
        }
        self.runtimeDirectory =
            runtimeDirectory ?? variables["QUIPU_RUNTIME_DIR"]
            ?? Places.first(variables["RUNTIME_DIRECTORY"]) ?? runtimeDefault

        let givenState = stateDirectory ?? variables["QUIPU_STATE_DIR"]
        self.stateDirectory =
            givenState ?? Places.first(variables["STATE_DIRECTORY"]) ?? stateDefault
        let spoolDefault = isSystem ? "/var/lib/quipu-agent" : stateDefault + "/agent"
        spoolDirectory =
            givenState.map { $0 + "/agent" } ?? Places.first(variables["STATE_DIRECTORY"])
            ?? spoolDefault

        let configurationHome = variables["XDG_CONFIG_HOME"] ?? home + "/.config"
        configurationFile =
            variables["QUIPU_CONFIG"]
            ?? (isSystem ? "/etc/quipu/quipu.yaml" : configurationHome + "/quipu/quipu.yaml")
    }

    /// systemd joins several directories with colons.
    private static func first(_ list: String?) -> String? {
        list?.split(separator: ":").first.map(String.init)
    }
}
