internal import QuipuModel

/// A value, or a member with its name, as JSON text.
struct JSONPiece {
    let text: Bytes
    /// Of a member: where its colon is.
    private let colon: Int?

    /// - Parameter text: Valid: it came out of a document.
    init(_ text: Bytes) {
        self.text = text
        var place = 0
        guard text.first == UInt8(ascii: "\"") else {
            colon = nil
            return
        }
        repeat {
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        } while place < text.count && text[place] != UInt8(ascii: "\"")
        place += 1
        while place < text.count, text[place] <= 0x20 { place += 1 }
        colon = place < text.count && text[place] == UInt8(ascii: ":") ? place : nil
    }

    var name: Bytes? { colon.map { text.part(0, $0) } }
}

/// Whether what was made of a piece is one still.
struct JSONPieceCheck {
    private var document = JSONDocument()
    private var text: [UInt8] = []

    mutating func passes(_ made: Bytes, like piece: JSONPiece) -> Bool {
        text.removeAll(keepingCapacity: true)
        text.append(UInt8(ascii: "{"))
        if piece.name == nil {
            text += [UInt8(ascii: "\""), UInt8(ascii: "\""), UInt8(ascii: ":")]
        }
        text.append(contentsOf: made)
        text.append(UInt8(ascii: "}"))
        let isWhole = text.withUnsafeBytes { document.parse($0, readable: 0) == nil }
        let isOne = document.members.count == 1
        document.trim()
        return isWhole && isOne
    }
}
