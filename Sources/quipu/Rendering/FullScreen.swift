import Platform

/// Owns the whole terminal while it exists: keys come one by one, and each frame takes the place of
/// the one before. When it goes, the terminal is as it was, whatever ended it.
struct FullScreen: ~Copyable {
    private let terminal: RawTerminal
    private var shown: [String]?

    /// The other screen, without its cursor; lines that turn out too wide are cut, not wrapped.
    private static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    private static let leave = "\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    init() throws(SystemError) {
        let taken = try RawTerminal()
        try StandardOutput.write(Array(FullScreen.enter.utf8))
        terminal = taken
    }

    /// After others had the terminal.
    mutating func retake() throws(SystemError) {
        try terminal.retake()
        try StandardOutput.write(Array(FullScreen.enter.utf8))
        forget()
    }

    /// Waits for keys; none at the end of the terminal.
    borrowing func keys() throws(SystemError) -> [UInt8] { try terminal.keys() }

    /// What is on the terminal is not what was drawn: its size has changed, or others wrote.
    mutating func forget() { shown = nil }

    /// Shows these lines, which fit the terminal, in one write: those that changed.
    mutating func draw(_ lines: [String]) throws(SystemError) {
        var output = ""
        if shown == nil { output += "\u{1b}[0m\u{1b}[H\u{1b}[2J" }
        let before = shown ?? []
        for index in 0..<max(lines.count, before.count) {
            let line = index < lines.count ? lines[index] : ""
            if index < before.count ? before[index] == line : line.isEmpty { continue }
            // Cleared first: after a line that fills its row the cursor still stands on its end.
            output += "\u{1b}[\(index + 1);1H\u{1b}[K\(line)"
        }
        shown = lines
        if !output.isEmpty { try StandardOutput.write(Array(output.utf8)) }
    }

    deinit {
        // A terminal that is gone needs nothing restored.
        try? StandardOutput.write(Array(FullScreen.leave.utf8))
    }
}
