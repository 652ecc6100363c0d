/// Rows under headings, made to fit.
struct Table {
    struct Column {
        var title: String
        var isRight = false
        /// May be cut when the table is too wide; numbers and times may not.
        var isFlexible = false
        /// Which part is left when it is cut.
        var keeps = Visible.Side.start
        /// Columns that it fills even when its cells are short, so that figures which change do not
        /// push their neighbours about.
        var least = 0
        /// The highest goes first where a table has no room for all; 0 always stays.
        var rank = 0

        static func text(_ title: String) -> Column { Column(title: title, isFlexible: true) }
        static func word(_ title: String) -> Column { Column(title: title) }
        static func number(_ title: String) -> Column { Column(title: title, isRight: true) }
        static func path(_ title: String) -> Column {
            Column(title: title, isFlexible: true, keeps: .end)
        }

        func least(_ columns: Int) -> Column {
            var column = self
            column.least = columns
            return column
        }

        func rank(_ rank: Int) -> Column {
            var column = self
            column.rank = rank
            return column
        }
    }

    struct Cell: ExpressibleByStringLiteral {
        var text: String
        var color: Style.Color?

        init(_ text: String, _ color: Style.Color? = nil) {
            self.text = text
            self.color = color
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    /// Titles may be somebody's own, as those of `quipu sql` are.
    init(_ columns: [Column]) {
        self.columns = columns.map { column in
            var column = column
            column.title = Visible.text(column.title)
            return column
        }
    }

    mutating func add(_ cells: [Cell]) {
        rows.append(cells.map { Cell(Visible.text($0.text), $0.color) })
    }

    private static let gap = 2
    private static let flexibleColumnsMin = 8
    /// Where nothing need be cut, a log's longest line still is.
    private static let cellColumnsMax = 200

    /// - Parameter width: columns to fit into; nil for as many as it takes.
    func lines(width: Int?, style: Style) -> [String] {
        let widths = fittedWidths(width)
        let heading = line(columns.map { Cell($0.title, .bold) }, widths, style)
        return [heading] + rows.map { line($0, widths, style) }
    }

    /// Without the columns that a table of this width has no room for.
    func dropping(toFit width: Int) -> Table {
        var table = self
        while table.leastWidth > width,
            let last = table.columns.indices.max(by: {
                table.columns[$0].rank < table.columns[$1].rank
            }), table.columns[last].rank > 0
        {
            table.columns.remove(at: last)
            for index in table.rows.indices where last < table.rows[index].count {
                table.rows[index].remove(at: last)
            }
        }
        return table
    }

    /// With every column as narrow as it is still good for something.
    private var leastWidth: Int {
        Table.total(
            zip(columns, naturalWidths()).map { column, width in
                column.isFlexible
                    ? min(width, max(column.least, Table.flexibleColumnsMin)) : width
            })
    }

    private func naturalWidths() -> [Int] {
        columns.indices.map { index in
            let title = max(Visible.columns(columns[index].title), columns[index].least)
            let widest = rows.reduce(title) {
                max($0, index < $1.count ? Visible.columns($1[index].text) : 0)
            }
            return min(widest, Table.cellColumnsMax)
        }
    }

    private func fittedWidths(_ width: Int?) -> [Int] {
        var widths = naturalWidths()
        guard let width else { return widths }
        shrink(
            &widths, to: width, where: { columns[$0].isFlexible }, least: Table.flexibleColumnsMin)
        shrink(&widths, to: width, where: { _ in true }, least: 3)
        // Still too wide: the last columns go.
        while widths.count > 1, Table.total(widths) > width { widths.removeLast() }
        if let only = widths.first, only > width { widths[0] = max(0, width) }
        return widths
    }

    /// Takes from the widest, one column at a time.
    private func shrink(
        _ widths: inout [Int], to width: Int, where mayShrink: (Int) -> Bool, least: Int
    ) {
        while Table.total(widths) > width {
            let candidates = widths.indices.filter { mayShrink($0) && widths[$0] > least }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
        }
    }

    private static func total(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + gap * (widths.count - 1)
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
        var output = ""
        var owed = 0
        for (index, (cell, width)) in zip(cells, widths).enumerated() {
            let text = Visible.cut(cell.text, to: width, keeping: columns[index].keeps)
            let padding = width - Visible.columns(text)
            let before = columns[index].isRight ? padding : 0
            if !text.isEmpty {
                output += String(repeating: " ", count: owed + before)
                output += style.paint(text, cell.color)
                owed = columns[index].isRight ? 0 : padding
            } else {
                owed += padding
            }
            owed += Table.gap
        }
        return output
    }
}
