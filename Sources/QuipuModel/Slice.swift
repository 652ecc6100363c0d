/// A run of bytes inside a `DecodedBatch.bytes`; `none` where a record has no such member.
///
/// Records hold slices rather than strings so that decoding allocates nothing per record.
public struct Slice: Hashable, Sendable {
    public var offset: UInt32
    public var count: UInt32

    public init(offset: Int, count: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    public static let none = Slice(offset: 0, count: Int(UInt32.max))
    public var isNone: Bool { count == UInt32.max }
    public var range: Range<Int> { Int(offset)..<(Int(offset) + Int(count)) }
}
