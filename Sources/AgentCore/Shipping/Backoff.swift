/// How long to wait before the next attempt: doubling, with jitter, so that many agents do not come
/// at once.
struct Backoff: Sendable {
    private let msMin: Int64
    private let msMax: Int64
    private var msNext: Int64

    init(msMin: Int64, msMax: Int64) {
        self.msMin = msMin
        self.msMax = msMax
        msNext = msMin
    }

    /// Between half and the whole of the current step, never under the least.
    mutating func next(using random: inout some RandomNumberGenerator) -> Int64 {
        let step = msNext
        msNext = min(msNext * 2, msMax)
        return Int64.random(in: max(msMin, step / 2)...step, using: &random)
    }

    mutating func reset() { msNext = msMin }
}
