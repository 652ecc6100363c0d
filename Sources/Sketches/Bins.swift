/// A run of bins: `weights[i]` is the weight of bin `offset + i`. The newest samples wait beside
/// it: few of them need no run, which has hundreds of bins, and a run that grows for many at once
/// is moved less often.
struct Bins: Sendable, Equatable {
    /// Samples that wait, at most.
    private static let waitingMax = 64

    private(set) var offset = 0
    private(set) var weights: [Double] = []
    private(set) var count: Double = 0
    /// Bins of samples of weight 1.
    private var waiting: [Int32] = []

    static func == (left: Bins, right: Bins) -> Bool {
        let (left, right) = (left.settled.trimmed, right.settled.trimmed)
        return left.offset == right.offset && left.weights == right.weights
    }

    private var trimmed: (offset: Int, weights: ArraySlice<Double>) {
        guard let first = weights.firstIndex(where: { $0 > 0 }),
            let last = weights.lastIndex(where: { $0 > 0 })
        else { return (0, []) }
        return (offset + first, weights[first...last])
    }

    @inline(__always)
    mutating func add(index: Int, weight: Double) {
        guard weight > 0 else { return }
        count += weight
        if weight == 1 {
            wait(Int32(truncatingIfNeeded: index))
        } else {
            weights[position(of: index)] += weight
        }
    }

    @inline(__always)
    private mutating func wait(_ index: Int32) {
        if waiting.count == waiting.capacity {
            if waiting.count >= Self.waitingMax { settle() }
            waiting.reserveCapacity(waiting.isEmpty ? 8 : Self.waitingMax)
        }
        waiting.append(index)
    }

    /// Puts the samples that wait into the run.
    mutating func settle() {
        guard let lowest = waiting.min(), let highest = waiting.max() else { return }
        // The highest first, so that what has to be collapsed is collapsed at once.
        _ = position(of: Int(highest))
        _ = position(of: Int(lowest))
        for index in waiting { weights[position(of: Int(index))] += 1 }
        waiting.removeAll(keepingCapacity: true)
    }

    /// All samples in the run.
    var settled: Bins {
        guard !waiting.isEmpty else { return self }
        var bins = self
        bins.settle()
        return bins
    }

    mutating func remove(index: Int) -> Bool {
        settle()
        guard weights.indices.contains(index - offset), weights[index - offset] >= 1 else {
            return false
        }
        weights[index - offset] -= 1
        count -= 1
        return true
    }

    mutating func merge(_ other: Bins) {
        for index in other.waiting { wait(index) }
        count += other.count
        guard !other.weights.isEmpty else { return }
        _ = position(of: other.offset + other.weights.count - 1)
        for (i, weight) in other.weights.enumerated() where weight > 0 {
            weights[position(of: other.offset + i)] += weight
        }
    }

    /// Where bin `index` is, growing or collapsing the run as needed.
    private mutating func position(of index: Int) -> Int {
        if weights.isEmpty {
            offset = index
            weights = [0]
            return 0
        }
        if index < offset {
            let highest = offset + weights.count - 1
            let lowest = Swift.max(index, highest - DDSketch.binsMax + 1)
            if lowest < offset {
                weights.insert(contentsOf: repeatElement(0, count: offset - lowest), at: 0)
                offset = lowest
            }
            return Swift.max(index, offset) - offset
        }
        if index >= offset + weights.count {
            let lowest = index - DDSketch.binsMax + 1
            if lowest > offset { collapse(below: lowest) }
            weights.append(
                contentsOf: repeatElement(0, count: index - (offset + weights.count) + 1))
        }
        return index - offset
    }

    private mutating func collapse(below lowest: Int) {
        let dropped = Swift.min(lowest - offset, weights.count)
        let moved = weights[..<dropped].reduce(0, +)
        weights.removeFirst(dropped)
        offset = lowest
        if weights.isEmpty { weights = [0] }
        weights[0] += moved
    }
}

extension Bins {
    var list: [DDSketch.Bin] {
        weights.enumerated().compactMap { position, weight in
            weight > 0 ? DDSketch.Bin(index: offset + position, weight: weight) : nil
        }
    }
}

// MARK: - Bytes

extension Bins {
    init?(_ reader: inout ByteReader) {
        self.init()
        guard add(&reader) else { return nil }
    }

    /// Adds bins as they are encoded. False when the bytes are not bins.
    mutating func add(_ reader: inout ByteReader) -> Bool {
        guard let count = reader.varint(), count <= DDSketch.binsMax else { return false }
        var index = 0
        for _ in 0..<count {
            guard let gap = reader.signed(), let weight = reader.weight() else { return false }
            let (next, overflow) = index.addingReportingOverflow(gap)
            guard !overflow, LogMapping.indices.contains(next) else { return false }
            index = next
            add(index: index, weight: weight)
        }
        return true
    }
}
