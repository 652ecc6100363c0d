import QuipuProtocol
import Testing

@Suite struct PlacesTests {
    private let person = ["HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"]

    @Test func theSystemsService() {
        let places = Places(
            role: .service,
            environment: [
                "RUNTIME_DIRECTORY": "/run/quipu", "STATE_DIRECTORY": "/var/lib/quipu:/other",
            ], userID: 998)
        #expect(places.querySocket == "/run/quipu/query.sock")
        #expect(places.databaseFile == "/var/lib/quipu/quipu.db")
    }

    @Test func rootByHandUsesTheSystemsPlaces() {
        let places = Places(role: .service, environment: ["HOME": "/root"], userID: 0)
        #expect(places.runtimeDirectory == "/run/quipu")
        #expect(places.stateDirectory == "/var/lib/quipu")
        #expect(places.spoolDirectory == "/var/lib/quipu-agent")
        #expect(places.configurationFile == "/etc/quipu/quipu.yaml")
    }

    @Test func aPersonHasTheirOwn() {
        let places = Places(role: .service, environment: person, userID: 1000)
        #expect(places.runtimeDirectory == "/run/user/1000/quipu")
        #expect(places.stateDirectory == "/home/u/.local/state/quipu")
        #expect(places.spoolDirectory == "/home/u/.local/state/quipu/agent")
        #expect(places.configurationFile == "/home/u/.config/quipu/quipu.yaml")
    }

    @Test func withoutASessionNothingLiesInTmp() {
        let places = Places(role: .service, environment: ["HOME": "/home/u"], userID: 1000)
        #expect(places.runtimeDirectory == "/home/u/.local/state/quipu/run")
    }

    @Test func aClientTakesTheDaemonThatIsThere() {
        func directory(_ existing: Set<String>) -> String {
            Places(
                role: .client, environment: person, userID: 1000,
                exists: { existing.contains($0) }
            ).runtimeDirectory
        }
        #expect(directory(["/run/quipu/query.sock"]) == "/run/quipu")
        #expect(
            directory(["/run/quipu/query.sock", "/run/user/1000/quipu/query.sock"])
                == "/run/user/1000/quipu")
        #expect(directory([]) == "/run/user/1000/quipu")
    }

    @Test func flagsBeatTheEnvironment() {
        var environment = person
        environment["QUIPU_RUNTIME_DIR"] = "/e"
        environment["QUIPU_STATE_DIR"] = "/s"
        var places = Places(role: .service, environment: environment, userID: 1000)
        #expect(places.runtimeDirectory == "/e")
        #expect(places.stateDirectory == "/s")
        places = Places(
            role: .service, environment: environment, userID: 1000, runtimeDirectory: "/f",
            stateDirectory: "/t")
        #expect(places.runtimeDirectory == "/f")
        #expect(places.spoolDirectory == "/t/agent")
    }

    @Test func emptyVariablesAreNotThere() {
        let places = Places(
            role: .service, environment: ["HOME": "/h", "XDG_STATE_HOME": ""], userID: 1000)
        #expect(places.stateDirectory == "/h/.local/state/quipu")
    }
}
