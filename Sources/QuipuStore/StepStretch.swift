import QuipuModel

/// Steps in a row that have one rule for where they begin.
struct StepStretch {
    /// What is read of it. Only a question's first and last step may reach beyond.
    let seconds: Range<Int64>
    private(set) var stepSeconds: Int64
    /// The steps are wider than was asked for.
    private(set) var isWidened = false
    /// The number of its first step in the whole grid.
    private(set) var firstIndex = 0
    /// Where all steps are as long: the start of the first one.
    private var first: Int64
    /// Else the start of each step, and the end of the last.
    private var edges: [Int64]
    /// Other stretches begin and end here, also within a step.
    private var bounds: Range<Int64>

    /// - Parameter edges: of more than this stretch; empty where all steps are as long.
    init(_ seconds: Range<Int64>, _ stepSeconds: Int64, _ edges: [Int64]) {
        self.seconds = seconds
        self.stepSeconds = stepSeconds
        first = seconds.lowerBound.aligned(to: stepSeconds)
        bounds = seconds
        let low = edges.lastIndex { $0 <= seconds.lowerBound } ?? 0
        let high = edges.firstIndex { $0 >= seconds.upperBound } ?? edges.count - 1
        self.edges = edges.isEmpty ? [] : Array(edges[low...high])
    }

    /// Makes steps of whole spans of `width`: of the least length that has the one asked for, or of
    /// days of a zone that begin as near to its midnights as spans do.
    mutating func widen(to width: Int64) {
        isWidened = true
        guard edges.isEmpty else {
            var rounded: [Int64] = []
            for edge in edges {
                let near = (edge + width / 2).aligned(to: width)
                if near != rounded.last { rounded.append(near) }
            }
            edges = rounded
            return
        }
        stepSeconds = -((-stepSeconds).aligned(to: width))
        first = seconds.lowerBound.aligned(to: stepSeconds)
    }

    mutating func place(from index: Int, isFirst: Bool, isLast: Bool) {
        firstIndex = index
        bounds =
            (isFirst ? .min : seconds.lowerBound)..<(isLast ? .max : seconds.upperBound)
    }

    var count: Int {
        edges.isEmpty
            ? Int((seconds.upperBound - first + stepSeconds - 1) / stepSeconds)
            : edges.count - 1
    }

    /// Spans of `width`, aligned to the epoch, lie in one step each.
    func isWhole(in width: Int64) -> Bool {
        edges.isEmpty
            ? stepSeconds.isMultiple(of: width)
            : edges.allSatisfy { $0.isMultiple(of: width) }
    }

    func index(holding second: Int64) -> Int {
        guard !edges.isEmpty else { return firstIndex + Int((second &- first) / stepSeconds) }
        return firstIndex + max(0, edge(after: second) - 1)
    }

    func start(_ index: Int) -> Int64 { max(edge(index - firstIndex), bounds.lowerBound) }

    func end(_ index: Int) -> Int64 { min(edge(index - firstIndex + 1), bounds.upperBound) }

    private func edge(_ number: Int) -> Int64 {
        edges.isEmpty ? first + Int64(number) * stepSeconds : edges[number]
    }

    /// The first edge behind `second`.
    private func edge(after second: Int64) -> Int {
        var low = 0
        var high = edges.count
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
