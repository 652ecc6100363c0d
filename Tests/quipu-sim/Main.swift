import Foundation
import QuipuProtocol

/// Generates what coding agents leave behind, and what really happened.
///
/// `quipu-sim --out DIR [--days 30] [--projects 5] [--seed 1] [--start 2026-10-10] [--zone ZONE]`:
/// logs below `DIR`, the truth in `DIR/truth.json`. The same seed gives the same files.
@main
enum Main {
    struct Usage: Error {}

    static func main() {
        do {
            let (options, zone) = try read(Array(CommandLine.arguments.dropFirst()))
            let world = World(options, zone: zone)
            world.run()
            try world.files.write(to: options.directory)
            try world.writeTruth()
            print(
                "seed \(options.seed): \(world.files.lineCount) lines and "
                    + "\(world.files.elementCount) elements of arrays in \(options.directory)")
        } catch is Usage {
            print(
                "usage: quipu-sim --out DIR [--days N] [--projects N] [--seed N] "
                    + "[--start YYYY-MM-DD] [--zone ZONE]")
            exit(64)
        } catch {
            print("quipu-sim: \(error)")
            exit(1)
        }
    }

    private static func read(_ arguments: [String]) throws -> (World.Options, Zone) {
        var options = World.Options()
        var start = "2026-10-10"
        var rest = arguments[...]
        var hasPlace = false
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Usage() }
            switch flag {
            case "--out": (options.directory, hasPlace) = (value, true)
            case "--days": options.days = try number(value)
            case "--projects": options.projects = try number(value)
            case "--seed": options.seed = UInt64(try number(value))
            case "--start": start = value
            case "--zone": options.zone = value
            default: throw Usage()
            }
        }
        guard hasPlace, let zone = Zone(options.zone),
            let date = try? Date(start + "T00:00:00Z", strategy: .iso8601)
        else { throw Usage() }
        options.start = Moment(date.timeIntervalSince1970) * .second
        return (options, zone)
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else { throw Usage() }
        return number
    }
}

extension World {
    func run() {
        let projects = (0..<options.projects).map(Project.init)
        for day in 0..<options.days {
            let midnight = options.start + Moment(day) * .day
            for project in projects {
                // From early until so late that work goes on past midnight.
                for _ in 0..<int(1...3) {
                    run(project, at: midnight + int(5 * .hour...(22 * .hour)))
                }
                for _ in 0..<int(0...2) {
                    runTask(in: project, at: midnight + int(6 * .hour...(20 * .hour)))
                }
            }
        }
    }

    private func run(_ project: Project, at moment: Moment) {
        switch project.style {
        case .dashboard: DashboardSession(world: self, project: project).run(at: moment)
        case .codex:
            var session = CodexSession(self, project, at: moment)
            session.run()
            logCost(at: moment + .hour)
        case .mixedHooks, .hooksByEvent, .hookArrays:
            var session = ClaudeSession(self, project, at: moment)
            session.run()
        }
    }

    func writeTruth() throws {
        let facts: [JSON.Member] = [
            .init("seed", .int(Int64(bitPattern: options.seed))),
            .init("days", .int(Int64(options.days))),
            .init("projects", .int(Int64(options.projects))),
            .init("start", .string(options.start.rfc3339)),
            .init("lines", .int(Int64(files.lineCount))),
            .init("elements", .int(Int64(files.elementCount))),
        ]
        let path = options.directory + "/truth.json"
        try Data(truth.json(facts).bytes + [0x0a]).write(to: URL(fileURLWithPath: path))
    }
}
