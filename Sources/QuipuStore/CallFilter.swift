/// Says of most calls that no event is stored under their key, so that nobody needs to look: a
/// Bloom filter over the keys of sessions whose first event this process stored.
struct CallFilter {
    /// 1 MiB; one key in 30 is looked for in vain when it is full.
    private static let wordsBits: UInt64 = 17
    private static let keysMax = 1 << 20
    private static let probes = 4

    private var words = [UInt64](repeating: 0, count: 1 << Self.wordsBits)
    private var keys = 0
    /// Sessions from this id on were new when the filter was empty.
    private var firstSession: Int64

    /// - Parameter firstSession: The least id that no text has yet.
    init(firstSession: Int64) {
        self.firstSession = firstSession
    }

    func mayHold(_ key: Int64, of session: Int64) -> Bool {
        guard session >= firstSession else { return true }
        return Self.places(of: key).allSatisfy { words[$0.word] & $0.bit != 0 }
    }

    /// - Parameter nextSession: The least id that no text has, for when the filter is full and
    ///   begins anew.
    mutating func insert(_ key: Int64, nextSession: @autoclosure () throws -> Int64) rethrows {
        if keys == Self.keysMax { self = CallFilter(firstSession: try nextSession()) }
        for place in Self.places(of: key) { words[place.word] |= place.bit }
        keys += 1
    }

    /// Two halves of one hash make as many as are needed (Kirsch and Mitzenmacher, 2006).
    private static func places(
        of key: Int64
    ) -> some Sequence<(word: Int, bit: UInt64)> {
        var hash = UInt64(bitPattern: key) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ hash >> 29) &* 0xbf58_476d_1ce4_e5b9
        let step = (hash >> 32) | 1
        return (0..<UInt64(probes)).lazy.map { probe in
            let place = (hash &+ probe &* step) >> 3
            return (
                Int(truncatingIfNeeded: place >> 6 & (1 << wordsBits - 1)), 1 << (place & 63)
            )
        }
    }
}
