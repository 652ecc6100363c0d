public import QuipuModel

public struct SourceContext: Sendable {
    public init(kind: SourceKind, path: String, dialect: Dialect = .statsd) {}
}
public final class Decoder {
    public init() {}
    public func decode(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, context: SourceContext,
        arrival: Timestamp, finished: Bool
    ) -> DecodedBatch { DecodedBatch() }
}
