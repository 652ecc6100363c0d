import QuipuModel

/// What a file held before it was cut or written anew, by incarnation, for as long as a store may
/// ask for it that has not heard of that.
struct DestroyedContents: Equatable, Sendable {
    private var bytesByIncarnation: [Int64: UInt64] = [:]

    var isEmpty: Bool { bytesByIncarnation.isEmpty }

    mutating func add(_ incarnation: Int64, bytes: UInt64) {
        let before = bytesByIncarnation[incarnation] ?? 0
        bytesByIncarnation[incarnation] = before.addingClamped(bytes)
    }

    /// What there was of an incarnation and of those after it, where a store that goes on in it
    /// has everything before `position`; nil when its content is not known to be destroyed.
    func bytes(since incarnation: Int64, position: UInt64) -> UInt64? {
        let later = bytesByIncarnation.filter { $0.key > incarnation }.values
            .reduce(UInt64(0)) { $0.addingClamped($1) }
        let own = bytesByIncarnation[incarnation]
        guard own != nil || later > 0 else { return nil }
        return max(own ?? 0, position).addingClamped(later)
    }
}
