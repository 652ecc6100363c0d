/// Where a JSON value can be cut so that it stays one once its containers are closed again.
struct JSONCut {
    /// How much of the value stays.
    private(set) var bytes = 0
    /// What has to follow: a quote and brackets.
    private(set) var closing: [UInt8] = []

    /// The closing brackets of the containers that are open, outermost first.
    private var open: [UInt8] = []
    private let value: Bytes
    private let bytesMax: Int

    init(value: Bytes, bytesMax: Int) {
        self.value = value
        self.bytesMax = bytesMax
        // Something must stand there even when nothing fits.
        closing = Array("null".utf8)
        walk()
    }

    private mutating func walk() {
        var position = 0
        // After a name and its colon, or in an array, a value may be cut and kept.
        var isName = false
        while position < value.count, position < bytesMax {
            switch value[position] {
            case UInt8(ascii: "{"):
                open.append(UInt8(ascii: "}"))
                isName = true
                position += 1
                keep(position)
            case UInt8(ascii: "["):
                open.append(UInt8(ascii: "]"))
                position += 1
                keep(position)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = open.popLast()
                position += 1
                keep(position)
            case UInt8(ascii: ","):
                isName = open.last == UInt8(ascii: "}")
                position += 1
            case UInt8(ascii: ":"):
                isName = false
                position += 1
            case UInt8(ascii: "\""):
                position = string(position, isName: isName)
            case let byte where byte.isSpace:
                position += 1
            default:
                position = word(position)
            }
        }
    }

    /// Everything before `end` stays, and all that is open is closed.
    private mutating func keep(_ end: Int, quote: Bool = false) {
        bytes = end
        closing = (quote ? [UInt8(ascii: "\"")] : []) + open.reversed()
    }

    private mutating func string(_ start: Int, isName: Bool) -> Int {
        var position = start + 1
        var lastWhole = position
        while position < value.count, value[position] != UInt8(ascii: "\"") {
            if value[position] == UInt8(ascii: "\\") {
                position += escapeBytes(position)
            } else {
                position += 1
                while position < value.count, value[position] & 0xc0 == 0x80 { position += 1 }
            }
            guard position <= bytesMax else {
                if !isName { keep(lastWhole, quote: true) }
                return value.count
            }
            lastWhole = position
        }
        position += 1
        if position <= bytesMax, !isName { keep(position) }
        return position
    }

    /// The length of an escape; of both halves of a surrogate pair.
    private func escapeBytes(_ start: Int) -> Int {
        guard start + 3 < value.count, value[start + 1] == UInt8(ascii: "u") else { return 2 }
        let isHigh =
            value[start + 2] | 0x20 == UInt8(ascii: "d")
            && [0x38, 0x39, 0x61, 0x62].contains(value[start + 3] | 0x20)
        let hasLow = start + 7 < value.count && value[start + 6] == UInt8(ascii: "\\")
        return isHigh && hasLow ? 12 : 6
    }

    /// A number, `true`, `false` or `null`.
    private mutating func word(_ start: Int) -> Int {
        var end = start
        while end < value.count, ![0x2c, 0x5d, 0x7d].contains(value[end]), !value[end].isSpace {
            end += 1
        }
        if end <= bytesMax { keep(end) }
        return end
    }
}
