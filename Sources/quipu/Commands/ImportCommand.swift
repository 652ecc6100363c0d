import ArgumentParser
import Platform

/// Stands in the list of commands; what it does, `Import` has done before the parser was asked.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over what other systems and agents have logged so far.",
        discussion: "More: quipu import --help")

    @OptionGroup var global: GlobalOptions
}

/// `quipu import` reads SQLite, which would make every start of this program longer: it is a
/// program of its own, `quipu-import` beside this one.
enum Import {
    /// Becomes that program if these are the arguments of `quipu import`.
    static func becomeIfAsked(_ arguments: [String]) {
        var before: [String] = []
        var rest = arguments.dropFirst()
        while let argument = rest.first, argument != "import" {
            guard argument == "--json" || argument.hasPrefix("--runtime-dir") else { return }
            before.append(argument)
            rest.removeFirst()
            if argument == "--runtime-dir", let path = rest.popFirst() { before.append(path) }
        }
        guard rest.popFirst() != nil else { return }
        let own = ProcessFacts.executablePath ?? ""
        let beside = own.lastIndex(of: "/").map { String(own[...$0]) + "quipu-import" }
        let path = beside.flatMap { Files.exists($0) ? $0 : nil } ?? "quipu-import"
        let error = ProcessFacts.become(path, before + rest)
        Diagnostics.write("quipu: \(error)")
        // The parser would not know the arguments.
        ImportCommand.exit(withError: ExitStatus.failed)
    }
}
