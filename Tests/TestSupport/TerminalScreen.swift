/// As much of a terminal as `quipu top` uses. What it does not know is kept as `strange`.
public struct TerminalScreen {
    public private(set) var lines: [[Unicode.Scalar]]
    public private(set) var isAlternate = false
    public private(set) var isCursorShown = true
    public private(set) var wraps = true
    /// Colours and the like that were switched on.
    public private(set) var attributes: Set<String> = []
    public private(set) var strange: [String] = []
    private var columns: Int
    private var (row, column) = (0, 0)
    /// A program that is told of a new size may have drawn for the one before: such a terminal cuts
    /// it off, and until the program begins anew it is not strange.
    private var isResized = false
    /// The beginning of a character or a sequence whose end has not come.
    private var pending: [UInt8] = []

    public init(columns: Int, rows: Int) {
        self.columns = columns
        lines = Array(repeating: Array(repeating: " ", count: columns), count: rows)
    }

    /// Rows without the spaces at their ends.
    public var rows: [String] {
        lines.map { line in
            var text = String.UnicodeScalarView(line)
            while text.last == " " { text.removeLast() }
            return String(text)
        }
    }

    public var text: String { rows.joined(separator: "\n") }

    public mutating func resize(columns: Int, rows: Int) {
        self.columns = columns
        isResized = true
        lines = Array(lines.prefix(rows)).map { line in
            Array(line.prefix(columns)) + Array(repeating: " ", count: max(0, columns - line.count))
        }
        let empty = Array(repeating: Unicode.Scalar(" "), count: columns)
        while lines.count < rows { lines.append(empty) }
    }

    public mutating func show(_ bytes: ArraySlice<UInt8>) {
        var rest = (pending + bytes)[...]
        pending = []
        while let first = rest.first {
            let length = first == 0x1b ? Self.sequence(rest) : Self.character(first)
            guard let length, length <= rest.count else {
                pending = Array(rest)
                return
            }
            let piece = String(decoding: rest.prefix(length), as: UTF8.self)
            rest = rest.dropFirst(length)
            if first == 0x1b { obey(piece) } else { piece.unicodeScalars.forEach { put($0) } }
        }
    }

    private static func character(_ first: UInt8) -> Int {
        first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    }

    /// Bytes of the sequence that begins here; nil when its end has not come.
    private static func sequence(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count > 1 else { return nil }
        guard bytes.dropFirst().first == UInt8(ascii: "[") else { return 2 }
        guard let end = bytes.dropFirst(2).firstIndex(where: { (0x40...0x7e).contains($0) })
        else { return nil }
        return end - bytes.startIndex + 1
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        guard scalar.value >= 0x20, !(0x7f..<0xa0).contains(scalar.value) else {
            if isAlternate { strange.append("\\x\(String(scalar.value, radix: 16))") }
            return
        }
        guard lines.indices.contains(row), column < columns else {
            if !isResized { strange.append("beyond the edge: \(scalar)") }
            return
        }
        lines[row][column] = scalar
        column += 1
    }

    private mutating func obey(_ sequence: String) {
        let words = String(sequence.dropFirst(2).dropLast())
        switch sequence {
        case "\u{1b}[?1049h": (isAlternate, lines) = (true, blank)
        case "\u{1b}[?1049l": (isAlternate, lines) = (false, blank)
        case "\u{1b}[?25h": isCursorShown = true
        case "\u{1b}[?25l": isCursorShown = false
        case "\u{1b}[?7h": wraps = true
        case "\u{1b}[?7l": wraps = false
        case "\u{1b}[2J": (isResized, lines) = (false, blank)
        case "\u{1b}[H": (row, column) = (0, 0)
        case "\u{1b}[K" where lines.indices.contains(row):
            for index in column..<max(column, columns) { lines[row][index] = " " }
        case _ where sequence.hasSuffix("m"): attributes.insert(words)
        case _ where sequence.hasSuffix("H"):
            let place = words.split(separator: ";").compactMap { Int($0) }
            guard place.count == 2, lines.indices.contains(place[0] - 1) || isResized else {
                strange.append(String(sequence.dropFirst()))
                return
            }
            (row, column) = (place[0] - 1, place[1] - 1)
        case "\u{1b}[K" where isResized: break
        default: strange.append(String(sequence.dropFirst()))
        }
    }

    private var blank: [[Unicode.Scalar]] {
        Array(repeating: Array(repeating: " ", count: columns), count: lines.count)
    }
}
