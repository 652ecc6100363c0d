import QuipuModel
import Sketches

/// What makes a series, with the bytes of its own.
struct SeriesIdentity {
    var name: [UInt8]
    var type: MetricType
    var tags: [UInt8]
    var host: Int64

    init(_ key: SeriesKey, _ bytes: UnsafeRawBufferPointer, host: Int64) {
        func copy(_ slice: Slice) -> [UInt8] {
            guard !slice.isNone, slice.range.upperBound <= bytes.count else { return [] }
            return [UInt8](bytes[slice.range])
        }
        name = copy(key.name)
        type = key.type
        tags = copy(key.tags)
        self.host = host
    }

    /// All of it as one key.
    var key: [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(name.count + tags.count + 10)
        withUnsafeBytes(of: host) { key += $0 }
        key.append(type.rawValue)
        key += name
        key.append(0)
        return key + tags
    }

    /// Binds name, type, tags and host to parameters 1 to 4.
    func bind(to statement: RawStatement) {
        statement.bind(1, copyingText: name)
        statement.bind(2, Int64(type.rawValue))
        statement.bind(3, copyingText: tags)
        statement.bind(4, host)
    }
}

/// Rollups as their table holds them.
enum StoredRollup {
    /// From the columns count, sum, min, max, last, last_time and sketch, which begin at `first`.
    static func rollup(
        _ row: RawStatement, from first: Int32, withSketch: Bool
    ) -> Rollup {
        var rollup = Rollup(
            sketch: withSketch ? row.bytes(first + 6).flatMap { DDSketch(encoded: $0) } : nil)
        rollup.count = row.double(first)
        rollup.sum = row.double(first + 1)
        rollup.min = row.double(first + 2)
        rollup.max = row.double(first + 3)
        rollup.last = row.double(first + 4)
        rollup.lastMicroseconds = row.int(first + 5)
        return rollup
    }

    static func members(_ row: RawStatement, _ column: Int32) -> DistinctCounter? {
        row.bytes(column).flatMap { DistinctCounter(encoded: $0) }
    }
}
