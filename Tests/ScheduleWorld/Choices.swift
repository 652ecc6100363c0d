/// Where every decision of a schedule comes from: a seed, or a fuzzer's bytes.
final class Choices {
    private enum Source {
        case seed(UInt64)
        case bytes([UInt8], next: Int)
    }

    private var source: Source
    /// Goes on where a fuzzer's bytes are used up: what happens by chance must still happen.
    private var rest: UInt64 = 0

    init(seed: UInt64) { source = .seed(seed) }
    init(bytes: [UInt8]) { source = .bytes(bytes, next: 0) }

    /// A fuzzer's bytes are used up.
    var isExhausted: Bool {
        if case .bytes(let bytes, let next) = source { return next >= bytes.count }
        return false
    }

    /// A number from 0 to `count - 1`.
    func below(_ count: Int) -> Int {
        guard count > 1 else { return 0 }
        switch source {
        case .seed(var state):
            let number = Self.split(&state)
            source = .seed(state)
            return Int(number.multipliedFullWidth(by: UInt64(count)).high)
        case .bytes(let bytes, let next) where next >= bytes.count:
            return Int(Self.split(&rest).multipliedFullWidth(by: UInt64(count)).high)
        case .bytes(let bytes, let next):
            var number = 0
            var index = next
            repeat {
                number = number << 8 | (index < bytes.count ? Int(bytes[index]) : 0)
                index += 1
            } while index - next < 2 && count > 256
            source = .bytes(bytes, next: index)
            return number % count
        }
    }

    func chance(_ percent: Int) -> Bool { below(100) < percent }
    func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }
    func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    private static func split(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// The agent's jitter.
struct Jitter: RandomNumberGenerator {
    var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}
