import ArgumentParser
import QuipuProtocol

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Whether the daemon is well, and where its database is.",
        discussion: "Ends with 1 when the status is not ok.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let health = try global.ask(.health, Params()) { health, screen in
            screen.write(Outline(now: screen.now, style: screen.style).lines(health))
        }
        if health["status"] != "ok" { throw ExitStatus.failed }
    }
}
