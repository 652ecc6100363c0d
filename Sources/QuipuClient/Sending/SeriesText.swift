import QuipuModel

/// Names and tags as StatsD text in which nothing can break its line.
enum SeriesText {
    /// Where a text stands; what ends it there becomes an underscore.
    enum Place {
        case name, tagKey, tagValue, setMember

        fileprivate func ends(_ byte: UInt8) -> Bool {
            switch byte {
            case 0..<0x20, 0x7f, UInt8(ascii: "|"): true
            case UInt8(ascii: ":"): self == .name || self == .tagKey
            case UInt8(ascii: ","): self == .tagKey || self == .tagValue
            default: false
            }
        }
    }

    static func clean(_ text: String, except place: Place, bytesMax: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in text.utf8.prefix(bytesMax + 1) {
            bytes.append(place.ends(byte) ? UInt8(ascii: "_") : byte)
        }
        guard bytes.count > bytesMax else { return bytes }
        // Cut between characters.
        var end = bytesMax
        while end > 0, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }

    /// A name that the agent takes for one: neither empty nor the beginning of another kind of
    /// line.
    static func name(_ text: String) -> [UInt8] {
        var bytes = clean(text, except: .name, bytesMax: Limits.nameBytesMax)
        if bytes.isEmpty { return [UInt8(ascii: "_")] }
        if bytes.first == UInt8(ascii: "{") { bytes[0] = UInt8(ascii: "_") }
        if bytes.starts(with: Array("_e{".utf8)) { bytes[2] = UInt8(ascii: "_") }
        return bytes
    }

    /// `|g|#a:b,c`. The field of tags is there even without any: by it a gauge's sign is only a
    /// sign, whatever the listener's dialect.
    static func tail(_ type: MetricType, _ tags: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "|")] + Array(letters(type).utf8)
        guard !tags.isEmpty || type == .gauge else { return bytes }
        bytes += Array("|#".utf8)
        for (index, (key, value)) in tags.prefix(Limits.tagsPerSeriesMax).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += tag(key, value)
        }
        return bytes
    }

    private static func tag(_ key: String, _ value: String) -> [UInt8] {
        let key = clean(key, except: .tagKey, bytesMax: Limits.nameBytesMax)
        let room = Limits.nameBytesMax - key.count - 1
        guard !value.isEmpty, room > 0 else { return key }
        return key + [UInt8(ascii: ":")] + clean(value, except: .tagValue, bytesMax: room)
    }

    private static func letters(_ type: MetricType) -> String {
        switch type {
        case .counter: "c"
        case .gauge: "g"
        case .timer: "ms"
        case .histogram: "h"
        case .distribution: "d"
        case .set: "s"
        }
    }
}
