internal import QuipuModel
internal import Rules
internal import Sketches

// In place of what the rest of the store has.
struct SQLiteFailure: Error {
    var code: Int32
    var message: String
}

enum StoreError: Error {
    case invalid(path: String, hint: String)
}

enum StoredRollup {
    struct Pair {
        var rollup = Rollup()
        var members: DistinctCounter?
    }
}

// What the store reads back from the disk, which may be damaged: no bytes may end the process.

/// A block of rollups that anyone may have written.
public func readBlock(_ bytes: UnsafeRawBufferPointer) { _ = points(bytes) }

private let start: Int64 = 1_800_000_000

/// A block that the store wrote reads as what was written; with some bytes changed, as anything.
public func writeBlock(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let written = made(of: Array(bytes)[1...], count: Int(first) % 12)
    var block = RollupBlock.encode(written, start: start, width: 10, ColumnPacker())
    block.withUnsafeBytes { block in
        guard let read = points(block), read.count == written.count else {
            return require(false, "what is written can be read")
        }
        for (one, other) in zip(read, written) {
            let isSame =
                one.bucket == other.bucket && one.pair.rollup == other.pair.rollup
                && one.pair.members == other.pair.members
            require(isSame, "what is written is read as the same")
        }
    }
    // The input's end says what to damage.
    for index in stride(from: 0, to: min(bytes.count - 1, 24), by: 3) {
        let tail = bytes[(bytes.count - min(bytes.count, 24))...]
        let place = Int(tail[tail.startIndex + index % tail.count]) * 7 % block.count
        block[place] ^= tail[tail.startIndex + (index + 1) % tail.count]
        block.withUnsafeBytes { _ = points($0) }
    }
}

private let scales: [Double] = [1, 0.01, 1e-9, 1e12, -1, -0.001]

private func made(of bytes: ArraySlice<UInt8>, count: Int) -> [RollupPoint] {
    var bytes = bytes
    var points: [RollupPoint] = []
    var place: Int64 = 0
    for _ in 0..<count {
        let kind = bytes.popFirst() ?? 0
        var pair = StoredRollup.Pair()
        if kind & 1 == 1 { pair.rollup.sketch = DDSketch() }
        if kind & 2 == 2 { pair.members = DistinctCounter() }
        place += 1 + Int64(kind >> 4)
        let seconds = start + place * 10
        for _ in 0..<Int(kind >> 2 & 3) + 1 {
            let scale = scales[Int(bytes.popFirst() ?? 0) % scales.count]
            let high = Double(bytes.popFirst() ?? 0)
            let number = high * 256 + Double(bytes.popFirst() ?? 0)
            pair.rollup.add(
                number * scale, weight: kind & 8 == 8 ? 1 / 0.3 : 1,
                atMicroseconds: seconds * 1_000_000 + Int64(number))
            withUnsafeBytes(of: number) { pair.members?.add($0) }
        }
        points.append(RollupPoint(bucket: seconds, pair: pair))
    }
    return points
}

private func points(_ bytes: UnsafeRawBufferPointer) -> [RollupPoint]? {
    let packer = ColumnPacker()
    var points: [RollupPoint]?
    for parts in [[], .extremes, .last, .numbers, .all] as [RollupParts] {
        guard
            var block = RollupBlockReader(
                bytes, start: start, width: 10, packer, parts)
        else { continue }
        points = []
        _ = block.places(in: start..<start + 100)
        while let point = try? block.point() {
            for quantile in [0.0, 0.5, 1] { _ = point.pair.rollup.sketch?.quantile(quantile) }
            _ = point.pair.members?.estimate
            points?.append(point)
        }
    }
    return points
}

public func scanJSON(_ bytes: UnsafeRawBufferPointer) {
    var scanner = JSONScanner(object: bytes)
    while let member = scanner.next() {
        require(member.name.upperBound <= bytes.count, "names lie inside")
        require(member.value.upperBound <= bytes.count, "values lie inside")
    }
}

/// What a client gives back to get the next page.
public func readPageCursor(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    for texts in 0...1 {
        guard let cursor = try? PageCursor(text, list: "e", numbers: 2, texts: texts) else {
            continue
        }
        let again = try? PageCursor(cursor.text, list: "e", numbers: 2, texts: texts)
        require(again == cursor, "a place is read as it is written")
    }
}
