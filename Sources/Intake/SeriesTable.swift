internal import CSimdJSON
internal import QuipuModel

/// Finds a series by the bytes of its line: an open-addressing hash table from (name, type, tags as
/// written) to an index, which a line whose series has been seen reaches without any allocation.
struct SeriesTable {
    private struct Slot {
        var hash: UInt64 = 0
        /// Slots of earlier batches count as empty, so that a new batch need not clear the table.
        var generation: UInt32 = 0
        var series: Int32 = 0
        /// Where name and tags stand in `keys`.
        var offset: UInt32 = 0
        var nameCount: UInt16 = 0
        var tagCount: UInt32 = 0
        var type = MetricType.counter
    }

    private var slots = [Slot](repeating: Slot(), count: 1_024)
    private var used = 0
    private var generation: UInt32 = 1
    private var keys: [UInt8] = []
    /// Unknown to senders, so that none can choose names that all fall together.
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed | 1 }

    /// Forgets everything, for the next batch.
    mutating func reset() {
        used = 0
        keys.removeAll(keepingCapacity: keys.capacity <= 1 << 20)
        if generation == .max || slots.count > 1 << 16 {
            slots = [Slot](repeating: Slot(), count: 1_024)
            generation = 0
        }
        generation += 1
    }

    /// A value that every key of a table has, to find and insert it by.
    func hash(name: Bytes, type: MetricType, tags: Bytes) -> UInt64 {
        var hash = seed ^ UInt64(type.rawValue)
        ByteHash.mix(name, into: &hash)
        ByteHash.mix(tags, into: &hash)
        return hash
    }

    /// The series; nil when the table has not got this key.
    @inline(__always)
    func find(hash: UInt64, name: Bytes, type: MetricType, tags: Bytes) -> Int? {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].generation == generation {
            if slots[index].hash == hash, holds(slots[index], name, type, tags) {
                return Int(slots[index].series)
            }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Adds a key that the table has not got.
    mutating func insert(
        hash: UInt64, name: Bytes, type: MetricType, tags: Bytes, series: Int
    ) {
        if used * 2 >= slots.count { grow() }
        let slot = Slot(
            hash: hash, generation: generation, series: Int32(series), offset: UInt32(keys.count),
            nameCount: UInt16(name.count), tagCount: UInt32(tags.count), type: type)
        keys.append(contentsOf: name)
        keys.append(contentsOf: tags)
        place(slot)
        used += 1
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: slot.hash) & mask
        while slots[index].generation == generation { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.generation == generation { place(slot) }
    }

    @inline(__always)
    private func holds(_ slot: Slot, _ name: Bytes, _ type: MetricType, _ tags: Bytes) -> Bool {
        guard slot.type == type, Int(slot.nameCount) == name.count,
            Int(slot.tagCount) == tags.count
        else { return false }
        return keys.withUnsafeBytes {
            let start = Int(slot.offset)
            return $0.part(start, start + name.count).equals(name)
                && $0.part(start + name.count, start + name.count + tags.count).equals(tags)
        }
    }
}
