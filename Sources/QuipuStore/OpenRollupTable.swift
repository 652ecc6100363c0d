import QuipuModel
import Sketches

/// Rollups of 10 s that may still change often, a row each, until they are packed into blocks.
final class OpenRollupTable {
    static let columns = "count, sum, min, max, last, last_time, sketch, members"

    private let load: RawStatement
    private let replace: RawStatement

    init(_ connection: OpaquePointer) throws {
        load = try RawStatement(
            connection,
            "SELECT \(Self.columns) FROM open_rollups WHERE series = ?1 AND bucket = ?2")
        replace = try RawStatement(
            connection,
            """
            INSERT OR REPLACE INTO open_rollups (series, bucket, \(Self.columns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """)
    }

    func merge(_ added: StoredRollup.Pair, series: Int64, bucket: Int64) throws {
        var sum = added
        load.bind(1, series)
        load.bind(2, bucket)
        if try load.step() {
            sum = StoredRollup.Pair(load, from: 0)
            sum.merge(added)
        }
        load.reset()
        let rollup = sum.rollup
        replace.bind(1, series)
        replace.bind(2, bucket)
        replace.bind(3, rollup.count)
        replace.bind(4, rollup.sum)
        replace.bind(5, rollup.min)
        replace.bind(6, rollup.max)
        replace.bind(7, rollup.last)
        replace.bind(8, rollup.lastMicroseconds)
        replace.bind(9, copying: rollup.sketch?.encoded)
        replace.bind(10, copying: sum.members?.encoded)
        try replace.run()
    }
}

extension StoredRollup {
    /// A rollup and, for sets, its members.
    struct Pair {
        var rollup = Rollup()
        var members: DistinctCounter?

        init() {}

        /// From `OpenRollupTable.columns`, which begin at `first`.
        init(_ row: RawStatement, from first: Int32) {
            rollup = StoredRollup.rollup(row, from: first, withSketch: true)
            members = StoredRollup.members(row, first + 7)
        }

        mutating func merge(_ other: Pair) {
            rollup.merge(other.rollup)
            guard let others = other.members else { return }
            if members == nil { members = others } else { members?.merge(others) }
        }
    }
}
