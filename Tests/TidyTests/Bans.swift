/// A piece of code that must not stand in some files, and what to write instead.
struct Ban: Sendable {
    let code: String
    let instead: String
    let applies: @Sendable (Repository.File) -> Bool

    /// Whether the code occurs in a line as a word of its own, not as the end or member of another.
    func occurs(in line: String) -> Bool {
        line.ranges(of: code).contains { range in
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || before == "_" || before == ".")
        }
    }

    /// Waiting for another process has one home, `Rig.waitUntil`; nowhere else may a test sleep.
    private static func waitingTests(_ file: Repository.File) -> Bool {
        tests(file) && file.path != "Tests/TestSupport/Rig.swift"
    }

    private static let executables: Set<String> = [
        "quipud", "quipu-agent", "quipu", "quipu-import", "metrics-example", "client-bench",
        "intake-bench",
    ]

    private static func everywhere(_ file: Repository.File) -> Bool {
        file.path != "Tests/TidyTests/Bans.swift"
    }
    private static func sources(_ file: Repository.File) -> Bool { file.target != nil }
    private static func libraries(_ file: Repository.File) -> Bool {
        file.target.map { !executables.contains($0) } ?? false
    }
    private static func tests(_ file: Repository.File) -> Bool {
        file.path.hasPrefix("Tests/") && everywhere(file)
    }

    private static let noSurroundings = "take it as a parameter; only executables look around"
    private static let noSleep = "await the event, or advance the clock"

    static let all: [Ban] = [
        Ban(code: "try!", instead: "throw, or handle it", applies: everywhere),
        Ban(code: "as!", instead: "use as?, or a type", applies: everywhere),
        Ban(code: "fatalError(", instead: "no input may end a process", applies: sources),
        Ban(code: "Task.detached", instead: "use a child task, or a thread", applies: sources),
        Ban(code: "print(", instead: "return an error, or let a program print", applies: libraries),
        Ban(code: "debugPrint(", instead: "leave it out", applies: sources),
        Ban(code: "getenv(", instead: noSurroundings, applies: libraries),
        Ban(code: "ProcessInfo", instead: noSurroundings, applies: libraries),
        Ban(code: "CommandLine.", instead: noSurroundings, applies: libraries),
        Ban(code: "Task.sleep", instead: noSleep, applies: tests),
        Ban(code: "Thread.sleep", instead: noSleep, applies: tests),
        Ban(code: "sleep(", instead: noSleep, applies: tests),
        Ban(code: "usleep(", instead: noSleep, applies: waitingTests),
    ]
}
