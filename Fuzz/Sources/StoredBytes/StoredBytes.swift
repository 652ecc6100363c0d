internal import QuipuModel
internal import Sketches

// In place of what the rest of the store has.
struct SQLiteFailure: Error {
    var code: Int32
    var message: String
}

enum StoredRollup {
    struct Pair {
        var rollup = Rollup()
        var members: DistinctCounter?
    }
}

// What the store reads back from the disk, which may be damaged: no bytes may end the process.

/// A block of rollups: what reads, reads as the same once it is written again.
public func readBlock(_ bytes: UnsafeRawBufferPointer) {
    let packer = ColumnPacker()
    for withSketches in [false, true] {
        guard
            var block = RollupBlockReader(
                bytes, start: 1_800_000_000, width: 10, packer, withSketches: withSketches)
        else { continue }
        while let point = try? block.point() {
            for quantile in [0.0, 0.5, 1] { _ = point.pair.rollup.sketch?.quantile(quantile) }
            _ = point.pair.members?.estimate
        }
    }
}

public func scanJSON(_ bytes: UnsafeRawBufferPointer) {
    var scanner = JSONScanner(object: bytes)
    while let member = scanner.next() {
        precondition(member.name.upperBound <= bytes.count, "broken rule: names lie inside")
        precondition(member.value.upperBound <= bytes.count, "broken rule: values lie inside")
    }
}
