internal import QuipuModel

/// What lines meant that differ in their number alone.
///
/// Clients send the same few hundred lines again and again. Of such a line only the number has to
/// be read; the grammar sees the first one of each batch.
struct LineShapes {
    struct Meaning {
        var series: Int32
        var type: MetricType
        var weight: Double
    }

    private struct Slot {
        var hash: UInt64 = 0
        /// 0: empty. Of an earlier batch: its series has another number now.
        var batch: UInt32 = 0
        var keyStart: UInt32 = 0
        var nameCount: UInt16 = 0
        var restCount: UInt16 = 0
        var meaning = Meaning(series: 0, type: .counter, weight: 1)
    }

    /// Beyond these the table starts anew.
    private static let slotsMax = 1 << 14
    private static let keyBytesMax = 1 << 20

    private var slots = [Slot](repeating: Slot(), count: 256)
    private var used = 0
    private var keys: [UInt8] = []
    private var batch: UInt32 = 1
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed &+ 0x5851_f42d_4c95_7f2d | 1 }

    mutating func beginBatch() {
        if batch == .max { clear() }
        batch += 1
    }

    @inline(__always)
    func find(_ line: PlainLine) -> Meaning? {
        let hash = hash(line)
        return slots.withUnsafeBufferPointer { slots in
            let mask = slots.count - 1
            var index = Int(truncatingIfNeeded: hash) & mask
            while slots[index].batch != 0 {
                if slots[index].hash == hash, holds(slots[index], line) {
                    return slots[index].batch == batch ? slots[index].meaning : nil
                }
                index = (index + 1) & mask
            }
            return nil
        }
    }

    mutating func remember(_ line: PlainLine, _ meaning: Meaning) {
        guard line.rest.count <= UInt16.max, line.name.count <= UInt16.max else { return }
        let hash = hash(line)
        let index = place(of: line, hash)
        if slots[index].batch == 0 {
            if used * 2 >= slots.count {
                grow()
                return remember(line, meaning)
            }
            if keys.count + line.name.count + line.rest.count > Self.keyBytesMax {
                clear()
                return remember(line, meaning)
            }
            used += 1
            slots[index].hash = hash
            slots[index].keyStart = UInt32(keys.count)
            slots[index].nameCount = UInt16(line.name.count)
            slots[index].restCount = UInt16(line.rest.count)
            keys.append(contentsOf: line.name)
            keys.append(contentsOf: line.rest)
        }
        slots[index].batch = batch
        slots[index].meaning = meaning
    }

    /// The slot that holds the line, or the empty one where it belongs.
    private func place(of line: PlainLine, _ hash: UInt64) -> Int {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].batch != 0 {
            if slots[index].hash == hash, holds(slots[index], line) { break }
            index = (index + 1) & mask
        }
        return index
    }

    private mutating func grow() {
        guard slots.count < Self.slotsMax else { return clear() }
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        let mask = slots.count - 1
        for slot in old where slot.batch != 0 {
            var index = Int(truncatingIfNeeded: slot.hash) & mask
            while slots[index].batch != 0 { index = (index + 1) & mask }
            slots[index] = slot
        }
    }

    private mutating func clear() {
        slots = [Slot](repeating: Slot(), count: 256)
        keys = []
        used = 0
        batch = 1
    }

    @inline(__always)
    private func hash(_ line: PlainLine) -> UInt64 {
        // Two chains of multiplications, side by side.
        var hash = seed
        var other = ~seed
        ByteHash.mix(line.name, into: &hash)
        ByteHash.mix(line.rest, into: &other)
        return hash &+ other &* 0x9e37_79b9_7f4a_7c15
    }

    @inline(__always)
    private func holds(_ slot: Slot, _ line: PlainLine) -> Bool {
        let nameCount = Int(slot.nameCount)
        let restCount = Int(slot.restCount)
        guard nameCount == line.name.count, restCount == line.rest.count else { return false }
        return keys.withUnsafeBytes {
            let start = Int(slot.keyStart)
            return $0.part(start, start + nameCount).equalsShort(line.name)
                && $0.part(start + nameCount, start + nameCount + restCount)
                    .equalsShort(line.rest)
        }
    }
}
