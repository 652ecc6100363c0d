/// What tells one line of a chart from the others.
struct ChartMark {
    var glyph: Character
    var color: Style.Color

    static let all = [
        ChartMark(glyph: "*", color: .cyan), ChartMark(glyph: "o", color: .yellow),
        ChartMark(glyph: "+", color: .magenta), ChartMark(glyph: "x", color: .green),
        ChartMark(glyph: "#", color: .red), ChartMark(glyph: "@", color: .blue),
        ChartMark(glyph: "%", color: .white), ChartMark(glyph: "=", color: .dim),
    ]

    /// As a legend shows it.
    func sample(_ style: Style) -> String { style.isColored ? "━━" : String(glyph) }
}

/// Where the points of one series are set.
protocol ChartCanvas {
    var dotColumns: Int { get }
    var dotRows: Int { get }

    /// Dots outside of the canvas are left out.
    mutating func set(_ x: Int, _ y: Int)
}

extension ChartCanvas {
    /// A straight line, both ends included.
    mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
        let steps = max(abs(end.x - start.x), abs(end.y - start.y))
        guard steps > 0 else { return set(start.x, start.y) }
        for step in 0...steps {
            let part = Double(step) / Double(steps)
            set(
                start.x + Int((Double(end.x - start.x) * part).rounded()),
                start.y + Int((Double(end.y - start.y) * part).rounded()))
        }
    }
}

/// Dots in characters of the block U+2800.
struct BrailleCanvas: ChartCanvas {
    let dotColumns: Int
    let dotRows: Int
    private let columns: Int
    private var cells: [UInt32]

    /// The bit of each dot: left column from the top, then the right one.
    private static let bits: [[UInt32]] = [
        [0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80],
    ]

    init(columns: Int, rows: Int) {
        self.columns = columns
        dotColumns = columns * 2
        dotRows = rows * 4
        cells = Array(repeating: 0, count: columns * rows)
    }

    mutating func set(_ x: Int, _ y: Int) {
        guard (0..<dotColumns).contains(x), (0..<dotRows).contains(y) else { return }
        cells[y / 4 * columns + x / 2] |= BrailleCanvas.bits[x % 2][y % 4]
    }

    /// Canvases of one size above each other. A character that several have dots in has the colour
    /// of the one with most.
    static func lines(_ layers: [BrailleCanvas], _ style: Style) -> [String] {
        guard let first = layers.first else { return [] }
        return stride(from: 0, to: first.cells.count, by: first.columns).map { start in
            var line = ""
            var run = String.UnicodeScalarView()
            var owner = 0
            for index in start..<start + first.columns {
                let dots = layers.map { $0.cells[index] }
                let most = dots.map(\.nonzeroBitCount).max() ?? 0
                let next = dots.firstIndex { $0.nonzeroBitCount == most } ?? 0
                // Where nothing is to be seen, the colour stays.
                if most > 0, next != owner {
                    line += style.paint(String(run), ChartMark.all[owner].color)
                    run = String.UnicodeScalarView()
                    owner = next
                }
                run.append(Unicode.Scalar(0x2800 + dots.reduce(0, |)) ?? " ")
            }
            return line + style.paint(String(run), ChartMark.all[owner].color)
        }
    }
}

/// One mark a character, for those who see no colours.
struct MarkCanvas: ChartCanvas {
    let dotColumns: Int
    let dotRows: Int
    private var cells: [Bool]

    init(columns: Int, rows: Int) {
        dotColumns = columns
        dotRows = rows
        cells = Array(repeating: false, count: columns * rows)
    }

    mutating func set(_ x: Int, _ y: Int) {
        guard (0..<dotColumns).contains(x), (0..<dotRows).contains(y) else { return }
        cells[y * dotColumns + x] = true
    }

    /// Canvases of one size above each other, the first in front.
    static func lines(_ layers: [MarkCanvas]) -> [String] {
        guard let first = layers.first else { return [] }
        return stride(from: 0, to: first.cells.count, by: first.dotColumns).map { start in
            var line = ""
            for index in start..<start + first.dotColumns {
                let owner = layers.firstIndex { $0.cells[index] }
                line.append(owner.map { ChartMark.all[$0].glyph } ?? " ")
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
