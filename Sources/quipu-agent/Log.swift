import Platform

/// Log lines on stderr: one line each, with the priority that journald understands when it reads
/// them.
struct Log: Sendable {
    enum Level: Int {
        case error = 3
        case warning = 4
        case info = 6
    }

    /// Whether stderr goes to the journal.
    let isJournal: Bool

    func write(_ level: Level, _ text: String) {
        let line = StandardError.line(text)
        let prefix = isJournal ? "<\(level.rawValue)>" : "quipu-agent: \(level): "
        StandardError.write("\(prefix)\(line)\n")
    }
}
