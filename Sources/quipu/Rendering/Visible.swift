/// Text from logs, made safe to show and measured as a terminal shows it.
enum Visible {
    /// The text with everything visible that would move the cursor, change colours or reorder what
    /// stands around it: `\n`, `\t`, `\x1b`, `\u{202e}`.
    static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                output.append(contentsOf: escape(scalar).unicodeScalars)
            } else {
                output.append(scalar)
            }
        }
        return String(output)
    }

    /// JSON text with the same characters written as `\u009b`. (Below U+0020 JSON has none, and
    /// what stands between its strings is ASCII.)
    static func json(_ text: [UInt8]) -> [UInt8] {
        let whole = String(decoding: text, as: UTF8.self)
        guard whole.unicodeScalars.contains(where: isHidden) else { return text }
        var output: [UInt8] = []
        for scalar in whole.unicodeScalars {
            if isHidden(scalar), scalar.value >= 0x20 {
                let digits = String(scalar.value, radix: 16)
                output += "\\u".utf8
                output += repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count)
                output += digits.utf8
            } else {
                output += UTF8.encode(scalar).map { Array($0) } ?? []
            }
        }
        return output
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0: true
        // Line and paragraph separators, direction marks, embeddings, overrides and isolates.
        case 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0x061c: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            let digits = String(scalar.value, radix: 16)
            if scalar.value > 0xff { return "\\u{\(digits)}" }
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        }
    }

    /// Columns that the text fills.
    static func columns(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        let isEmoji =
            first.properties.isEmojiPresentation
            || character.unicodeScalars.contains { $0.value == 0xfe0f }
        return isEmoji || isWide(first.value) ? 2 : 1
    }

    /// The blocks that Unicode's East Asian Width calls wide or full.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3,
            0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6,
            0x17000...0x18cff, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            true
        default: false
        }
    }

    enum Side { case start, end }

    /// The text within `columns`, with `…` where something was cut off.
    static func cut(_ text: String, to columns: Int, keeping side: Side = .start) -> String {
        guard Visible.columns(text) > columns else { return text }
        guard columns > 1 else { return columns == 1 ? "…" : "" }
        var kept: [Character] = []
        var width = 1
        for character in side == .start ? Array(text) : text.reversed() {
            width += Visible.columns(character)
            if width > columns { break }
            kept.append(character)
        }
        return side == .start ? String(kept) + "…" : "…" + String(kept.reversed())
    }
}
