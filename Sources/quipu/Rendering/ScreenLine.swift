/// One row of a screen, piece by piece: what comes from logs is made visible, and what is too wide
/// is cut.
struct ScreenLine {
    let width: Int
    let style: Style
    private(set) var text = ""
    private(set) var columns = 0

    init(width: Int, style: Style) {
        self.width = width
        self.style = style
    }

    mutating func add(_ words: String, _ color: Style.Color? = nil) {
        let shown = Visible.cut(Visible.text(words), to: max(0, width - columns))
        text += style.paint(shown, color)
        columns += Visible.columns(shown)
    }

    /// Adds the words only if they fit whole.
    mutating func addWhole(_ words: String, _ color: Style.Color? = nil) {
        if columns + Visible.columns(Visible.text(words)) <= width { add(words, color) }
    }

    mutating func pad(to column: Int) {
        let count = min(column, width) - columns
        if count > 0 { add(String(repeating: " ", count: count)) }
    }
}

/// Figures as bars of one row, the newest at the right.
enum Sparkline {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// - Parameter values: nil where nothing is known.
    static func text(_ values: [Double?], width: Int) -> String {
        let shown = values.suffix(max(0, width))
        let most = shown.compactMap { $0 }.filter(\.isFinite).max() ?? 0
        let text = shown.map { value -> Character in
            guard let value, value.isFinite else { return " " }
            guard most > 0, value > 0 else { return bars[0] }
            return bars[min(bars.count - 1, Int(value / most * Double(bars.count - 1) + 0.5))]
        }
        return String(repeating: " ", count: max(0, width - shown.count)) + String(text)
    }
}
