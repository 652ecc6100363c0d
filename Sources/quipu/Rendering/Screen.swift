import ArgumentParser
import Platform
import QuipuModel

/// Standard output: collects text and knows what its reader can show.
struct Screen {
    /// Columns that a table may fill; nil where it goes to a file or a pipe and nothing need be
    /// cut.
    var tableColumns: Int?
    /// Columns that a chart fills.
    var chartColumns: Int
    var style: Style
    /// Whether its reader is a terminal whose cursor can be moved.
    var isTerminal = false
    /// The moment against which "5 min ago" is told.
    var now: Timestamp
    private(set) var bytes: [UInt8] = []

    init(
        tableColumns: Int?, chartColumns: Int, style: Style, isTerminal: Bool = false,
        now: Timestamp
    ) {
        self.tableColumns = tableColumns
        self.chartColumns = chartColumns
        self.style = style
        self.isTerminal = isTerminal
        self.now = now
    }

    static let columnsDefault = 80

    static func standard() -> Screen {
        let environment = ProcessFacts.environment()
        let isTerminal = ProcessFacts.isTerminal()
        let asked = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        let columns = asked ?? ProcessFacts.terminalColumns() ?? (isTerminal ? columnsDefault : nil)
        let isDumb = environment["TERM"] == "dumb"
        let wantsColor = environment["NO_COLOR", default: ""].isEmpty && !isDumb
        return Screen(
            tableColumns: columns, chartColumns: columns ?? columnsDefault,
            style: Style(isColored: isTerminal && wantsColor),
            isTerminal: isTerminal && !isDumb, now: .now)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func write(_ line: String) { bytes += (line + "\n").utf8 }
    mutating func write(_ lines: [String]) { for line in lines { write(line) } }
    /// A line of JSON as it came; on a terminal, what would move its cursor is written as JSON's
    /// own escapes, which mean the same.
    mutating func write(json: [UInt8]) {
        bytes += (isTerminal ? Visible.json(json) : json) + [0x0a]
    }

    /// Hands over what was collected.
    mutating func flush() throws(SystemError) {
        let pending = bytes
        bytes = []
        try StandardOutput.write(pending)
    }
}

enum StandardOutput {
    static func write(_ bytes: [UInt8]) throws(SystemError) {
        let descriptor = OwnedDescriptor(owning: 1)
        let result = bytes.withUnsafeBytes { all in
            Result { () throws(SystemError) in try descriptor.writeAll(all) }
        }
        // The process was started with it, and keeps it.
        _ = descriptor.release()
        try result.get()
    }
}

enum Diagnostics {
    static func write(_ line: String) { StandardError.write(Visible.text(line) + "\n") }
}

/// Colours, where they are wanted.
struct Style {
    var isColored: Bool

    enum Color: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case magenta = "35"
        case cyan = "36"
        case white = "97"
        case bold = "1"
        case dim = "2"
    }

    func paint(_ text: String, _ color: Color?) -> String {
        guard isColored, let color, !text.isEmpty else { return text }
        return "\u{1b}[\(color.rawValue)m\(text)\u{1b}[0m"
    }

    static func color(ofStatus status: String?) -> Color? {
        switch status {
        case "ok", "active", "completed": .green
        case "error", "degraded", "failed": .red
        case "blocked", "idle", "stopped": .yellow
        case "running": .cyan
        default: nil
        }
    }
}
